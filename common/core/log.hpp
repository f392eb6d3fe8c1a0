// One log line in logfmt: `event key=value key="quoted value"`. The line is built here; where it goes is the
// rim's affair. Whatever came from a network or a user is escaped, so a line is one line and no terminal
// obeys it.
#pragma once
#include <fmt/format.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace talky::log {

enum class Level : std::uint8_t { trace, debug, info, warn, error };

std::string_view to_string(Level level);

// Receives whole lines without a line end. It must not block: it may be called on a media loop.
using Sink = std::function<void(Level, std::string_view line)>;

// Line("call.end").add("call", id).add("cause", cause).str()
class Line {
 public:
  explicit Line(std::string_view event) : text_(event) {}

  Line& add(std::string_view key, std::string_view value);
  Line& add(std::string_view key, const char* value) { return add(key, std::string_view(value)); }
  Line& add(std::string_view key, bool value) { return add(key, std::string_view(value ? "true" : "false")); }
  template <class Number>
  requires std::is_arithmetic_v<Number> Line& add(std::string_view key, Number value) {
    return add(key, std::string_view(fmt::format("{}", value)));
  }
  const std::string& str() const { return text_; }

 private:
  std::string text_;
};

// Quotes `value` if it holds a space, '=', '"', or is empty; controls and bytes that are not UTF-8 become
// \xNN.
std::string quote(std::string_view value);

} // namespace talky::log
