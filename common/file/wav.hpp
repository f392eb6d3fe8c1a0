// RIFF WAVE: the header as a pure function over bytes, a streaming reader for files and pipes, and a writer.
//
//    0  "RIFF" size "WAVE"                       size = file - 8, where the writer lived to say so
//   12  "fmt " size: tag u16, channels u16, rate u32, bytes/s u32, block u16, bits u16 [, extension]
//   ..  other chunks, each padded to an even size
//   ..  "data" size, samples                    all integers little-endian
//
// Read: PCM of 8, 16, 24 and 32 bits, float of 32 and 64, A-law and mu-law, each also as
// WAVE_FORMAT_EXTENSIBLE; RIFX and RF64 are not. A data size of 0, of 0x7ffff000 or more, or beyond the end
// of the file is what killed writers and pipes leave behind: the samples then go on to the end of the input.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "audio/frame.hpp"
#include "core/bytes.hpp"
#include "core/error.hpp"
#include "file/io.hpp"
#include "file/sample_format.hpp"
#include "file/sample_reader.hpp"

namespace talky::file {

using WavHeader = SampleHeader;

// How much of a file its header may take; a header that does not end by then is malformed.
inline constexpr std::size_t kWavHeaderLimit = std::size_t{1} << 20;

// nullopt: so far so good, but more bytes are needed. Errors: malformed (what was expected and where),
// unsupported (a format that is not read), too_large.
Result<std::optional<WavHeader>> parse_wav_header(Bytes start);

// The 44 bytes in front of samples in s16le, mulaw or alaw (58 with the `fact` chunk that float and the laws
// ask for). `data_size` nullopt: 0x7ffff000, which says "until the end" to sox, ffmpeg, libsndfile and talky.
std::vector<std::byte> make_wav_header(SampleFormat format, std::uint32_t rate, std::uint16_t channels,
                                       std::optional<std::uint64_t> data_size);
bool wav_holds(SampleFormat format); // little-endian ones, unsigned 8 bits, and the laws
inline constexpr std::uint32_t kWavUnknownSize = 0x7ffff000;

class WavReader : public SampleReader {
 public:
  static Result<WavReader> open(const std::string& path); // "-" is standard input
  // At the start of the header. Where that is an error, the input stands there still.
  static Result<WavReader> create(Input&& input);

 private:
  using SampleReader::SampleReader;
};

// A whole file in memory.
struct Pcm {
  audio::Format format;
  std::vector<std::int16_t> samples; // interleaved
};
// WAV, and with libsndfile whatever it reads (FLAC, AU, Ogg, AIFF ...). Errors: io, malformed, unsupported,
// too_large (more than `max_frames`).
Result<Pcm> load_audio(const std::string& path, std::uint64_t max_frames = std::uint64_t{1} << 30);
// The same, mixed down to one channel and converted to `rate`: what a bridge plays.
Result<std::vector<std::int16_t>> load_mono(const std::string& path, std::uint32_t rate,
                                            std::uint64_t max_frames = std::uint64_t{1} << 30);
// One call, e.g. for what a test recorded. Errors: io. An older file is replaced.
Result<> save_wav(const std::string& path, audio::Format format, std::span<const std::int16_t> interleaved);

} // namespace talky::file
