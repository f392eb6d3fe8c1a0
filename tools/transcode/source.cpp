#include "source.hpp"

#include <fmt/core.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "audio/tone.hpp"
#include "byte_source.hpp"
#include "cli/failure.hpp"
#include "container_source.hpp"
#include "core/ascii.hpp"
#include "file/au.hpp"
#include "file/compressed.hpp"
#include "file/io.hpp"
#include "file/wav.hpp"
#include "rtp_source.hpp"

namespace talky::transcode {

Bytes Source::read_raw(std::size_t) {
  return {};
}

namespace {

class RawSource final : public ByteSource {
 public:
  RawSource(const std::string& path, file::Input input, file::SampleFormat samples, audio::Format format)
      : ByteSource(path, samples),
        input_(std::move(input)),
        format_(format),
        frame_(std::size_t{file::info(samples).bytes} * format.channels) {}

  audio::Format format() const override { return format_; }
  std::string describe() const override { return fmt::format("raw {}", file::info(*samples()).name); }

  Bytes read_raw(std::size_t max_frames) override {
    input_.skip(std::exchange(taken_, 0));
    const auto bytes = input_.peek(frame_);
    if (!bytes) cli::fail_input(path(), bytes.error());
    if (bytes->size() < frame_) {
      cut_off_ = bytes->size();
      return {};
    }
    taken_ = std::min(bytes->size() / frame_, max_frames) * frame_;
    return bytes->first(taken_);
  }
  std::vector<std::string> remarks() const override {
    if (cut_off_ == 0) return {};
    return {fmt::format("{}: the last {} bytes are no whole frame and left out", cli::input_name(path()),
                        cut_off_)};
  }

 private:
  file::Input input_;
  audio::Format format_;
  std::size_t frame_;
  std::size_t taken_ = 0;
  std::size_t cut_off_ = 0;
};

// WAV and AU.
template <class Reader>
class HeadedSource final : public ByteSource {
 public:
  HeadedSource(const std::string& path, Reader reader, std::string_view name)
      : ByteSource(path, reader.header().format), reader_(std::move(reader)), name_(name) {}

  audio::Format format() const override { return {reader_.header().rate, reader_.header().channels}; }
  std::string describe() const override { return fmt::format("{}, {}", name_, file::info(*samples()).name); }

  Bytes read_raw(std::size_t max_frames) override {
    const auto bytes = reader_.read_raw(max_frames * reader_.header().frame_bytes());
    if (!bytes) cli::fail_input(path(), bytes.error());
    return *bytes;
  }
  std::vector<std::string> remarks() const override {
    if (reader_.missing() > 0) {
      return {fmt::format("{}: cut off: {} bytes fewer than its header says", cli::input_name(path()),
                          reader_.missing() + reader_.cut_off())};
    }
    if (reader_.cut_off() == 0) return {};
    return {fmt::format("{}: the last {} bytes are no whole frame and left out", cli::input_name(path()),
                        reader_.cut_off())};
  }

 private:
  Reader reader_;
  std::string_view name_;
};

class SoundSource final : public Source {
 public:
  // Of a pipe no more is asked for at a time than a packet holds: what has come is not held back.
  SoundSource(std::string path, file::SoundFileReader reader, bool pipe)
      : path_(std::move(path)),
        reader_(std::move(reader)),
        most_(pipe ? std::max<std::size_t>(1, reader_.format().rate / 50) : ~std::size_t{0}) {}

  audio::Format format() const override { return reader_.format(); }
  bool wide() const override { return reader_.wide(); }
  std::string describe() const override { return reader_.name(); }
  void read(std::size_t max_frames, std::vector<std::int16_t>& out) override {
    check(reader_.read(std::min(max_frames, most_), out));
  }
  void read(std::size_t max_frames, std::vector<float>& out) override {
    check(reader_.read(std::min(max_frames, most_), out));
  }

