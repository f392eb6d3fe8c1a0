// How a part of the API takes its paths: `add(method, pattern, role, handler)`, once, when the API is made.
#pragma once
#include <functional>

#include "api_access.hpp"
#include "net/http.hpp"

namespace talky::sipd {

using AddRoute = std::function<void(net::HttpMethod, const char* pattern, Role, net::HttpHandler)>;

} // namespace talky::sipd
