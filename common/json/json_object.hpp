// One JSON object from a foreign hand, read field by field; for the parsers of this folder.
#pragma once
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "core/error.hpp"

namespace talky::ipc {

class JsonObject {
 public:
  // Limits: `most` bytes, 16 levels. `too_large`, or `malformed` if it is no JSON object.
  static Result<JsonObject> parse(std::string_view text, std::size_t most);

  bool has(std::string_view key) const;
  // nullopt: not there, or of another type. What is borrowed lives as long as this object.
  std::optional<std::string_view> text(std::string_view key) const;
  // A whole number from 0; also as a text of digits, as some peers write it.
  std::optional<std::uint64_t> number(std::string_view key) const;
  const boost::json::object* object(std::string_view key) const; // null: not there, or no object

  static std::optional<std::string_view> text(const boost::json::object& object, std::string_view key);
  static std::optional<std::uint64_t> number(const boost::json::object& object, std::string_view key);

 private:
  explicit JsonObject(boost::json::value value) : value_(std::move(value)) {}
  boost::json::value value_; // an object
};

} // namespace talky::ipc
