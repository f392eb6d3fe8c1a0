#include "json/json.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <cmath>
#include <string_view>

namespace talky::cli {

namespace {

namespace json = boost::json;

void write_scalar(const json::value& value, std::string& out) {
  if (!value.is_double()) {
    out += json::serialize(value);
  } else if (std::isfinite(value.get_double())) {
    out += fmt::format("{}", value.get_double()); // the shortest that reads back the same
  } else {
    out += "null";
  }
}

std::string name_of(const json::object::value_type& member) {
  return json::serialize(json::string(member.key()));
}

// All on one line.
struct Line {
  std::string_view colon, comma;

  void write(const json::value& value, std::string& out) const {
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

void write_lines(const json::value& value, int indent, int levels, std::string& out) {
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
    Line{": ", ", "}.write(value, out);
  }
}

} // namespace

std::string json_text(const json::value& value, int levels) {
  std::string out;
  write_lines(value, 0, levels, out);
  return out + "\n";
}

std::string json_compact(const json::value& value) {
  std::string out;
  Line{":", ","}.write(value, out);
  return out;
}

} // namespace talky::cli
