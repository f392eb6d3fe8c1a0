// Opens a WebSocket to a server: ws:// or wss://. With TLS the server's certificate must be signed by one of
// the system's authorities, or of the file given, and name the host of the URL.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/time.hpp"
#include "http/websocket.hpp"
#include "net/fd.hpp"
#include "net/loop.hpp"

namespace talky::http {

// "ws://host:8080/path?query", "wss://[::1]/": no user, no password, no fragment. The ports are 80 and 443,
// if none is written.
struct WebSocketUrl {
  bool tls = false;
  std::string host; // without brackets
  std::uint16_t port = 0;
  std::string target;    // path and query, "/" at least
  std::string authority; // for the Host field

  static std::optional<WebSocketUrl> parse(std::string_view text);
};

class WebSocketConnecting {
 public:
  struct Options {
    Duration limit = std::chrono::seconds(5); // for all of it
    std::string ca_file;                      // PEM; "": the system's authorities
    WebSocketOptions socket;
  };
  // The error says what failed and why: "TLS: certificate verify failed".
  using Done = std::function<void(tl::expected<std::shared_ptr<WebSocket>, std::string>)>;

  // Calls `done` once, later, with a WebSocket that has not been started, or with the error. Destroying the
  // handle gives the attempt up without a call.
  WebSocketConnecting(net::Loop& loop, const WebSocketUrl& url, Options options, Done done);
  WebSocketConnecting(WebSocketConnecting&&) noexcept;
  // NOLINTNEXTLINE(bugprone-exception-escape): as in the .cpp
  WebSocketConnecting& operator=(WebSocketConnecting&&) noexcept;
  ~WebSocketConnecting(); // NOLINT(bugprone-exception-escape)

  struct Attempt;

 private:
  std::shared_ptr<Attempt> attempt_;
};

} // namespace talky::http
