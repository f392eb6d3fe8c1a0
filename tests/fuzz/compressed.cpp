// Any bytes as a compressed file: what comes out is bounded by what is read, and nothing but an error may
// happen.
#include <cstddef>
#include <cstdint>
#include <span>

#include "file/compressed.hpp"
#include "file/pcap.hpp"

using namespace talky;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto opened = file::decompress(file::Input::memory(std::as_bytes(std::span(data, size))));
  if (!opened) return 0;
  std::uint64_t total = 0;
  for (constexpr std::uint64_t kEnough = 1 << 22; total < kEnough;) {
    const auto got = opened->input.peek(4096);
    if (!got || got->empty()) break;
    total += got->size();
    opened->input.skip(got->size());
  }
  return 0;
}
