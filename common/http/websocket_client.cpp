#include "http/websocket_client.hpp"

#include <fmt/format.h>

#include <boost/asio/error.hpp>
#include <utility>

#include "http/client.hpp"
#include "http/wire_websocket.hpp"

namespace talky::http {

std::optional<WebSocketUrl> WebSocketUrl::parse(std::string_view text) {
  if (!text.starts_with("ws://") && !text.starts_with("wss://")) return std::nullopt;
  // Their URLs differ in the scheme alone (RFC 6455 3).
  const auto url = Url::parse(fmt::format("http{}", text.substr(2)));
  if (!url) return std::nullopt;
  return WebSocketUrl{url->tls, url->host, url->port, url->target, url->authority()};
}

struct WebSocketConnecting::Attempt : std::enable_shared_from_this<WebSocketConnecting::Attempt> {
  Attempt(net::Loop& loop, WebSocketUrl where, Options how, Done on_done)
      : wire(loop),
        deadline(loop, [this] { finish(step(), boost::asio::error::timed_out); }),
        url(std::move(where)),
        options(std::move(how)),
        done(std::move(on_done)) {}

  void start() {
    deadline.at(net::now() + options.limit);
    wire.open(
        {url.host, url.port, url.tls, options.ca_file}, [] {},
        [self = shared_from_this()](Wire::Error error) {
          if (!self->done) return;
          if (error) return self->finish(self->step(), error);
          self->upgrade();
        });
  }

  void upgrade() {
    socket = WireWebSocket::make(std::move(wire), options.socket);
    socket->call(url.authority, url.target, [self = shared_from_this()](Wire::Error error) {
      if (!self->done) return;
      if (error) return self->finish(self->step(), error);
      self->deadline.cancel();
      std::exchange(self->done, nullptr)(std::exchange(self->socket, nullptr));
    });
  }

  std::string step() const { return socket ? "WebSocket: " : std::string(wire.step()); }

  void finish(const std::string& what, Wire::Error error) {
    if (!done) return;
    const auto keep = shared_from_this();
    const auto finish = std::exchange(done, nullptr);
    give_up();
    finish(tl::unexpected(fmt::format("{}{}", what, error.message())));
  }

  void give_up() {
    done = nullptr;
    deadline.cancel();
    if (socket) {
      std::exchange(socket, nullptr)->cut();
    } else {
      wire.close();
    }
  }

  Wire wire; // until it is the socket's
  net::Timer deadline;
  WebSocketUrl url;
  Options options;
  Done done; // null: over
  std::shared_ptr<WireWebSocket> socket;
};

WebSocketConnecting::WebSocketConnecting(net::Loop& loop, const WebSocketUrl& url, Options options, Done done)
    : attempt_(std::make_shared<Attempt>(loop, url, std::move(options), std::move(done))) {
  attempt_->start();
}

WebSocketConnecting::WebSocketConnecting(WebSocketConnecting&&) noexcept = default;

// NOLINTNEXTLINE(bugprone-exception-escape): only for want of memory, and then there is no going on
WebSocketConnecting& WebSocketConnecting::operator=(WebSocketConnecting&& other) noexcept {
  if (attempt_) attempt_->give_up();
  attempt_ = std::move(other.attempt_);
  return *this;
}

// NOLINTNEXTLINE(bugprone-exception-escape): only for want of memory, and then there is no going on
WebSocketConnecting::~WebSocketConnecting() {
  if (attempt_) attempt_->give_up();
}

} // namespace talky::http