 private:
  void check(const Result<>& done) const {
    if (!done) cli::fail_input(path_, done.error());
  }

  std::string path_;
  file::SoundFileReader reader_;
  std::size_t most_; // frames
};

class Joined final : public Source {
 public:
  explicit Joined(std::vector<std::unique_ptr<Source>> sources) : parts_(sources.size()) {
    for (std::size_t i = 0; i < sources.size(); ++i)
      parts_[i].source = std::move(sources[i]);
    format_.rate = parts_.front().source->format().rate;
    format_.channels = 0;
    for (const Part& part : parts_)
      format_.channels = static_cast<std::uint16_t>(format_.channels + part.source->format().channels);
  }

  audio::Format format() const override { return format_; }
  bool wide() const override {
    return std::any_of(parts_.begin(), parts_.end(), [](const Part& p) { return p.source->wide(); });
  }
  std::string describe() const override { return fmt::format("{} files joined", parts_.size()); }
  void read(std::size_t max_frames, std::vector<std::int16_t>& out) override {
    interleave(max_frames, out, &Part::narrow);
  }
  void read(std::size_t max_frames, std::vector<float>& out) override {
    interleave(max_frames, out, &Part::wide);
  }
  std::vector<std::string> remarks() const override {
    std::vector<std::string> lines;
    for (const Part& part : parts_) {
      for (std::string& line : part.source->remarks())
        lines.push_back(std::move(line));
    }
    return lines;
  }
  bool damaged() const override {
    return std::any_of(parts_.begin(), parts_.end(), [](const Part& p) { return p.source->damaged(); });
  }

 private:
  template <class Sample>
  struct Queue {
    std::vector<Sample> block;
    std::size_t used = 0;
    bool ended = false;
  };
  struct Part {
    std::unique_ptr<Source> source;
    Queue<std::int16_t> narrow;
    Queue<float> wide;
  };

  template <class Sample>
  void interleave(std::size_t max_frames, std::vector<Sample>& out, Queue<Sample> Part::*queue) {
    std::size_t frames = max_frames;
    bool any = false;
    for (Part& part : parts_) {
      auto& q = part.*queue;
      if (q.used == q.block.size() && !q.ended) {
        part.source->read(max_frames, q.block);
        q.used = 0;
        q.ended = q.block.empty();
      }
      if (q.ended) continue;
      any = true;
      frames = std::min(frames, (q.block.size() - q.used) / part.source->format().channels);
    }
    out.assign(any ? frames * format_.channels : 0, Sample{0});
    if (!any) return;
    std::size_t channel = 0;
    for (Part& part : parts_) {
      auto& q = part.*queue;
      const std::size_t width = part.source->format().channels;
      if (!q.ended) {
        for (std::size_t i = 0; i < frames; ++i)
          std::copy_n(&q.block[q.used + i * width], width, &out[i * format_.channels + channel]);
        q.used += frames * width;
      }
      channel += width;
    }
  }

  std::vector<Part> parts_;
  audio::Format format_;
};

// One channel that is computed a block at a time.
template <class Generate>
class Generated final : public Source {
 public:
  Generated(std::uint32_t rate, std::uint64_t samples, std::string what, Generate generate)
      : rate_(rate), left_(samples), what_(std::move(what)), generate_(std::move(generate)) {}

  audio::Format format() const override { return {rate_, 1}; }
  bool wide() const override { return false; }
  std::string describe() const override { return what_; }
  void read(std::size_t max_frames, std::vector<std::int16_t>& out) override {
    out.resize(static_cast<std::size_t>(std::min<std::uint64_t>(max_frames, left_)));
    generate_(std::span(out));
    left_ -= out.size();
  }
  void read(std::size_t max_frames, std::vector<float>& out) override {
    std::vector<std::int16_t> block;
    read(max_frames, block);
    out.resize(block.size());
    std::transform(block.begin(), block.end(), out.begin(),
                   [](std::int16_t x) { return static_cast<float>(x) / 32768.0F; });
  }

