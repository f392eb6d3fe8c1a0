#include "json/fields.hpp"

#include <cmath>
#include <utility>

#include "core/ascii.hpp"

namespace talky::json {
namespace {

// A number in the range of a smaller type.
template <class Wide, class T>
bool read_narrow(const value& from, T& variable) {
  Wide wide = 0;
  if (!read(from, wide) || !std::in_range<T>(wide)) return false;
  variable = static_cast<T>(wide);
  return true;
}

} // namespace

const value* find_value(const object& from, std::string_view key) {
  return from.if_contains(boost::json::string_view(key.data(), key.size()));
}

bool read(const value& from, std::string_view& variable) {
  const string* text = from.if_string();
  if (text != nullptr) variable = std::string_view(text->data(), text->size());
  return text != nullptr;
}
bool read(const value& from, std::string& variable) {
  std::string_view text;
  if (!read(from, text)) return false;
  variable = text;
  return true;
}
bool read(const value& from, char& variable) {
  std::string_view text;
  if (!read(from, text) || text.size() != 1) return false;
  variable = text[0];
  return true;
}
bool read(const value& from, bool& variable) {
  const bool* flag = from.if_bool();
  if (flag != nullptr) variable = *flag;
  return flag != nullptr;
}
bool read(const value& from, std::int64_t& variable) {
  const std::int64_t* number = from.if_int64();
  if (number != nullptr) variable = *number;
  return number != nullptr;
}
bool read(const value& from, std::uint64_t& variable) {
  if (const std::uint64_t* number = from.if_uint64()) {
    variable = *number;
    return true;
  }
  std::int64_t number = -1;
  if (!read(from, number) || number < 0) return false;
  variable = static_cast<std::uint64_t>(number);
  return true;
}
bool read(const value& from, int& variable) {
  return read_narrow<std::int64_t>(from, variable);
}
bool read(const value& from, std::uint32_t& variable) {
  return read_narrow<std::uint64_t>(from, variable);
}
bool read(const value& from, double& variable) {
  boost::system::error_code error;
  const auto number = from.to_number<double>(error);
  if (error || !std::isfinite(number)) return false;
  variable = number;
  return true;
}
bool read(const value& from, float& variable) {
  double wide = 0;
  if (!read(from, wide)) return false;
  variable = static_cast<float>(wide);
  return true;
}
bool read(const value& from, Texts& variable) {
  const object* members = from.if_object();
  if (members == nullptr) return false;
  Texts texts;
  for (const auto& member : *members) {
    std::string text;
    if (!read(member.value(), text)) return false;
    texts.emplace_back(std::string(member.key()), std::move(text));
  }
  variable = std::move(texts);
  return true;
}

const object* find_object(const object& from, std::string_view key) {
  const value* found = find_value(from, key);
  return found != nullptr ? found->if_object() : nullptr;
}

std::optional<std::uint64_t> find_number(const object& from, std::string_view key) {
  if (const auto number = find<std::uint64_t>(from, key)) return number;
  return ascii::to_number<std::uint64_t>(find<std::string_view>(from, key).value_or(""));
}

} // namespace talky::json
