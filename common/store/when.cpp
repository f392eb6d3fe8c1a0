#include "store/when.hpp"

#include <string>

#include "core/ascii.hpp"
#include "store/record.hpp"

namespace talky::store {

std::optional<std::int64_t> parse_when(std::string_view text, std::int64_t now_ms) {
  constexpr std::int64_t kSecond = 1000, kMinute = 60 * kSecond, kHour = 60 * kMinute, kDay = 24 * kHour;
  if (const auto date = from_iso8601(text)) return date;
  if (text.size() >= 5 && text[2] == ':') {
    const std::string today = to_iso8601(now_ms).substr(0, 10);
    return from_iso8601(today + "T" + std::string(text));
  }
  if (text.size() < 2) return std::nullopt;
  const auto amount = ascii::to_number<std::uint32_t>(text.substr(0, text.size() - 1));
  if (!amount) return std::nullopt;
  const std::int64_t n = *amount;
  switch (text.back()) {
    case 's': return now_ms - n * kSecond;
    case 'm': return now_ms - n * kMinute;
    case 'h': return now_ms - n * kHour;
    case 'd': return now_ms - n * kDay;
    default: return std::nullopt;
  }
}

} // namespace talky::store
