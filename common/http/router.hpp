// Finds the handler of a request by its method and path. What comes from the network is decoded here, once,
// and strictly: a path that hides a slash, a NUL or a way upwards in percent signs reaches no handler.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.hpp"

namespace talky::http {

// The segments of a path, percent-decoded: "/api/calls/a%20b" is {"api", "calls", "a b"}; "/" is {}. nullopt
// for a path that does not begin with '/', has an empty segment (but for one '/' at its end), a segment "."
// or "..", a broken escape, a decoded '/', '\' or control character, more than 32 segments or 2,048 bytes.
std::optional<std::vector<std::string>> split_path(std::string_view path);

class Router {
 public:
  struct Route {
    Method method;
    std::string pattern;
  };

  // Patterns are literal segments and {names}: "/api/v1/calls/{id}/hold". A literal segment wins over a name.
  // A pattern that ends in "/{name...}" takes the rest of the path, with at least one segment, joined by '/'.
  void add(Method method, std::string_view pattern, Handler handler);

  // 404 for a path that nobody serves, 405 with Allow for the wrong method, 204 with Allow for OPTIONS, 400
  // for a path that split_path() refuses. HEAD goes to the handler of GET: the server leaves the body out.
  void operator()(Request request, const Reply& reply) const;

  std::vector<Route> routes() const; // in the order of add()

 private:
  struct Entry {
    Route route;
    std::vector<std::string> segments;
    Handler handler;
  };
  std::vector<Entry> entries_;
};

} // namespace talky::http