 private:
  std::uint32_t rate_;
  std::uint64_t left_;
  std::string what_;
  Generate generate_;
};

// By libsndfile. `input` stands at the start.
std::unique_ptr<Source> open_sound(const std::string& path, file::Input input) {
  struct stat status {};
  const bool pipe = path == "-" || ::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode);
  auto reader = pipe ? file::SoundFileReader::create(std::move(input)) : file::SoundFileReader::open(path);
  if (!reader) cli::fail_input(path, reader.error());
  return std::make_unique<SoundSource>(path, std::move(*reader), pipe);
}

} // namespace

namespace {

// What it is: as the user says, else by its first bytes, else by its name. nullptr: something of
// libsndfile's.
const Kind* recognise(const std::string& path, file::Input& input, const Kind* said) {
  if (said != nullptr && !said->is_rtp()) return said;
  // Never more than the shortest header has, but for an Ogg, which is at least this long.
  auto start = input.peek(4);
  if (start && start->size() >= 4 && as_text(start->first(4)) == "OggS") start = input.peek(36);
  if (start && start->size() >= 4 && as_text(start->first(4)) == "#!rt") start = input.peek(12);
  if (!start) cli::fail_input(path, start.error());
  const Sniffed sniffed = sniff(*start);
  if (said != nullptr) return sniffed.kind != nullptr && sniffed.kind->is_rtp() ? sniffed.kind : said;
  if (sniffed.kind != nullptr) return sniffed.kind;
  if (sniffed.other) return nullptr;
  if (const Kind* kind = kind_of_name(path)) return kind;
  if (path == "-" && start->empty()) throw cli::Failure(cli::ExitCode::data, "standard input: is empty");
  throw cli::Failure(path == "-" ? cli::ExitCode::usage : cli::ExitCode::data,
                     fmt::format("{}: neither a header nor a name says what it is; say it with -f FORMAT",
                                 cli::input_name(path)));
}

// libsndfile's, where ours does not read what is inside.
std::unique_ptr<Source> or_sound(const std::string& path, file::Input input, const Error& error) {
  if (error.code != Errc::unsupported) cli::fail_input(path, error);
  try {
    return open_sound(path, std::move(input));
  } catch (const cli::Failure&) { // ours says better what is wrong
    cli::fail_input(path, error);
  }
}

} // namespace

std::unique_ptr<Source> open_source(const std::string& path, const SourceOptions& options) {
  auto opened = file::Input::open(path);
  if (!opened) cli::fail_input(path, opened.error());
  file::Input input = std::move(*opened);
  // Captures are often kept compressed; raw samples may begin with any bytes.
  const Kind* by_name = options.kind != nullptr ? options.kind : kind_of_name(path);
  if (by_name == nullptr || by_name->is_rtp()) {
    auto inside = file::decompress(std::move(input));
    if (!inside) cli::fail_input(path, inside.error());
    input = std::move(inside->input);
  }
  const Kind* kind = recognise(path, input, options.kind);
  if ((kind == nullptr || !kind->is_rtp()) && (options.rtp.impairment || options.rtp.jitter_buffer))
    cli::fail_usage(fmt::format("{}: --impair and --jitter-buffer want RTP, an rtpdump or a pcap",
                                cli::input_name(path)));
  if (kind == nullptr) return open_sound(path, std::move(input));
  switch (kind->container) {
    case Kind::Container::sound: return open_sound(path, std::move(input));
    case Kind::Container::rtpdump:
    case Kind::Container::pcap:
    case Kind::Container::pcapng: return open_rtp(path, std::move(input), options.rtp);
    case Kind::Container::flac: return open_flac(path, std::move(input));
    case Kind::Container::opus: return open_opus(path, std::move(input), options.rtp.rate);
    case Kind::Container::coded: return open_coded(path, std::move(input), *kind->codec);
    case Kind::Container::wav: {
      auto reader = file::WavReader::create(std::move(input));
      // GSM and ADPCM in WAV. Where a reader was not made, the input has not been moved.
      if (!reader) return or_sound(path, std::move(input), reader.error()); // NOLINT(bugprone-use-after-move)
      return std::make_unique<HeadedSource<file::WavReader>>(path, std::move(*reader), "WAV");
    }
    case Kind::Container::au: {
      auto reader = file::AuReader::create(std::move(input));
      if (!reader) return or_sound(path, std::move(input), reader.error()); // NOLINT(bugprone-use-after-move)
      return std::make_unique<HeadedSource<file::AuReader>>(path, std::move(*reader), "AU");
    }
    case Kind::Container::raw: break;
  }
  const audio::Format format{options.rate.value_or(kind->raw_rate),
                             options.channels.value_or(std::uint16_t{1})};
  return std::make_unique<RawSource>(path, std::move(input), kind->samples, format);
}

