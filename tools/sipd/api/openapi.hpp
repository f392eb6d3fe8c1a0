// The OpenAPI 3.1 document of the HTTP API, made from openapi.json at build time.
#pragma once
#include <string_view>

namespace talky::sipd {

extern const std::string_view kOpenapiDocument;

} // namespace talky::sipd
