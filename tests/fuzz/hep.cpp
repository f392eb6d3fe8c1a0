// HEP3 packets: any bytes are read or refused; what was read is written and read again the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "telemetry/hep.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace talky;
  const auto packet = telemetry::parse_hep(std::as_bytes(std::span(data, size)));
  if (!packet) return 0;
  std::vector<std::byte> out;
  if (!telemetry::encode_hep(*packet, out)) return 0; // texts may be longer than we write them
  const auto again = telemetry::parse_hep(out);
  if (!again || *again != *packet) std::abort();
  return 0;
}
