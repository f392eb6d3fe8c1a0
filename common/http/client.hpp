// One HTTP/1.1 request at a time to a server that is known beforehand, such as a collector of traces: a
// connection for each request, plain or TLS. With TLS the server's certificate must be signed by one of the
// system's authorities, or of the file given, and name the host of the URL.
#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "http/message.hpp"
#include "net/fd.hpp"
#include "net/loop.hpp"

namespace talky::http {

// "http://host:4318/path", "https://[::1]/": no user, no password, no fragment.
struct Url {
  bool tls = false;
  std::string host;       // without brackets
  std::uint16_t port = 0; // of the scheme, if none is written
  std::string target;     // path and query, "/" at least

  static std::optional<Url> parse(std::string_view text);
  std::string authority() const; // for the Host field
};

struct Answer {
  int status = 0;
  Headers headers;
  std::string body; // at most kMaxAnswer; a longer one is an error
};

class Requesting {
 public:
  static constexpr std::size_t kMaxAnswer = 64 << 10;
  struct Options {
    Duration limit = std::chrono::seconds(10); // for each of connecting, sending and answering
    std::string ca_file;                       // PEM; "": the system's authorities
  };
  // The error says what failed and why: "connect: Connection refused".
  using Done = std::function<void(tl::expected<Answer, std::string>)>;

  // POSTs `body`; Host, Content-Length and Connection are set here. Calls `done` once, later. Destroying the
  // handle gives the request up without a call.
  Requesting(net::Loop& loop, const Url& url, const Headers& headers, std::string body, Options options,
             Done done);
  Requesting(Requesting&&) noexcept;
  Requesting& operator=(Requesting&&) noexcept;
  ~Requesting(); // NOLINT(bugprone-exception-escape): as in the .cpp

  struct Exchange;

 private:
  std::shared_ptr<Exchange> exchange_;
};

} // namespace talky::http
