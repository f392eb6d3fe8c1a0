// JSON on Boost.JSON: its values, and how talky reads and writes them. fields.hpp reads an object field by
// field, line.hpp writes one as a line of text; a table of fields said once serves both.
#pragma once
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>
#include <cstddef>
#include <limits>
#include <string>
#include <string_view>

#include "core/error.hpp"

namespace talky::json {

using boost::json::array;
using boost::json::error_code;
using boost::json::object;
using boost::json::parse;
using boost::json::parse_options;
using boost::json::serialize;
using boost::json::string;
using boost::json::value;

// One member a line down to `levels`, what lies deeper on one line; numbers as the shortest text that reads
// back the same (Boost.JSON writes 0 as 0E0), null where it is none. Ends with a line end. For people and for
// programs alike.
std::string pretty(const value& value, int levels = 3);
// The same numbers without a needless byte, and without a line end: for what programs ask for.
std::string compact(const value& value);

// A string with its quotes, of at most `limit` bytes before it is escaped: JSON is UTF-8, but what a SIP
// header holds may not be, and a byte that begins no valid sequence becomes U+FFFD.
std::string quoted(std::string_view text, std::size_t limit = std::numeric_limits<std::size_t>::max());

struct Limits {
  std::size_t bytes = std::numeric_limits<std::size_t>::max();
  std::size_t depth = 16;                     // of nesting
  const char* too_long = "a shorter message"; // what is expected in place of more bytes
};
// An object from a foreign hand. Errors: too_large, malformed ("JSON", or "a JSON object" where it is another
// value).
Result<object> parse_object(std::string_view text, const Limits& limits = {});

} // namespace talky::json
