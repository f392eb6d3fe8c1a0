#include "json/line.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/utf8.hpp"

namespace talky::json {
namespace {

// DEL is escaped, and all controls but the usual three by number: the bytes of journals stay what they always
// were.
std::string text_of(std::string_view text) {
  std::string out = "\"";
  for (const char c : utf8::repaired(text)) {
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
          out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        } else {
          out += c;
        }
    }
  }
  out += '"';
  return out;
}

} // namespace

void Line::key(std::string_view name) {
  if (text_.size() > 1) text_ += ',';
  text_ += text_of(name);
  text_ += ':';
}

Line& Line::add(std::string_view name, std::int64_t value) {
  key(name);
  text_ += fmt::format("{}", value);
  return *this;
}
Line& Line::add(std::string_view name, std::uint64_t value) {
  key(name);
  text_ += fmt::format("{}", value);
  return *this;
}
Line& Line::add(std::string_view name, bool value) {
  key(name);
  text_ += value ? "true" : "false";
  return *this;
}
Line& Line::add(std::string_view name, float value) {
  key(name);
  const double finite = std::isfinite(value) ? static_cast<double>(value) : 0.0;
  text_ += fmt::format("{:.3f}", std::clamp(finite, -1e9, 1e9));
  return *this;
}
Line& Line::add(std::string_view name, std::string_view value) {
  key(name);
  text_ += text_of(value);
  return *this;
}
Line& Line::add(std::string_view name, const std::vector<std::pair<std::string, std::string>>& object) {
  Line inner;
  for (const auto& [field, value] : object)
    inner.add(field, value);
  return raw(name, inner.take());
}
Line& Line::raw(std::string_view name, std::string_view json) {
  key(name);
  text_ += json;
  return *this;
}
std::string Line::take() {
  text_ += '}';
  std::string out(1, '{');
  out.swap(text_);
  return out;
}

} // namespace talky::json
