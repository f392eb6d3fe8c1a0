#include "file/sound_file.hpp"

#include <fcntl.h>
#include <sndfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "core/ascii.hpp"
#include "dynamic/library.hpp"
#include "file/sound_descriptor.hpp"
#include "file/sound_pipe.hpp"

namespace talky::file {

namespace {

// What is used of libsndfile, which brings a dozen libraries with it: loaded when the first file needs it.
#define TALKY_SNDFILE(symbol)                                                                   \
  symbol(open_fd, sf_open_fd) symbol(open_virtual, sf_open_virtual) symbol(close, sf_close)     \
      symbol(command, sf_command) symbol(error, sf_error) symbol(format_check, sf_format_check) \
          symbol(readf_short, sf_readf_short) symbol(readf_float, sf_readf_float)               \
              symbol(writef_short, sf_writef_short) symbol(writef_float, sf_writef_float)
struct Sndfile {
  TALKY_DYNAMIC_TABLE(TALKY_SNDFILE)
};

const Result<Sndfile>& sndfile() {
  static const auto kLoaded =
      dynamic::load<Sndfile>({"libsndfile.so.1"}, "libsndfile to be installed", "libsndfile 1.2 or later");
  return kLoaded;
}

struct CloseSound {
  void operator()(SNDFILE* file) const { sndfile()->close(file); }
};
using Sound = std::unique_ptr<SNDFILE, CloseSound>;

constexpr std::array kKinds{
    SoundFileKind{"flac", "FLAC, 16 bits, lossless", SF_FORMAT_FLAC | SF_FORMAT_PCM_16},
    SoundFileKind{"au", "Sun AU, 16 bits", SF_FORMAT_AU | SF_FORMAT_PCM_16},
    SoundFileKind{"aiff", "AIFF, 16 bits", SF_FORMAT_AIFF | SF_FORMAT_PCM_16},
    SoundFileKind{"ogg", "Ogg Vorbis", SF_FORMAT_OGG | SF_FORMAT_VORBIS},
    SoundFileKind{"opus", "Ogg Opus (8, 12, 16, 24 or 48 kHz)", SF_FORMAT_OGG | SF_FORMAT_OPUS},
    SoundFileKind{"gsm", "raw GSM 6.10 (8 kHz mono)", SF_FORMAT_RAW | SF_FORMAT_GSM610},
    SoundFileKind{"wav-gsm", "WAV with GSM 6.10 (8 kHz mono)", SF_FORMAT_WAV | SF_FORMAT_GSM610},
    SoundFileKind{"wav-ima", "WAV with IMA ADPCM", SF_FORMAT_WAV | SF_FORMAT_IMA_ADPCM},
    SoundFileKind{"wav-ms", "WAV with Microsoft ADPCM", SF_FORMAT_WAV | SF_FORMAT_MS_ADPCM},
};

std::string describe(int what) {
  SF_FORMAT_INFO info{};
  info.format = what;
  return sndfile()->command(nullptr, SFC_GET_FORMAT_INFO, &info, sizeof info) == 0 && info.name != nullptr
             ? info.name
             : "";
}

} // namespace

namespace {

template <class Sample, class Read>
Result<> read_frames(SNDFILE* file, int channels, std::size_t max_frames, std::vector<Sample>& out,
                     Read read) {
  const auto width = static_cast<std::size_t>(channels);
  out.resize(max_frames * width);
  const sf_count_t got = read(file, out.data(), static_cast<sf_count_t>(max_frames));
  out.resize(got > 0 ? static_cast<std::size_t>(got) * width : 0);
  if (got <= 0 && sndfile()->error(file) != SF_ERR_NO_ERROR)
    return fail(Errc::malformed, 0, "readable sound");
  return {};
}

} // namespace

struct SoundFileReader::Impl {
  std::unique_ptr<SoundPipe> pipe; // outlives what reads from it
  Sound file;
  SF_INFO info{};

  std::uint64_t given = 0; // frames

  void open_pipe() {
    SF_VIRTUAL_IO io = SoundPipe::functions();
    info = {};
    file.reset(sndfile()->open_virtual(&io, SFM_READ, &info, pipe.get()));
    if (file) sndfile()->command(file.get(), SFC_SET_CLIPPING, nullptr, SF_TRUE);
  }
  // All of the pipe has come, and its length is known.
  void begin_again() {
    file.reset();
    pipe->settle();
    open_pipe();
  }

