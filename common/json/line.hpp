// One JSON object on one line, as text: fields in the order they are added, whole numbers and short
// fractions, text made valid UTF-8. The same values give the same bytes.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace talky::json {

class Line {
 public:
  Line& add(std::string_view name, std::int64_t value);
  Line& add(std::string_view name, std::uint64_t value);
  Line& add(std::string_view name, int value) { return add(name, static_cast<std::int64_t>(value)); }
  Line& add(std::string_view name, bool value);
  Line& add(std::string_view name, float value); // rounded to 1/1000
  Line& add(std::string_view name, std::string_view value);
  Line& add(std::string_view name, const std::string& value) { return add(name, std::string_view(value)); }
  Line& add(std::string_view name, const char* value) { return add(name, std::string_view(value)); }
  Line& add(std::string_view name, char value) { return add(name, std::string_view(&value, 1)); }
  Line& add(std::string_view name, const std::vector<std::pair<std::string, std::string>>& object);
  Line& raw(std::string_view name, std::string_view json);

  std::string take();

 private:
  void key(std::string_view name);

  std::string text_ = "{";
};

// The writing half of a table of fields; its other half is ReadFields in fields.hpp.
struct WriteFields {
  Line& to;
  template <class T>
  void operator()(std::string_view key, const T& value) {
    to.add(key, value);
  }
  void unless_empty(std::string_view key, const std::string& value) {
    if (!value.empty()) to.add(key, value);
  }
};

} // namespace talky::json
