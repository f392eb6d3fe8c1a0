#include "ipc/browser.hpp"

#include <limits>
#include <optional>

#include "core/ascii.hpp"
#include "json/fields.hpp"

namespace talky::ipc::browser {
namespace {

constexpr std::uint64_t kMaxSamples = std::numeric_limits<std::int64_t>::max();

std::optional<char> key_of(std::string_view text) {
  if (text.size() != 1) return std::nullopt;
  const char c = text[0];
  if (c >= 'a' && c <= 'd') return static_cast<char>(c - 'a' + 'A');
  if (ascii::is_digit(c) || c == '*' || c == '#' || (c >= 'A' && c <= 'D')) return c;
  return std::nullopt;
}

} // namespace

Result<Message> parse(std::string_view text) {
  const auto object = json::parse_object(text, {.bytes = kMaxText});
  if (!object) return Unexpected(object.error());
  const auto type = json::find<std::string_view>(*object, "type");
  if (!type) return fail(Errc::malformed, 0, "\"type\" as a text");
  if (*type == "hangup") return Message(HangUp{});
  if (*type == "dtmf") {
    const auto digit = key_of(json::find<std::string_view>(*object, "digit").value_or(""));
    if (!digit) return fail(Errc::malformed, 0, "\"digit\" as one of 0-9 * # A-D");
    return Message(Key{*digit});
  }
  if (*type == "played" || *type == "cleared") {
    const auto samples = json::find_number(*object, "samples");
    if (!samples || *samples > kMaxSamples)
      return fail(Errc::malformed, 0, "\"samples\" as a whole number, not negative");
    std::optional<std::uint64_t> skipped = 0;
    if (json::find_value(*object, "skipped") != nullptr) skipped = json::find_number(*object, "skipped");
    if (!skipped || *skipped > kMaxSamples)
      return fail(Errc::malformed, 0, "\"skipped\" as a whole number, not negative");
    if (*type == "played") return Message(Played{*samples, *skipped});
    return Message(Cleared{*samples, *skipped});
  }
  return fail(Errc::unsupported, 0, "a \"type\" from a browser");
}

} // namespace talky::ipc::browser
