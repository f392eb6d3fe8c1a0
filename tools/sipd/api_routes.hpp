// How a part of the API takes its paths: `add(method, pattern, role, handler)`, once, when the API is made.
#pragma once
#include <functional>

#include "api_access.hpp"
#include "http/message.hpp"

namespace talky::sipd {

using AddRoute = std::function<void(http::Method, const char* pattern, Role, http::Handler)>;

} // namespace talky::sipd