std::unique_ptr<Source> join_sources(std::vector<std::unique_ptr<Source>> sources) {
  for (const auto& source : sources) {
    if (source->format().rate != sources.front()->format().rate) {
      throw cli::Failure(cli::ExitCode::data,
                         fmt::format("--join wants one rate: there are {} and {} Hz",
                                     sources.front()->format().rate, source->format().rate));
    }
  }
  return std::make_unique<Joined>(std::move(sources));
}

std::unique_ptr<Source> make_tone(const std::string& hertz, std::uint32_t rate,
                                  std::optional<double> seconds) {
  std::vector<audio::Sine> sines;
  std::string_view rest = hertz;
  std::vector<double> frequencies;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find_first_of("+,"), rest.size());
    double hz = 0;
    try {
      std::size_t used = 0;
      hz = std::stod(std::string(rest.substr(0, end)), &used);
      if (used != end || end + 1 == rest.size()) hz = 0; // something else, or nothing behind the sign
    } catch (const std::exception&) {
      hz = 0;
    }
    if (!(hz > 0) || hz >= rate / 2.0)
      cli::fail_usage(
          fmt::format("--tone wants frequencies above 0 and below {} Hz, as 440 or 350+440", rate / 2));
    frequencies.push_back(hz);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  if (frequencies.empty()) cli::fail_usage("--tone wants a frequency in Hz");
  // Together they stay below the level of one.
  const double dbfs = -10.0 - 20.0 * std::log10(static_cast<double>(frequencies.size()));
  sines.reserve(frequencies.size());
  for (const double hz : frequencies)
    sines.emplace_back(hz, rate, dbfs);
  auto generate = [sines](std::span<std::int16_t> out) mutable {
    for (std::int16_t& sample : out) {
      double x = 0;
      for (auto& sine : sines)
        x += sine.next();
      sample = static_cast<std::int16_t>(std::lrint(x * 32767.0));
    }
  };
  const auto samples = static_cast<std::uint64_t>(std::llround(seconds.value_or(1.0) * rate));
  return std::make_unique<Generated<decltype(generate)>>(rate, samples, "tone of " + hertz + " Hz",
                                                         std::move(generate));
}

std::unique_ptr<Source> make_dtmf(const std::string& digits, std::uint32_t rate) {
  auto pcm = audio::dtmf(digits, rate);
  if (!pcm)
    cli::fail_usage(
        fmt::format("--dtmf {}: character {} is not {}", digits, pcm.error().offset + 1, pcm.error().what));
  const std::size_t size = pcm->size();
  auto generate = [pcm = std::move(*pcm), at = std::size_t{0}](std::span<std::int16_t> out) mutable {
    std::copy_n(pcm.begin() + static_cast<std::ptrdiff_t>(at), out.size(), out.begin());
    at += out.size();
  };
  return std::make_unique<Generated<decltype(generate)>>(rate, size, "DTMF " + digits, std::move(generate));
}

} // namespace talky::transcode
