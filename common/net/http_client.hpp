// One HTTP/1.1 request at a time to a server that is known beforehand, such as a collector of traces: a
// connection for each request, plain or TLS (certificates are checked against the system's, and the name
// against the URL's host).
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "net/fd.hpp"
#include "net/http.hpp"
#include "net/loop.hpp"

namespace talky::net {

// "http://host:4318/path", "https://[::1]/": no user, no password, no fragment.
struct HttpUrl {
  bool tls = false;
  std::string host;       // without brackets
  std::uint16_t port = 0; // of the scheme, if none is written
  std::string target;     // path and query, "/" at least

  static std::optional<HttpUrl> parse(std::string_view text);
  std::string authority() const; // for the Host field
};

struct HttpAnswer {
  int status = 0;
  HttpHeaders headers;
  std::string body; // at most max_answer; a longer one is an error
};

class HttpRequesting {
 public:
  static constexpr std::size_t max_answer = 64 << 10;
  // The error says what failed and why: "connect: Connection refused".
  using Done = std::function<void(tl::expected<HttpAnswer, std::string>)>;

  // POSTs `body`; Host, Content-Length and Connection are set here. Calls `done` once, later, at the latest
  // after `limit` for each of connecting, sending and answering. Destroying the handle gives the request up
  // without a call.
  HttpRequesting(Loop& loop, const HttpUrl& url, const HttpHeaders& headers, std::string body, Duration limit,
                 Done done);
  HttpRequesting(HttpRequesting&&) noexcept;
  HttpRequesting& operator=(HttpRequesting&&) noexcept;
  ~HttpRequesting();

  struct Exchange;

 private:
  std::shared_ptr<Exchange> exchange_;
};

} // namespace talky::net
