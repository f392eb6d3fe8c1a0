#include "core/log.hpp"

#include <cstddef>

namespace talky::log {
namespace {

// The length of the UTF-8 sequence at the start of `text`, 0 if there is no valid one (overlong forms,
// surrogates and C1 controls are not valid here).
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  const std::size_t length = lead < 0x80   ? 1
                             : lead < 0xc2 ? 0
                             : lead < 0xe0 ? 2
                             : lead < 0xf0 ? 3
                             : lead < 0xf5 ? 4
                                           : 0;
  if (length == 0 || length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0u) != 0x80) return 0;
  }
  if (lead == 0xc2 && byte(1) < 0xa0) return 0;
  if (lead == 0xe0 && byte(1) < 0xa0) return 0;
  if (lead == 0xed && byte(1) > 0x9f) return 0;
  if (lead == 0xf0 && byte(1) < 0x90) return 0;
  if (lead == 0xf4 && byte(1) > 0x8f) return 0;
  return length;
}

} // namespace

std::string_view to_string(Level level) {
  switch (level) {
    case Level::trace: return "trace";
    case Level::debug: return "debug";
    case Level::info: return "info";
    case Level::warn: return "warn";
    case Level::error: return "error";
  }
  return "unknown";
}

std::string quote(std::string_view value) {
  std::string out;
  bool needs_quotes = value.empty();
  while (!value.empty()) {
    const std::size_t length = utf8_length(value);
    const auto c = static_cast<unsigned char>(value.front());
    if (length == 0 || c < 0x20 || c == 0x7f) {
      out += c == '\n' ? "\\n" : c == '\r' ? "\\r" : c == '\t' ? "\\t" : fmt::format("\\x{:02x}", c);
      value.remove_prefix(1);
      needs_quotes = true;
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    needs_quotes = needs_quotes || c == ' ' || c == '=' || c == '"' || c == '\\';
    out += value.substr(0, length);
    value.remove_prefix(length);
  }
  return needs_quotes ? '"' + out + '"' : out;
}

Line& Line::add(std::string_view key, std::string_view value) {
  text_ += ' ';
  text_ += key;
  text_ += '=';
  text_ += quote(value);
  return *this;
}

} // namespace talky::log
