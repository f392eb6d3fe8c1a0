// Status codes (RFC 3261 21 and extensions).
#pragma once
#include <string_view>

namespace talky::sip {

// "Not Found" for 404; for a code without a phrase of its own that of its class.
std::string_view reason_phrase(int status);

constexpr bool is_provisional(int status) {
  return status >= 100 && status < 200;
}
constexpr bool is_success(int status) {
  return status >= 200 && status < 300;
}
constexpr bool is_final(int status) {
  return status >= 200;
}

} // namespace talky::sip
