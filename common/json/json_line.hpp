// One JSON object on one line: fields in the order they are added, whole numbers and short fractions, text
// made valid UTF-8. The same values give the same bytes. And the reading of such lines back, field by field.
#pragma once
#include <boost/json.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/error.hpp"

namespace talky::voice {

class JsonLine {
 public:
  JsonLine& add(std::string_view name, std::int64_t value);
  JsonLine& add(std::string_view name, std::uint64_t value);
  JsonLine& add(std::string_view name, int value) { return add(name, static_cast<std::int64_t>(value)); }
  JsonLine& add(std::string_view name, bool value);
  JsonLine& add(std::string_view name, float value); // rounded to 1/1000
  JsonLine& add(std::string_view name, std::string_view value);
  JsonLine& add(std::string_view name, const std::string& value) {
    return add(name, std::string_view(value));
  }
  JsonLine& add(std::string_view name, const char* value) { return add(name, std::string_view(value)); }
  JsonLine& add(std::string_view name, char value) { return add(name, std::string_view(&value, 1)); }
  JsonLine& add(std::string_view name, const std::vector<std::pair<std::string, std::string>>& object);
  JsonLine& raw(std::string_view name, std::string_view json);

  std::string take();

 private:
  void key(std::string_view name);

  std::string text_ = "{";
};

// Takes typed fields out of an object. The first that is missing or of another type is remembered as the
// error.
class JsonFields {
 public:
  // Fails with `malformed` if the line is not a JSON object. Nesting is limited to 8.
  static Result<JsonFields> parse(std::string_view line);

  void get(std::string_view key, std::int64_t& value);
  void get(std::string_view key, std::uint64_t& value);
  void get(std::string_view key, int& value);
  void get(std::string_view key, bool& value);
  void get(std::string_view key, float& value);
  void get(std::string_view key, std::string& value);
  void get(std::string_view key, char& value);
  void get(std::string_view key, std::vector<std::pair<std::string, std::string>>& value);
  const boost::json::value* find(std::string_view key) const;

  bool ok() const { return ok_; }

 private:
  boost::json::object object_;
  bool ok_ = true;
};

} // namespace talky::voice
