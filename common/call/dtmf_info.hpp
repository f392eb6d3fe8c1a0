// DTMF in SIP INFO: the bodies application/dtmf-relay ("Signal=5\r\nDuration=160") and application/dtmf
// ("5"), which no RFC describes but every phone speaks.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/time.hpp"

namespace talky::call {

struct InfoDigit {
  char digit = 0; // 0-9 * # A-D
  std::uint32_t duration_ms = 100;
};

// nullopt: no such key. "10" to "15" mean * # A B C D, as in telephone-event. Durations are kept within 40 to
// 10,000 ms.
std::optional<InfoDigit> parse_dtmf_relay(std::string_view body);
std::optional<InfoDigit> parse_dtmf(std::string_view body);

std::string build_dtmf_relay(char digit, Duration length);

} // namespace talky::call
