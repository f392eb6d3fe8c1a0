// The first line of a request (RFC 9112 3).
#pragma once
#include <string_view>

#include "http/message.hpp"

namespace talky::http {

// Fills method, path and query. The target may be in origin-form, or in absolute-form of http:; "*" of
// OPTIONS is "/". False: it is none of these.
bool take_request_line(Request& request, std::string_view method, std::string_view target);

} // namespace talky::http
