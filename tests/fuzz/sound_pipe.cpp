// What lies between a pipe and libsndfile: seeks and reads in any order give the bytes of the input, whatever
// the length in its header promises. The first byte says how many of the next are operations, of four bytes
// each; then comes the input.
#include <sndfile.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <vector>

#include "file/sound_pipe.hpp"

using namespace talky;
using namespace talky::file;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Bytes bytes = std::as_bytes(std::span(data, size));
  if (bytes.empty()) return 0;
  const std::size_t count =
      std::min<std::size_t>(std::to_integer<std::size_t>(bytes[0]) % 16, (size - 1) / 4);
  const Bytes operations = bytes.subspan(1, count * 4);
  const Bytes input = bytes.subspan(1 + count * 4);

  SoundPipe pipe(Input::memory(input));
  const SF_VIRTUAL_IO io = SoundPipe::functions();
  require(io.get_filelen(&pipe) >= 0);
  std::vector<std::byte> room;
  for (std::size_t i = 0; i < operations.size(); i += 4) {
    const auto value = static_cast<sf_count_t>(*Reader(operations.subspan(i + 1, 3)).u16());
    switch (std::to_integer<unsigned>(operations[i]) % 5) {
      case 0: (void)io.seek(value, SEEK_SET, &pipe); break;
      case 1: (void)io.seek(value - 32'768, SEEK_CUR, &pipe); break;
      case 2: (void)io.seek(-value, SEEK_END, &pipe); break;
      case 3: {
        const auto at = static_cast<std::uint64_t>(io.tell(&pipe));
        room.assign(static_cast<std::size_t>(value), std::byte{0});
        const auto got = static_cast<std::size_t>(io.read(room.data(), value, &pipe));
        const std::size_t there = at < input.size() ? input.size() - static_cast<std::size_t>(at) : 0;
        require(got == std::min(room.size(), there));
        require(std::equal(
            room.begin(), room.begin() + static_cast<std::ptrdiff_t>(got),
            input.begin() + static_cast<std::ptrdiff_t>(std::min<std::uint64_t>(at, input.size()))));
        require(io.tell(&pipe) == static_cast<sf_count_t>(at + got));
        break;
      }
      default:
        pipe.settle();
        require(io.get_filelen(&pipe) == static_cast<sf_count_t>(input.size()) && io.tell(&pipe) == 0);
    }
    require(!pipe.error());
  }
  return 0;
}
