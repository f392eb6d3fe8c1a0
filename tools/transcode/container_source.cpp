#include "container_source.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "cli/failure.hpp"
#include "codec/opus.hpp"
#include "file/flac.hpp"
#include "file/ogg_opus.hpp"

namespace talky::transcode {

namespace {

// Sources whose samples have 16 bits.
class NarrowSource : public Source {
 public:
  bool wide() const override { return false; }
  void read(std::size_t max_frames, std::vector<float>& out) override {
    read(max_frames, block_);
    out.resize(block_.size());
    std::transform(block_.begin(), block_.end(), out.begin(),
                   [](std::int16_t x) { return static_cast<float>(x) / 32768.0F; });
  }
  void read(std::size_t max_frames, std::vector<std::int16_t>& out) override = 0;

 private:
  std::vector<std::int16_t> block_;
};

class FlacSource final : public Source {
 public:
  FlacSource(std::string path, file::FlacReader reader)
      : path_(std::move(path)), reader_(std::move(reader)) {}

  audio::Format format() const override { return reader_.format(); }
  bool wide() const override { return reader_.bits() > 16; }
  std::string describe() const override { return fmt::format("FLAC, {} bits", reader_.bits()); }
  void read(std::size_t max_frames, std::vector<std::int16_t>& out) override {
    fetch(max_frames);
    out.resize(block_.size());
    file::to_s16(file::SampleFormat::s32le, std::as_bytes(std::span(block_)), out);
  }
  void read(std::size_t max_frames, std::vector<float>& out) override {
    fetch(max_frames);
    out.resize(block_.size());
    file::to_float(file::SampleFormat::s32le, std::as_bytes(std::span(block_)), out);
  }
  std::vector<std::string> remarks() const override {
    if (reader_.missing() == 0) return {};
    return {fmt::format("{}: cut off: {} frames fewer than its header says", cli::input_name(path_),
                        reader_.missing())};
  }

 private:
  void fetch(std::size_t max_frames) {
    if (const auto done = reader_.read(max_frames, block_); !done) cli::fail_input(path_, done.error());
  }

  std::string path_;
  file::FlacReader reader_;
  std::vector<std::int32_t> block_;
};

class OpusSource final : public NarrowSource {
 public:
  OpusSource(std::string path, file::OggOpusReader reader)
      : path_(std::move(path)), reader_(std::move(reader)) {}

  audio::Format format() const override { return reader_.format(); }
  std::string describe() const override { return "Ogg Opus"; }
  using NarrowSource::read;
  void read(std::size_t max_frames, std::vector<std::int16_t>& out) override {
    if (const auto done = reader_.read(max_frames, out); !done) cli::fail_input(path_, done.error());
  }
  std::vector<std::string> remarks() const override {
    if (reader_.holes() > 0)
      return {fmt::format("{}: damaged: {} pages or packets are missing", cli::input_name(path_),
                          reader_.holes())};
    if (!reader_.cut_off()) return {};
    return {fmt::format("{}: cut off: its last page is missing", cli::input_name(path_))};
  }

 private:
  std::string path_;
  file::OggOpusReader reader_;
};

// The bytes of a codec of constant rate, a multiple of its frames at a time.
class CodedSource final : public NarrowSource {
 public:
  CodedSource(std::string path, file::Input input, const codec::Entry& codec)
      : path_(std::move(path)), input_(std::move(input)), codec_(codec.make()) {
    frame_ = 1;
    while (codec_->frames_in(std::vector<std::byte>(frame_)).value_or(0) == 0)
      ++frame_;
  }

  audio::Format format() const override { return {codec_->info().sample_rate, codec_->info().channels}; }
  std::string describe() const override { return fmt::format("raw {}", codec_->info().name); }
  using NarrowSource::read;
  void read(std::size_t max_frames, std::vector<std::int16_t>& out) override {
    out.clear();
    // What is asked for may be less than a frame of the codec holds.
    if (used_ == decoded_.size()) fetch();
    const std::size_t count = std::min(max_frames, decoded_.size() - used_);
    const auto from = decoded_.begin() + static_cast<std::ptrdiff_t>(used_);
    out.assign(from, from + static_cast<std::ptrdiff_t>(count));
    used_ += count;
  }
  std::vector<std::string> remarks() const override {
    if (cut_off_ == 0) return {};
    return {fmt::format("{}: the last {} bytes are no whole frame and left out", cli::input_name(path_),
                        cut_off_)};
  }

 private:
  void fetch() {
    constexpr std::size_t kMost = 4096;
    decoded_.clear();
    used_ = 0;
    const std::uint64_t at = input_.offset();
    const auto bytes = input_.peek(frame_);
    if (!bytes) cli::fail_input(path_, bytes.error());
    if (bytes->size() < frame_) {
      cut_off_ = bytes->size();
      return;
    }
    const std::size_t count = std::max(frame_, std::min(bytes->size(), kMost) / frame_ * frame_);
    if (const auto done = codec_->decode(bytes->first(count), decoded_); !done) {
      Error error = done.error();
      error.offset += static_cast<std::size_t>(at);
      cli::fail_input(path_, error);
    }
    input_.skip(count);
  }

  std::string path_;
  file::Input input_;
  std::unique_ptr<codec::Codec> codec_;
  std::size_t frame_; // bytes
  std::vector<std::int16_t> decoded_;
  std::size_t used_ = 0;
  std::size_t cut_off_ = 0;
};

} // namespace

std::unique_ptr<Source> open_flac(const std::string& path, file::Input input) {
  auto reader = file::FlacReader::create(std::move(input));
  if (!reader) cli::fail_input(path, reader.error());
  return std::make_unique<FlacSource>(path, std::move(*reader));
}

std::unique_ptr<Source> open_opus(const std::string& path, file::Input input,
                                  std::optional<std::uint32_t> rate) {
  const std::uint32_t wanted = rate && codec::opus::has_rate(*rate) ? *rate : 48000;
  auto reader = file::OggOpusReader::create(std::move(input), wanted);
  if (!reader) cli::fail_input(path, reader.error());
  return std::make_unique<OpusSource>(path, std::move(*reader));
}

std::unique_ptr<Source> open_coded(const std::string& path, file::Input input, const codec::Entry& codec) {
  return std::make_unique<CodedSource>(path, std::move(input), codec);
}

} // namespace talky::transcode
