#include "container_sink.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "cli/failure.hpp"
#include "codec/opus.hpp"
#include "file/flac.hpp"
#include "file/ogg_opus.hpp"

namespace talky::transcode {

namespace {

// Sinks that take 16 bits.
class NarrowSink : public Sink {
 public:
  void write(std::span<const std::int16_t> interleaved) override = 0;
  void write(std::span<const float> interleaved) override {
    block_.resize(interleaved.size());
    file::from_float(file::SampleFormat::s16le, interleaved, std::as_writable_bytes(std::span(block_)));
    write(std::span<const std::int16_t>(block_));
  }
  void write_raw(Bytes) override {}

 private:
  std::vector<std::int16_t> block_;
};

class FlacSink final : public Sink {
 public:
  FlacSink(std::string path, file::FlacWriter writer, unsigned bits)
      : path_(std::move(path)), writer_(std::move(writer)), bits_(bits) {}

  void write(std::span<const std::int16_t> interleaved) override {
    const int up = 1 << (bits_ - 16);
    block_.resize(interleaved.size());
    std::transform(interleaved.begin(), interleaved.end(), block_.begin(),
                   [up](std::int16_t x) { return std::int32_t{x} * up; });
    check(writer_.write(block_));
  }
  void write(std::span<const float> interleaved) override {
    if (bits_ == 16) {
      narrow_.resize(interleaved.size());
      file::from_float(file::SampleFormat::s16le, interleaved, std::as_writable_bytes(std::span(narrow_)));
      return write(std::span<const std::int16_t>(narrow_));
    }
    // 24 bits in three bytes, rounded and saturated as everywhere.
    packed_.resize(interleaved.size() * 3);
    file::from_float(file::SampleFormat::s24be, interleaved, packed_);
    block_.resize(interleaved.size());
    for (std::size_t i = 0; i < block_.size(); ++i) {
      const auto byte = [&](std::size_t n) { return std::to_integer<std::uint32_t>(packed_[3 * i + n]); };
      block_[i] = static_cast<std::int32_t>(byte(0) << 24 | byte(1) << 16 | byte(2) << 8) / 256;
    }
    check(writer_.write(block_));
  }
  void write_raw(Bytes) override {}
  void flush() override { check(writer_.flush()); }
  void close() override { check(writer_.close()); }

 private:
  void check(const Result<>& done) const {
    if (!done) cli::fail_write(path_, done.error());
  }

  std::string path_;
  file::FlacWriter writer_;
  unsigned bits_;
  std::vector<std::int32_t> block_;
  std::vector<std::int16_t> narrow_;
  std::vector<std::byte> packed_;
};

class OpusSink final : public NarrowSink {
 public:
  OpusSink(std::string path, file::OggOpusWriter writer)
      : path_(std::move(path)), writer_(std::move(writer)) {}

  using NarrowSink::write;
  void write(std::span<const std::int16_t> interleaved) override { check(writer_.write(interleaved)); }
  void flush() override { check(writer_.flush()); }
  void close() override { check(writer_.close()); }

 private:
  void check(const Result<>& done) const {
    if (!done) cli::fail_write(path_, done.error());
  }

  std::string path_;
  file::OggOpusWriter writer_;
};

class CodedSink final : public NarrowSink {
 public:
  CodedSink(std::string path, file::Output output, const codec::Entry& codec)
      : path_(std::move(path)), output_(std::move(output)), codec_(codec.make()) {
    step_ = 1;
    while (!codec_->packs(step_))
      ++step_;
  }

  using NarrowSink::write;
  void write(std::span<const std::int16_t> interleaved) override {
    waiting_.insert(waiting_.end(), interleaved.begin(), interleaved.end());
    encode(waiting_.size() / step_ * step_);
  }
  void flush() override { check(output_.flush()); }
  void close() override {
    // The last frame is filled up with silence.
    if (!waiting_.empty()) {
      waiting_.resize(step_);
      encode(step_);
    }
    check(output_.close());
  }

 private:
  void encode(std::size_t count) {
    if (count == 0) return;
    bytes_.clear();
    check(codec_->encode(std::span(waiting_).first(count), bytes_));
    check(output_.write(bytes_));
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(count));
  }
  void check(const Result<>& done) const {
    if (!done) cli::fail_write(path_, done.error());
  }

  std::string path_;
  file::Output output_;
  std::unique_ptr<codec::Codec> codec_;
  std::size_t step_; // samples in the shortest frame
  std::vector<std::int16_t> waiting_;
  std::vector<std::byte> bytes_;
};

} // namespace

void check_format(const Kind& kind, audio::Format format) {
  using Container = Kind::Container;
  bool fits = true;
  if (kind.container == Container::flac) fits = format.channels <= 8 && format.rate <= 655'350;
  if (kind.container == Container::opus) fits = format.channels <= 2 && codec::opus::has_rate(format.rate);
  if (kind.container == Container::coded)
    fits = format.channels == kind.codec->info.channels && format.rate == kind.codec->info.sample_rate;
  if (!fits)
    cli::fail_usage(fmt::format("{} cannot hold {} channels at {} Hz; choose with -r and -c", kind.name,
                                format.channels, format.rate));
}

std::unique_ptr<Sink> make_flac_sink(const std::string& path, file::Output output, const Kind& kind,
                                     audio::Format format, bool live) {
  const unsigned bits = kind.wide() ? 24 : 16;
  auto writer = file::FlacWriter::create(std::move(output), {format, bits, live});
  if (!writer) cli::fail_write(path, writer.error());
  return std::make_unique<FlacSink>(path, std::move(*writer), bits);
}

std::unique_ptr<Sink> make_opus_sink(const std::string& path, file::Output output, audio::Format format,
                                     std::uint32_t bitrate) {
  auto writer = file::OggOpusWriter::create(std::move(output), {format, bitrate});
  if (!writer) cli::fail_write(path, writer.error());
  return std::make_unique<OpusSink>(path, std::move(*writer));
}

std::unique_ptr<Sink> make_coded_sink(const std::string& path, file::Output output,
                                      const codec::Entry& codec) {
  return std::make_unique<CodedSink>(path, std::move(output), codec);
}

} // namespace talky::transcode
