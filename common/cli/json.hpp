// JSON as the tools print it: for people and for programs alike.
#pragma once
#include <boost/json/value.hpp>
#include <string>

namespace talky::cli {

// One member a line down to `levels`, what lies deeper on one line; numbers as the shortest text that reads
// back the same (Boost.JSON writes 0 as 0E0). Ends with a line end.
std::string json_text(const boost::json::value& value, int levels = 3);

} // namespace talky::cli
