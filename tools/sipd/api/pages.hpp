// The web page of the daemon: static files of one folder, as a build of tools/sipd/web leaves them.
//
//   GET /        index.html      GET /calls   calls.html      GET /assets/...   the file of that name
//
// Anybody who reaches the port may load them, token or not: a browser cannot send one with a page, and they
// hold no secret; what the page then asks of the API needs it. What leaves the folder ("..", a symbolic
// link), is hidden, or is no regular file is 404, and no folder is ever listed.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "sipd/api/route_table.hpp"

namespace talky::sipd {

class Pages {
 public:
  explicit Pages(std::string folder) : folder_(std::move(folder)) {} // "": none
  void add_routes(RouteTable& routes);

 private:
  void serve(std::string_view name, const http::Request& request, const http::Reply& reply) const;
  void page(std::string_view name, const http::Request& request, const http::Reply& reply) const;

  std::string folder_;
};

// "text/html; charset=utf-8" for "index.html"; application/octet-stream for what is not known.
std::string_view content_type_of(std::string_view name);

// Whether a name has a hash of its content in it ("index-Bq3vK9aD.js"), so that it never means anything else.
bool is_hashed_name(std::string_view name);

} // namespace talky::sipd
