// How a part of the API takes its paths: `add(method, pattern, role, handler)`, once, when the API is made.
#pragma once
#include <functional>

#include "http/message.hpp"
#include "sipd/api/api_access.hpp"

namespace talky::sipd {

using AddRoute = std::function<void(http::Method, const char* pattern, Role, http::Handler)>;

} // namespace talky::sipd
