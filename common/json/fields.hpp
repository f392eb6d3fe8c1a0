// A JSON object read field by field into variables of C++.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/error.hpp"
#include "json/json.hpp"

namespace talky::json {

using Texts = std::vector<std::pair<std::string, std::string>>; // an object whose members are all texts

// Whether the value is one of the variable's type and in its range; only then the variable is set. A
// string_view borrows from the value; a char is a text of one byte; an integer is a whole number, and a
// double any finite one.
bool read(const value& from, std::string& variable);
bool read(const value& from, std::string_view& variable);
bool read(const value& from, char& variable);
bool read(const value& from, bool& variable);
bool read(const value& from, int& variable);
bool read(const value& from, std::int64_t& variable);
bool read(const value& from, std::uint32_t& variable);
bool read(const value& from, std::uint64_t& variable);
bool read(const value& from, float& variable);
bool read(const value& from, double& variable);
bool read(const value& from, Texts& variable);
// null is nullopt.
template <class T>
bool read(const value& from, std::optional<T>& variable) {
  T inner{};
  if (!from.is_null() && !read(from, inner)) return false;
  variable.reset();
  if (!from.is_null()) variable = std::move(inner);
  return true;
}

// Null, nullopt: not there, or of another type.
const value* find_value(const object& from, std::string_view key);
template <class T>
std::optional<T> find(const object& from, std::string_view key) {
  T variable{};
  const value* found = find_value(from, key);
  if (found == nullptr || !read(*found, variable)) return std::nullopt;
  return variable;
}
const object* find_object(const object& from, std::string_view key);
// A whole number from 0, also as a text of digits, as some peers write it.
std::optional<std::uint64_t> find_number(const object& from, std::string_view key);

// Borrows the object. What is wrong with a field leaves its variable as it was; the first fault is kept.
class Fields {
 public:
  explicit Fields(const object& from) : object_(from) {}

  const value* find(std::string_view key) const { return find_value(object_, key); }
  // A field that must be there. False, and a fault (malformed, `expected`), where it is not, or is of another
  // type.
  template <class T>
  bool get(std::string_view key, T& variable, const char* expected = "all fields of their types") {
    const value* found = find(key);
    if (found != nullptr && read(*found, variable)) return true;
    fault(Errc::malformed, expected);
    return false;
  }
  // One that may be left out. False: it is, or is of another type, which is a fault.
  template <class T>
  bool optional(std::string_view key, T& variable, const char* expected = "all fields of their types") {
    return find(key) != nullptr && get(key, variable, expected);
  }
  void fault(Errc code, const char* expected) {
    if (!error_) error_ = Error{code, 0, expected};
  }

  bool ok() const { return !error_; }
  const std::optional<Error>& error() const { return error_; }

 private:
  const object& object_;
  std::optional<Error> error_;
};

// The reading half of a table of fields; its other half is WriteFields in line.hpp:
//   template <class Io, class E> void fields(Io& io, E& e) { io("turn", e.turn); io.unless_empty("voice",
//   e.voice); }
struct ReadFields {
  Fields& from;
  template <class T>
  void operator()(std::string_view key, T& variable) {
    from.get(key, variable);
  }
  void unless_empty(std::string_view key, std::string& variable) { from.optional(key, variable); }
};

} // namespace talky::json
