#include "json/json.hpp"

#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "core/utf8.hpp"

namespace talky::json {

namespace {

void write_scalar(const value& value, std::string& out) {
  if (!value.is_double()) {
    out += serialize(value);
  } else if (std::isfinite(value.get_double())) {
    out += fmt::format("{}", value.get_double()); // the shortest that reads back the same
  } else {
    out += "null";
  }
}

std::string name_of(const object::value_type& member) {
  return serialize(string(member.key()));
}

// All on one line.
struct Compact {
  std::string_view colon, comma;

  void write(const value& value, std::string& out) const {
    std::string_view joint;
    if (value.is_object()) {
      out += '{';
      for (const auto& member : value.get_object()) {
        out += joint;
        out += name_of(member);
        out += colon;
        write(member.value(), out);
        joint = comma;
      }
      out += '}';
    } else if (value.is_array()) {
      out += '[';
      for (const auto& item : value.get_array()) {
        out += joint;
        write(item, out);
        joint = comma;
      }
      out += ']';
    } else {
      write_scalar(value, out);
    }
  }
};

void write_lines(const value& value, int indent, int levels, std::string& out) {
  const std::string margin(static_cast<std::size_t>(indent) + 2, ' ');
  if (levels > 0 && value.is_object() && !value.get_object().empty()) {
    const char* joint = "{\n";
    for (const auto& member : value.get_object()) {
      out += joint + margin + name_of(member) + ": ";
      write_lines(member.value(), indent + 2, levels - 1, out);
      joint = ",\n";
    }
    out += "\n" + margin.substr(2) + "}";
  } else if (levels > 0 && value.is_array() && !value.get_array().empty()) {
    const char* joint = "[\n";
    for (const auto& item : value.get_array()) {
      out += joint + margin;
      write_lines(item, indent + 2, levels - 1, out);
      joint = ",\n";
    }
    out += "\n" + margin.substr(2) + "]";
  } else {
    Compact{": ", ", "}.write(value, out);
  }
}

} // namespace

std::string pretty(const value& value, int levels) {
  std::string out;
  write_lines(value, 0, levels, out);
  return out + "\n";
}

std::string compact(const value& value) {
  std::string out;
  Compact{":", ","}.write(value, out);
  return out;
}

std::string quoted(std::string_view text, std::size_t limit) {
  return serialize(string(utf8::repaired(text, limit)));
}

Result<object> parse_object(std::string_view text, const Limits& limits) {
  if (text.size() > limits.bytes) return fail(Errc::too_large, limits.bytes, limits.too_long);
  parse_options options;
  options.max_depth = limits.depth;
  error_code error;
  value parsed = boost::json::parse(boost::json::string_view(text.data(), text.size()), error, {}, options);
  if (error) return fail(Errc::malformed, 0, "JSON");
  if (!parsed.is_object()) return fail(Errc::malformed, 0, "a JSON object");
  return std::move(parsed.get_object());
}

} // namespace talky::json
