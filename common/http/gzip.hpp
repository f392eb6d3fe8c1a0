// The content coding "gzip" (RFC 9110 8.4.1.3).
#pragma once
#include <string>
#include <string_view>

namespace talky::http {

// `body` as one member of RFC 1952. Any zlib reads it back.
std::string gzip(std::string_view body);

} // namespace talky::http
