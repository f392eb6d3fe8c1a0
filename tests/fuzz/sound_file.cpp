// What libsndfile reads for us (AIFF, CAF, W64, Vorbis, ADPCM ...), whole: no crash, an end, and whole frames
// only. It is never asked for another format than those that talky-transcode knows by their first bytes.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>
#include <vector>

#include "file/sound_file.hpp"

using namespace talky;
using namespace talky::file;

// libsndfile keeps the state of the Vorbis decoder of a file that it refuses: tests/tools/lsan.supp.
extern "C" const char*
__lsan_default_suppressions(); // NOLINT(bugprone-reserved-identifier): the runtime's name
extern "C" const char* __lsan_default_suppressions() { // NOLINT(bugprone-reserved-identifier)
  return "leak:libvorbis\nleak:libogg\n";
}

namespace {

// A few bytes may stand for hours of silence: the first minutes are enough.
constexpr std::size_t kMost = std::size_t{1} << 20;

template <class Sample>
void read_all(Bytes bytes, std::size_t block) {
  auto reader = SoundFileReader::create(Input::memory(bytes));
  if (!reader) return;
  const std::size_t width = reader->format().channels;
  if (width == 0 || reader->format().rate == 0) std::abort();
  std::vector<Sample> part;
  for (std::size_t total = 0; total < kMost;) {
    if (!reader->read(block, part) || part.empty()) return;
    if (part.size() % width != 0 || part.size() > block * width) std::abort();
    total += part.size();
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes bytes = std::as_bytes(std::span(data, size));
  constexpr std::array<std::string_view, 8> kMagics{"RIFF", "RIFX", "RF64", "BW64",
                                                    "OggS", "FORM", "caff", "riff"};
  if (std::none_of(kMagics.begin(), kMagics.end(), [&](auto m) { return as_text(bytes).starts_with(m); }))
    return 0;
  read_all<std::int16_t>(bytes, 4096);
  read_all<float>(bytes, 100);
  return 0;
}