  template <class Sample, class Read>
  Result<> read(std::size_t max_frames, std::vector<Sample>& out, Read function) {
    auto done = read_frames(file.get(), info.channels, max_frames, out, function);
    if (pipe && pipe->fell_short()) {
      begin_again();
      std::vector<Sample> before;
      for (std::uint64_t passed = 0; file && passed < given; passed += before.size() / width()) {
        const auto rest = static_cast<std::size_t>(std::min<std::uint64_t>(given - passed, 65'536));
        done = read_frames(file.get(), info.channels, rest, before, function);
        if (!done || before.empty()) break;
      }
      out.clear();
      if (file && done) done = read_frames(file.get(), info.channels, max_frames, out, function);
    }
    given += out.size() / width();
    // What went wrong below libsndfile comes first.
    if (pipe && pipe->error()) return tl::unexpected(*pipe->error());
    return done;
  }
  std::size_t width() const { return static_cast<std::size_t>(std::max(1, info.channels)); }
};

SoundFileReader::SoundFileReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SoundFileReader::SoundFileReader(SoundFileReader&&) noexcept = default;
SoundFileReader& SoundFileReader::operator=(SoundFileReader&&) noexcept = default;
SoundFileReader::~SoundFileReader() = default;

Result<SoundFileReader> SoundFileReader::open(const std::string& path) {
  if (!sndfile()) return tl::unexpected(sndfile().error());
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return fail(Errc::io, 0, "a file that can be opened", errno);
  struct stat status {};
  if (::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
    ::close(fd);
    return fail(Errc::unsupported, 0, "a regular file", S_ISDIR(status.st_mode) ? EISDIR : ESPIPE);
  }
  auto impl = std::make_unique<Impl>();
  impl->file.reset(sndfile()->open_fd(fd, SFM_READ, &impl->info, SF_TRUE)); // closes fd, also if it fails
  return finish(std::move(impl));
}

Result<SoundFileReader> SoundFileReader::create(Input input) {
  if (!sndfile()) return tl::unexpected(sndfile().error());
  auto impl = std::make_unique<Impl>();
  impl->pipe = std::make_unique<SoundPipe>(std::move(input));
  impl->open_pipe();
  if (!impl->file) impl->begin_again();
  if (impl->pipe->error()) return tl::unexpected(*impl->pipe->error());
  return finish(std::move(impl));
}

Result<SoundFileReader> SoundFileReader::finish(std::unique_ptr<Impl> impl) {
  if (!impl->file) return fail(Errc::malformed, 0, "a sound file that libsndfile knows");
  if (impl->info.channels < 1 || impl->info.channels > 64 || impl->info.samplerate < 1) {
    return fail(Errc::malformed, 0, "1 to 64 channels and a rate above zero");
  }
  // Floats beyond full scale shall saturate and not wrap.
  sndfile()->command(impl->file.get(), SFC_SET_CLIPPING, nullptr, SF_TRUE);
  return SoundFileReader(std::move(impl));
}

audio::Format SoundFileReader::format() const {
  return {static_cast<std::uint32_t>(impl_->info.samplerate),
          static_cast<std::uint16_t>(impl_->info.channels)};
}

bool SoundFileReader::wide() const {
  switch (impl_->info.format & SF_FORMAT_SUBMASK) {
    case SF_FORMAT_PCM_S8:
    case SF_FORMAT_PCM_U8:
    case SF_FORMAT_PCM_16:
    case SF_FORMAT_ULAW:
    case SF_FORMAT_ALAW:
    case SF_FORMAT_IMA_ADPCM:
    case SF_FORMAT_MS_ADPCM:
    case SF_FORMAT_GSM610: return false;
    default: return true;
  }
}

std::string SoundFileReader::name() const {
  return describe(impl_->info.format & SF_FORMAT_TYPEMASK) + ", " +
         describe(impl_->info.format & SF_FORMAT_SUBMASK);
}

std::uint64_t SoundFileReader::frames() const {
  return impl_->info.frames > 0 ? static_cast<std::uint64_t>(impl_->info.frames) : 0;
}

Result<> SoundFileReader::read(std::size_t max_frames, std::vector<std::int16_t>& out) {
  if (!wide()) return impl_->read(max_frames, out, sndfile()->readf_short);
  // libsndfile's own conversion of floats to short does not scale for every codec.
  std::vector<float> samples;
  if (const auto done = read(max_frames, samples); !done) return done;
  out.resize(samples.size());
  for (std::size_t i = 0; i < out.size(); ++i) {
    const float x = samples[i] * 32768.0F;
    out[i] = static_cast<std::int16_t>(x < -32768 ? -32768 : x > 32767 ? 32767 : x + (x < 0 ? -0.5F : 0.5F));
  }
  return {};
}

Result<> SoundFileReader::read(std::size_t max_frames, std::vector<float>& out) {
  return impl_->read(max_frames, out, sndfile()->readf_float);
}

std::span<const SoundFileKind> sound_file_kinds() {
  return kKinds;
}

const SoundFileKind* sound_file_kind(std::string_view name) {
  for (const auto& kind : kKinds) {
    if (ascii::iequals(kind.name, name)) return &kind;
  }
  return nullptr;
}

struct SoundFileWriter::Impl {
  SoundDescriptor to; // outlives what writes to it
  Sound file;
  std::size_t channels = 1;
};

SoundFileWriter::SoundFileWriter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SoundFileWriter::SoundFileWriter(SoundFileWriter&&) noexcept = default;
SoundFileWriter& SoundFileWriter::operator=(SoundFileWriter&&) noexcept = default;
SoundFileWriter::~SoundFileWriter() = default;

Result<SoundFileWriter> SoundFileWriter::create(const std::string& path, const SoundFileKind& kind,
                                                audio::Format format) {
  if (!sndfile()) return tl::unexpected(sndfile().error());
  SF_INFO info{};
  info.samplerate = static_cast<int>(format.rate);
  info.channels = format.channels;
  info.format = kind.libsndfile;
  if (sndfile()->format_check(&info) == 0)
    return fail(Errc::unsupported, 0, "a rate and channels that the format can hold");
  auto to = SoundDescriptor::create(path);
  if (!to) return tl::unexpected(to.error());
  auto impl = std::make_unique<Impl>(Impl{std::move(*to), nullptr, format.channels});
  SF_VIRTUAL_IO io = SoundDescriptor::functions();
  impl->file.reset(sndfile()->open_virtual(&io, SFM_WRITE, &info, &impl->to));
  if (const auto written = impl->to.state(); !written) return tl::unexpected(written.error());
  if (!impl->file) return fail(Errc::unsupported, 0, "a rate and channels that the format can hold");
  sndfile()->command(impl->file.get(), SFC_SET_CLIPPING, nullptr, SF_TRUE);
  return SoundFileWriter(std::move(impl));
}

namespace {

template <class Sample, class Write>
Result<> write_frames(SNDFILE* file, const SoundDescriptor& to, std::size_t channels,
                      std::span<const Sample> pcm, Write write) {
  if (file == nullptr) return fail(Errc::closed, 0, "an open file");
  const auto frames = static_cast<sf_count_t>(pcm.size() / channels);
  const sf_count_t done = write(file, pcm.data(), frames);
  if (const auto written = to.state(); !written) return written;
  // What the system refused was asked first: this is the encoder's own.
  if (done != frames) return fail(Errc::io, 0, "sound that can be encoded");
  return {};
}

} // namespace

Result<> SoundFileWriter::write(std::span<const std::int16_t> interleaved) {
  return write_frames(impl_->file.get(), impl_->to, impl_->channels, interleaved, sndfile()->writef_short);
}

Result<> SoundFileWriter::write(std::span<const float> interleaved) {
  return write_frames(impl_->file.get(), impl_->to, impl_->channels, interleaved, sndfile()->writef_float);
}

Result<> SoundFileWriter::close() {
  if (!impl_->file) return fail(Errc::closed, 0, "an open file");
  const int failed = sndfile()->close(impl_->file.release()); // encodes the last block, writes the lengths
  if (const auto closed = impl_->to.close(); !closed) return closed;
  if (failed != 0) return fail(Errc::io, 0, "sound that can be encoded");
  return {};
}

} // namespace talky::file
