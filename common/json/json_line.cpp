#include "json/json_line.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/utf8.hpp"

namespace talky::voice {
namespace {

std::string quoted(std::string_view text) {
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
  return out + '"';
}

} // namespace

void JsonLine::key(std::string_view name) {
  if (text_.size() > 1) text_ += ',';
  text_ += quoted(name);
  text_ += ':';
}

JsonLine& JsonLine::add(std::string_view name, std::int64_t value) {
  key(name);
  text_ += fmt::format("{}", value);
  return *this;
}
JsonLine& JsonLine::add(std::string_view name, std::uint64_t value) {
  key(name);
  text_ += fmt::format("{}", value);
  return *this;
}
JsonLine& JsonLine::add(std::string_view name, bool value) {
  key(name);
  text_ += value ? "true" : "false";
  return *this;
}
JsonLine& JsonLine::add(std::string_view name, float value) {
  key(name);
  const double finite = std::isfinite(value) ? static_cast<double>(value) : 0.0;
  text_ += fmt::format("{:.3f}", std::clamp(finite, -1e9, 1e9));
  return *this;
}
JsonLine& JsonLine::add(std::string_view name, std::string_view value) {
  key(name);
  text_ += quoted(value);
  return *this;
}
JsonLine& JsonLine::add(std::string_view name,
                        const std::vector<std::pair<std::string, std::string>>& object) {
  JsonLine inner;
  for (const auto& [field, value] : object)
    inner.add(field, value);
  return raw(name, inner.take());
}
JsonLine& JsonLine::raw(std::string_view name, std::string_view json) {
  key(name);
  text_ += json;
  return *this;
}
std::string JsonLine::take() {
  return std::exchange(text_, "{") + '}';
}

Result<JsonFields> JsonFields::parse(std::string_view line) {
  boost::json::parse_options options;
  options.max_depth = 8;
  boost::system::error_code error;
  boost::json::value value =
      boost::json::parse(boost::json::string_view(line.data(), line.size()), error, {}, options);
  if (error || !value.is_object()) return fail(Errc::malformed, 0, "a JSON object");
  JsonFields fields;
  fields.object_ = std::move(value.as_object());
  return fields;
}

const boost::json::value* JsonFields::find(std::string_view key) const {
  return object_.if_contains(boost::json::string_view(key.data(), key.size()));
}

void JsonFields::get(std::string_view key, std::int64_t& value) {
  const auto* found = find(key);
  if (found != nullptr && found->is_int64()) {
    value = found->get_int64();
  } else {
    ok_ = false;
  }
}
void JsonFields::get(std::string_view key, std::uint64_t& value) {
  const auto* found = find(key);
  if (found != nullptr && found->is_int64() && found->get_int64() >= 0) {
    value = static_cast<std::uint64_t>(found->get_int64());
  } else if (found != nullptr && found->is_uint64()) {
    value = found->get_uint64();
  } else {
    ok_ = false;
  }
}
void JsonFields::get(std::string_view key, int& value) {
  std::int64_t wide = 0;
  get(key, wide);
  if (wide < std::numeric_limits<int>::min() || wide > std::numeric_limits<int>::max()) {
    ok_ = false;
    return;
  }
  value = static_cast<int>(wide);
}
void JsonFields::get(std::string_view key, bool& value) {
  const auto* found = find(key);
  if (found != nullptr && found->is_bool()) {
    value = found->get_bool();
  } else {
    ok_ = false;
  }
}
void JsonFields::get(std::string_view key, float& value) {
  const auto* found = find(key);
  if (found != nullptr && found->is_number()) {
    value = found->is_double() ? static_cast<float>(found->get_double())
                               : static_cast<float>(found->is_int64() ? found->get_int64() : 0);
  } else {
    ok_ = false;
  }
}
void JsonFields::get(std::string_view key, std::string& value) {
  const auto* found = find(key);
  if (found != nullptr && found->is_string()) {
    value.assign(found->get_string().data(), found->get_string().size());
  } else {
    ok_ = false;
  }
}
void JsonFields::get(std::string_view key, char& value) {
  std::string text;
  get(key, text);
  if (text.size() == 1) {
    value = text[0];
  } else {
    ok_ = false;
  }
}
void JsonFields::get(std::string_view key, std::vector<std::pair<std::string, std::string>>& value) {
  const auto* found = find(key);
  if (found == nullptr || !found->is_object()) {
    ok_ = false;
    return;
  }
  for (const auto& [name, field] : found->get_object()) {
    if (!field.is_string()) {
      ok_ = false;
      return;
    }
    value.emplace_back(std::string(name.data(), name.size()),
                       std::string(field.get_string().data(), field.get_string().size()));
  }
}

} // namespace talky::voice
