// AU, FLAC and Opus in Ogg: no crash, no read out of bounds, an end; and of AU the same samples whatever the
// pieces.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "file/au.hpp"
#include "file/flac.hpp"
#include "file/ogg_opus.hpp"

using namespace talky;
using namespace talky::file;

namespace {

std::vector<std::int16_t> au_samples(Bytes bytes, std::size_t block) {
  std::vector<std::int16_t> all, part;
  auto reader = AuReader::create(Input::memory(bytes));
  if (!reader) return all;
  do {
    if (!reader->read(block, part)) std::abort(); // memory cannot fail
    all.insert(all.end(), part.begin(), part.end());
  } while (!part.empty());
  return all;
}

// A few bytes may stand for hours of silence: the first minutes are enough.
constexpr std::size_t kMost = std::size_t{1} << 22;

template <class Reader, class Sample>
void read_all(Reader& reader, std::vector<Sample>& part) {
  const std::size_t width = reader.format().channels;
  for (std::size_t total = 0; total < kMost;) {
    if (!reader.read(4096, part) || part.empty()) return;
    if (part.size() % width != 0) std::abort();
    total += part.size();
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes bytes = std::as_bytes(std::span(data, size));
  if (au_samples(bytes, 1) != au_samples(bytes, 1000)) std::abort();
  if (auto flac = FlacReader::create(Input::memory(bytes))) {
    std::vector<std::int32_t> part;
    read_all(*flac, part);
  }
  if (auto opus = OggOpusReader::create(Input::memory(bytes), 8000)) {
    std::vector<std::int16_t> part;
    read_all(*opus, part);
  }
  return 0;
}
