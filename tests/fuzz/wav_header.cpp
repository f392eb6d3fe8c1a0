// The WAV header parser and the reader behind it: no crash, no read out of bounds, and the same samples
// whatever the pieces.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "file/wav.hpp"

using namespace talky;
using namespace talky::file;

namespace {

std::vector<std::int16_t> samples(Bytes bytes, std::size_t block_frames) {
  std::vector<std::int16_t> all;
  auto reader = WavReader::create(Input::memory(bytes));
  if (!reader) return all;
  std::vector<std::int16_t> block;
  do {
    if (!reader->read(block_frames, block)) std::abort(); // memory cannot fail
    all.insert(all.end(), block.begin(), block.end());
  } while (!block.empty());
  return all;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes bytes = std::as_bytes(std::span(data, size));
  const auto header = parse_wav_header(bytes);
  if (header && *header) {
    const WavHeader& wav = **header;
    if (wav.data_offset > size || wav.rate == 0 || wav.channels == 0) std::abort();
    // A prefix is never refused where the whole is right.
    for (std::size_t n = 0; n < wav.data_offset && n < 128; ++n) {
      if (const auto part = parse_wav_header(bytes.first(n)); !part || *part) std::abort();
    }
  }
  if (samples(bytes, 7) != samples(bytes, 100000)) std::abort();
  return 0;
}
