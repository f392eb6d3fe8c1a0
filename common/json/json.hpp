// JSON as the tools print it: for people and for programs alike.
#pragma once
#include <boost/json/value.hpp>
#include <string>

namespace talky::cli {

// One member a line down to `levels`, what lies deeper on one line; numbers as the shortest text that reads
// back the same (Boost.JSON writes 0 as 0E0), null where it is none. Ends with a line end.
std::string json_text(const boost::json::value& value, int levels = 3);
// The same numbers without a needless byte, and without a line end: for what programs ask for.
std::string json_compact(const boost::json::value& value);

} // namespace talky::cli
