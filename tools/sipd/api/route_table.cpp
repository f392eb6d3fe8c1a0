#include "sipd/api/route_table.hpp"

#include "json/json.hpp"

namespace talky::sipd {
namespace {

using http::Reply;
using http::Request;

constexpr std::string_view kTakesRest = "...}"; // at the end of a pattern

} // namespace

void RouteTable::add(http::Method method, const char* pattern, Role role, http::Handler handler) {
  roles_[{method, pattern}] = role;
  router_.add(method, pattern,
              [this, role, handler = std::move(handler)](Request request, const Reply& reply) {
                if (auto refusal = access_.refuse_token(request, role)) return reply(std::move(*refusal));
                handler(std::move(request), reply);
              });
}

void RouteTable::serve(Request request, const Reply& reply) const {
  if (auto refusal = access_.refuse_origin(request)) return reply(std::move(*refusal));
  router_(std::move(request), reply);
}

std::string RouteTable::index_json() const {
  json::array paths;
  for (const http::Router::Route& route : router_.routes()) {
    std::string path = route.pattern;
    if (const std::size_t rest = path.find(kTakesRest); rest != std::string::npos) path.erase(rest, 3);
    paths.push_back({{"method", std::string(to_string(route.method))},
                     {"path", path},
                     {"role", to_string(roles_.at({route.method, route.pattern}))}});
  }
  return json::compact(json::object{{"version", TALKY_VERSION}, {"paths", std::move(paths)}}) + "\n";
}

} // namespace talky::sipd
