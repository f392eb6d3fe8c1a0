#include "cli/json.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>

namespace talky::cli {

namespace {

void write(const boost::json::value& value, int indent, int levels, std::string& out) {
  const std::string margin(static_cast<std::size_t>(indent) + 2, ' ');
  if (levels > 0 && value.is_object() && !value.get_object().empty()) {
    const char* joint = "{\n";
    for (const auto& member : value.get_object()) {
      out += joint + margin + boost::json::serialize(boost::json::string(member.key())) + ": ";
      write(member.value(), indent + 2, levels - 1, out);
      joint = ",\n";
    }
    out += "\n" + margin.substr(2) + "}";
  } else if (levels > 0 && value.is_array() && !value.get_array().empty()) {
    const char* joint = "[\n";
    for (const auto& item : value.get_array()) {
      out += joint + margin;
      write(item, indent + 2, levels - 1, out);
      joint = ",\n";
    }
    out += "\n" + margin.substr(2) + "]";
  } else if (value.is_double()) {
    out += fmt::format("{}", value.get_double()); // the shortest that reads back the same
  } else if (value.is_object()) {
    const char* joint = "{";
    for (const auto& member : value.get_object()) {
      out += joint + boost::json::serialize(boost::json::string(member.key())) + ": ";
      write(member.value(), indent, 0, out);
      joint = ", ";
    }
    out += value.get_object().empty() ? "{}" : "}";
  } else if (value.is_array()) {
    const char* joint = "[";
    for (const auto& item : value.get_array()) {
      out += joint;
      write(item, indent, 0, out);
      joint = ", ";
    }
    out += value.get_array().empty() ? "[]" : "]";
  } else {
    out += boost::json::serialize(value);
  }
}

} // namespace

std::string json_text(const boost::json::value& value, int levels) {
  std::string out;
  write(value, 0, levels, out);
  return out + "\n";
}

} // namespace talky::cli
