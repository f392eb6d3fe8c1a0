#include "core/log.hpp"

#include <cstddef>

#include "core/utf8.hpp"

namespace talky::log {
namespace {

// As utf8::sequence(); controls are none.
std::size_t printable_sequence(std::string_view text) {
  return utf8::begins_with_control(text) ? 0 : utf8::sequence(text);
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
    const std::size_t length = printable_sequence(value);
    const auto c = static_cast<unsigned char>(value.front());
    if (length == 0) {
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
