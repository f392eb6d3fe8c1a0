#include "sip/method.hpp"

#include <array>

namespace talky::sip {

namespace {

constexpr std::array<std::string_view, kMethodCount> kNames = {
    "INVITE", "ACK",       "BYE",    "CANCEL",  "OPTIONS", "REGISTER", "PRACK", "UPDATE",
    "INFO",   "SUBSCRIBE", "NOTIFY", "MESSAGE", "REFER",   "PUBLISH",  ""};

} // namespace

std::string_view to_string(Method method) {
  return kNames[static_cast<std::size_t>(method)];
}

Method to_method(std::string_view token) {
  for (std::size_t i = 0; i + 1 < kNames.size(); ++i) {
    if (kNames[i] == token) return static_cast<Method>(i);
  }
  return Method::other;
}

} // namespace talky::sip
