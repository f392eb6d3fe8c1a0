// load_audio and load_mono of wav.hpp.
#include <algorithm>

#include "file/resampler.hpp"
#include "file/sound_file.hpp"
#include "file/wav.hpp"

namespace talky::file {

namespace {

constexpr std::size_t kBlockFrames = 16384;

// Reads to the end; `format` is that of the reader.
template <class Reader>
Result<Pcm> read_all(Reader& reader, audio::Format format, std::uint64_t max_frames) {
  Pcm pcm{format, {}};
  std::vector<std::int16_t> block;
  for (;;) {
    if (const auto read = reader.read(kBlockFrames, block); !read) return tl::unexpected(read.error());
    if (block.empty()) return pcm;
    if ((pcm.samples.size() + block.size()) / format.channels > max_frames) {
      return fail(Errc::too_large, 0, "a shorter recording");
    }
    pcm.samples.insert(pcm.samples.end(), block.begin(), block.end());
  }
}

} // namespace

Result<Pcm> load_audio(const std::string& path, std::uint64_t max_frames) {
  auto wav = WavReader::open(path);
  if (wav) return read_all(*wav, {wav->header().rate, wav->header().channels}, max_frames);
  const Errc code = wav.error().code;
  if (path == "-" || (code != Errc::malformed && code != Errc::unsupported))
    return tl::unexpected(wav.error());
  auto other = SoundFileReader::open(path);
  // Of a broken WAV file our own error says more.
  if (!other) return tl::unexpected(wav.error());
  return read_all(*other, other->format(), max_frames);
}

Result<std::vector<std::int16_t>> load_mono(const std::string& path, std::uint32_t rate,
                                            std::uint64_t max_frames) {
  auto pcm = load_audio(path, max_frames);
  if (!pcm) return tl::unexpected(pcm.error());
  const std::size_t channels = pcm->format.channels;
  std::vector<std::int16_t> mono(pcm->samples.size() / channels);
  for (std::size_t i = 0; i < mono.size(); ++i) {
    int sum = 0;
    for (std::size_t c = 0; c < channels; ++c)
      sum += pcm->samples[i * channels + c];
    mono[i] = static_cast<std::int16_t>(sum / static_cast<int>(channels));
  }
  if (pcm->format.rate == rate) return mono;
  auto resampler = Resampler<std::int16_t>::create(pcm->format.rate, rate, 1, Quality::high);
  if (!resampler) return tl::unexpected(resampler.error());
  std::vector<std::int16_t> out;
  if (const auto done = resampler->process(mono, out); !done) return tl::unexpected(done.error());
  if (const auto done = resampler->flush(out); !done) return tl::unexpected(done.error());
  return out;
}

} // namespace talky::file
