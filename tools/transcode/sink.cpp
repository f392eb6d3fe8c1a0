#include "sink.hpp"

#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "cli/failure.hpp"
#include "container_sink.hpp"
#include "file/au.hpp"
#include "file/io.hpp"
#include "file/temporary_file.hpp"
#include "file/wav.hpp"
#include "rtp_sink.hpp"

namespace talky::transcode {

namespace {

file::Output::Mode mode_of(bool force) {
  return force ? file::Output::Mode::replace : file::Output::Mode::fresh;
}

// Raw samples, or those with the header of WAV or AU in front of them.
class ByteSink final : public Sink {
 public:
  ByteSink(std::string path, file::Output output, const Kind& kind, audio::Format format)
      : path_(std::move(path)),
        output_(std::move(output)),
        samples_(kind.samples),
        width_(file::info(kind.samples).bytes),
        format_(format),
        container_(kind.container) {
    const auto header = make_header(std::nullopt);
    header_size_ = header.size();
    check(output_.write(header));
  }

  void write(std::span<const std::int16_t> interleaved) override { convert(interleaved, file::from_s16); }
  void write(std::span<const float> interleaved) override { convert(interleaved, file::from_float); }
  void write_raw(Bytes bytes) override { check(output_.write(bytes)); }
  std::optional<file::SampleFormat> samples() const override { return samples_; }
  std::span<std::byte> room(std::size_t bytes) override {
    const auto room = output_.reserve(bytes);
    if (!room) cli::fail_write(path_, room.error());
    return {*room, bytes};
  }
  void commit(std::size_t bytes) override { output_.commit(bytes); }
  void expect(std::uint64_t bytes) override { output_.expect(header_size_ + bytes); }
  void write_behind() override { output_.write_behind(); }
  void flush() override { check(output_.flush()); }

  void close() override {
    if (header_size_ > 0 && output_.patchable()) {
      const std::uint64_t data = output_.offset() - header_size_;
      const bool padded = container_ == Kind::Container::wav && data % 2 != 0;
      if (padded) check(output_.write(std::array{std::byte{0}}));
      check(output_.patch(0, make_header(data)));
    }
    check(output_.close());
  }

 private:
  template <class Sample, class Convert>
  void convert(std::span<const Sample> interleaved, Convert from) {
    while (!interleaved.empty()) {
      const auto part = interleaved.first(std::min<std::size_t>(interleaved.size(), 16384));
      interleaved = interleaved.subspan(part.size());
      const auto room = output_.reserve(part.size() * width_);
      if (!room) cli::fail_write(path_, room.error());
      from(samples_, part, std::span(*room, part.size() * width_));
      output_.commit(part.size() * width_);
    }
  }
  std::vector<std::byte> make_header(std::optional<std::uint64_t> data) const {
    if (container_ == Kind::Container::wav)
      return file::make_wav_header(samples_, format_.rate, format_.channels, data);
    if (container_ == Kind::Container::au)
      return file::make_au_header(samples_, format_.rate, format_.channels, data);
    return {};
  }
  void check(const Result<>& done) const {
    if (!done) cli::fail_write(path_, done.error());
  }

  std::string path_;
  file::Output output_;
  file::SampleFormat samples_;
  std::size_t width_;
  audio::Format format_;
  Kind::Container container_;
  std::size_t header_size_ = 0;
};

// libsndfile writes by name: a temporary one, until all is well. A pipe gets it then, because the header
// tells what is known only at the end.
class SoundPipeSink final : public Sink {
 public:
  SoundPipeSink(std::string path, file::TemporaryFile kept, file::SoundFileWriter writer, file::Output output)
      : path_(std::move(path)),
        kept_(std::move(kept)),
        writer_(std::move(writer)),
        output_(std::move(output)) {}

