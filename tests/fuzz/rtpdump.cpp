#include <cstddef>
#include <cstdint>
#include <span>

#include "file/rtpdump.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace talky;
  auto reader = file::RtpdumpReader::open(file::Input::memory(std::as_bytes(std::span(data, size))));
  if (!reader) return 0;
  unsigned seen = 0;
  for (;;) {
    const auto packet = reader->next();
    if (!packet || !*packet) break;
    if ((*packet)->data.size() > (*packet)->wire_length) __builtin_trap();
    for (const std::byte byte : (*packet)->data)
      seen += std::to_integer<unsigned>(byte);
  }
  volatile unsigned sink = seen;
  (void)sink;
  return 0;
}
