// Captures of any kind, down to the datagrams, fragments included.
#include <cstddef>
#include <cstdint>
#include <span>

#include "file/link.hpp"
#include "file/pcap.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace talky;
  auto reader = file::PcapReader::open(file::Input::memory(std::as_bytes(std::span(data, size))));
  if (!reader) return 0;
  file::Dissector dissector;
  unsigned seen = 0;
  for (;;) {
    const auto frame = reader->next();
    if (!frame || !*frame) break;
    const auto segment = dissector.dissect(**frame);
    if (!segment) continue;
    if (segment->payload.size() > segment->payload_length) __builtin_trap();
    for (const std::byte byte : segment->payload) // touches all that it says is there
      seen += std::to_integer<unsigned>(byte);
  }
  volatile unsigned sink = seen;
  (void)sink;
  return 0;
}
