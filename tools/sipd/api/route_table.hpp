// Which path of the API leads where, and what one must be allowed to do there. Each part of the API adds its
// own paths, once, when the API is made. Who may use them is decided here and nowhere else: for every request
// where it comes from, before anybody learns what there is; for the path that it names its token.
#pragma once
#include <map>
#include <string>
#include <utility>

#include "http/message.hpp"
#include "http/router.hpp"
#include "sipd/api/api_access.hpp"

namespace talky::sipd {

class RouteTable {
 public:
  explicit RouteTable(const Access& access) : access_(access) {}

  void add(http::Method method, const char* pattern, Role role, http::Handler handler);
  void get(const char* pattern, Role role, http::Handler handler) {
    add(http::Method::get, pattern, role, std::move(handler));
  }
  void post(const char* pattern, http::Handler handler) { // of those who operate
    add(http::Method::post, pattern, Role::operate, std::move(handler));
  }

  void serve(http::Request request, const http::Reply& reply) const;

  // GET /api/v1: {"version":"1.0","paths":[{"method":"GET","path":"/healthz","role":"none"}, ...]}
  std::string index_json() const;

 private:
  const Access& access_;
  http::Router router_;
  std::map<std::pair<http::Method, std::string>, Role> roles_;
};

} // namespace talky::sipd
