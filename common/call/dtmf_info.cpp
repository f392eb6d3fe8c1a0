#include "call/dtmf_info.hpp"

#include <fmt/format.h>
#include <algorithm>

#include "core/ascii.hpp"

namespace talky::call {
namespace {

std::optional<char> to_digit(std::string_view signal) {
  constexpr std::string_view kEys = "0123456789*#ABCD";
  if (signal.size() == 1) {
    const char c =
        signal[0] >= 'a' && signal[0] <= 'd' ? static_cast<char>(signal[0] - 'a' + 'A') : signal[0];
    return kEys.find(c) != std::string_view::npos ? std::optional(c) : std::nullopt;
  }
  const auto number = ascii::to_number<std::uint8_t>(signal);
  return number && *number < kEys.size() ? std::optional(kEys[*number]) : std::nullopt;
}

} // namespace

std::optional<InfoDigit> parse_dtmf_relay(std::string_view body) {
  std::optional<InfoDigit> result;
  std::uint32_t duration = 100;
  while (!body.empty()) {
    const std::size_t end = std::min(body.find_first_of("\r\n"), body.size());
    const std::string_view line = body.substr(0, end);
    body.remove_prefix(std::min(end + 1, body.size()));
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string_view name = ascii::trim(line.substr(0, equals));
    const std::string_view value = ascii::trim(line.substr(equals + 1));
    if (ascii::iequals(name, "signal")) {
      const auto digit = to_digit(value);
      if (!digit) return std::nullopt;
      result = InfoDigit{*digit, 0};
    } else if (ascii::iequals(name, "duration")) {
      if (const auto ms = ascii::to_number<std::uint32_t>(value)) duration = *ms;
    }
  }
  if (result) result->duration_ms = std::clamp<std::uint32_t>(duration, 40, 10'000);
  return result;
}

std::optional<InfoDigit> parse_dtmf(std::string_view body) {
  const std::string_view text = ascii::trim(body);
  if (text.find('=') != std::string_view::npos) return parse_dtmf_relay(text); // some phones mix the two up
  const auto digit = to_digit(text);
  if (!digit) return std::nullopt;
  return InfoDigit{*digit, 100};
}

std::string build_dtmf_relay(char digit, Duration length) {
  return fmt::format("Signal={}\r\nDuration={}\r\n", digit, to_ms(length));
}

} // namespace talky::call