  void write(std::span<const std::int16_t> interleaved) override {
    cli::check_temporary(writer_.write(interleaved));
  }
  void write(std::span<const float> interleaved) override {
    cli::check_temporary(writer_.write(interleaved));
  }
  void write_raw(Bytes) override {}
  void flush() override {}
  void close() override {
    cli::check_temporary(writer_.close());
    std::vector<std::byte> block(65'536);
    for (std::uint64_t at = 0;;) {
      const std::size_t got = cli::check_temporary(kept_.read(at, block));
      if (got == 0) break;
      at += got;
      check(output_.write(Bytes(block).first(got)));
    }
    check(output_.close());
  }

 private:
  void check(const Result<>& done) const {
    if (!done) cli::fail_write(path_, done.error());
  }

  std::string path_;
  file::TemporaryFile kept_;
  file::SoundFileWriter writer_;
  file::Output output_;
};

// To a file: under a temporary name, until all is well.
class SoundSink final : public Sink {
 public:
  SoundSink(std::string path, std::string temporary, file::SoundFileWriter writer, bool force)
      : path_(std::move(path)), temporary_(std::move(temporary)), writer_(std::move(writer)), force_(force) {}
  ~SoundSink() override {
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
  }
  SoundSink(const SoundSink&) = delete;
  SoundSink& operator=(const SoundSink&) = delete;

  void write(std::span<const std::int16_t> interleaved) override { check(writer_.write(interleaved)); }
  void write(std::span<const float> interleaved) override { check(writer_.write(interleaved)); }
  void write_raw(Bytes) override {}
  void flush() override {}
  void close() override {
    check(writer_.close());
    // link() does not take the place of a file that appeared meanwhile.
    const int done =
        force_ ? ::rename(temporary_.c_str(), path_.c_str()) : ::link(temporary_.c_str(), path_.c_str());
    if (done != 0) cli::fail_create(path_, Error{Errc::io, 0, "a name that is free", errno});
    if (!force_) ::unlink(temporary_.c_str());
    temporary_.clear();
  }

 private:
  void check(const Result<>& done) const {
    if (!done) cli::fail_write(path_, done.error());
  }

  std::string path_, temporary_;
  file::SoundFileWriter writer_;
  bool force_;
};

[[noreturn]] void fail_sound(const Kind& kind, audio::Format format, const std::string& path,
                             const Error& error) {
  if (error.code != Errc::unsupported) cli::fail_create(path, error);
  cli::fail_usage(fmt::format("{} cannot hold {} channels at {} Hz; choose with -r and -c", kind.name,
                              format.channels, format.rate));
}

std::unique_ptr<Sink> open_sound(const std::string& path, const Kind& kind, audio::Format format,
                                 bool force) {
  struct stat status {};
  const bool there = path != "-" && ::lstat(path.c_str(), &status) == 0;
  if (there && !force) cli::fail_create(path, Error{Errc::io, 0, "a name that is free", EEXIST});
  if (path == "-" || (there && !S_ISREG(status.st_mode))) {
    auto output = file::Output::create(path, mode_of(force));
    if (!output) cli::fail_create(path, output.error());
    file::TemporaryFile kept;
    const std::string name = cli::check_temporary(kept.name());
    auto writer = file::SoundFileWriter::create(name, *kind.sound, format);
    if (!writer) fail_sound(kind, format, path, writer.error());
    return std::make_unique<SoundPipeSink>(path, std::move(kept), std::move(*writer), std::move(*output));
  }
  std::string temporary = fmt::format("{}.{}.part", path, ::getpid());
  auto writer = file::SoundFileWriter::create(temporary, *kind.sound, format);
  if (!writer) {
    ::unlink(temporary.c_str());
    fail_sound(kind, format, path, writer.error());
  }
  return std::make_unique<SoundSink>(path, std::move(temporary), std::move(*writer), force);
}

} // namespace

std::unique_ptr<Sink> open_sink(const std::string& path, const Kind& kind, audio::Format format, bool force,
                                const SinkOptions& options) {
  if (kind.container == Kind::Container::sound) return open_sound(path, kind, format, force);
  if (kind.is_rtp()) return open_rtp_sink(path, kind.container, options.rtp, format, force);
  check_format(kind, format);
  auto output = file::Output::create(path, mode_of(force));
  if (!output) cli::fail_create(path, output.error());
  switch (kind.container) {
    case Kind::Container::flac: return make_flac_sink(path, std::move(*output), kind, format, options.live);
    case Kind::Container::opus:
      return make_opus_sink(path, std::move(*output), format, options.rtp.options.bitrate);
    case Kind::Container::coded: return make_coded_sink(path, std::move(*output), *kind.codec);
    default: return std::make_unique<ByteSink>(path, std::move(*output), kind, format);
  }
}

} // namespace talky::transcode
