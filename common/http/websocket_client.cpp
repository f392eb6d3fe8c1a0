#include "http/websocket_client.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <utility>

#include "http/client.hpp"
#include "http/tls.hpp"
#include "http/websocket_beast.hpp"
#include "net/loop_asio.hpp"

namespace talky::http {
namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using boost::system::error_code;
using Tls = boost::beast::ssl_stream<tcp::socket>;

} // namespace

std::optional<WebSocketUrl> WebSocketUrl::parse(std::string_view text) {
  if (!text.starts_with("ws://") && !text.starts_with("wss://")) return std::nullopt;
  // Their URLs differ in the scheme alone (RFC 6455 3).
  const auto url = Url::parse(fmt::format("http{}", text.substr(2)));
  if (!url) return std::nullopt;
  return WebSocketUrl{url->tls, url->host, url->port, url->target, url->authority()};
}

struct WebSocketConnecting::Attempt : std::enable_shared_from_this<WebSocketConnecting::Attempt> {
  Attempt(net::Loop& loop, WebSocketUrl where, Options how, Done on_done)
      : context(net::context_of(loop)),
        resolver(context),
        plain(context),
        deadline(context),
        url(std::move(where)),
        options(std::move(how)),
        done(std::move(on_done)) {}

  void start() {
    deadline.expires_after(std::chrono::duration_cast<std::chrono::steady_clock::duration>(options.limit));
    deadline.async_wait([self = shared_from_this()](error_code error) {
      if (!error) self->finish(self->step, asio::error::timed_out);
    });
    step = "look-up: ";
    resolver.async_resolve(url.host, std::to_string(url.port),
                           [self = shared_from_this()](error_code error, const auto& found) {
                             if (!self->done) return;
                             if (error) return self->finish(self->step, error);
                             self->connect(found);
                           });
  }

  void connect(const tcp::resolver::results_type& addresses) {
    step = "connect: ";
    asio::async_connect(
        plain, addresses, [self = shared_from_this()](error_code error, const tcp::endpoint&) {
          if (!self->done) return;
          if (error) return self->finish(self->step, error);
          error_code ignored;
          self->plain.set_option(tcp::no_delay(true), ignored);
          // What waits in the kernel cannot be thrown away any more: little of it.
          self->plain.set_option(asio::socket_base::send_buffer_size(self->options.socket.send_buffer),
                                 ignored);
          if (self->url.tls) {
            self->encrypt();
          } else {
            self->upgrade(
                std::make_shared<BeastWebSocket<tcp::socket>>(self->options.socket, std::move(self->plain)));
          }
        });
  }

  void encrypt() {
    step = "TLS: ";
    error_code error;
    asio::ssl::context trust = client_trust(options.ca_file, error);
    if (error)
      return finish(fmt::format("{}{}", step, options.ca_file.empty() ? "" : options.ca_file + ": "), error);
    const auto socket = std::make_shared<BeastWebSocket<Tls>>(options.socket, std::move(plain), trust);
    Tls& tls = socket->lower();
    if (!expect_host(tls, url.host)) return finish(step, asio::error::invalid_argument);
    abort = [socket] {
      error_code ignored;
      boost::beast::get_lowest_layer(socket->lower()).close(ignored);
    };
    tls.async_handshake(asio::ssl::stream_base::client,
                        [self = shared_from_this(), socket](error_code failed) {
                          if (!self->done) return;
                          if (failed) return self->finish(self->step, failed);
                          self->upgrade(socket);
                        });
  }

  template <class Stream>
  void upgrade(const std::shared_ptr<BeastWebSocket<Stream>>& socket) {
    step = "WebSocket: ";
    abort = [socket] {
      error_code ignored;
      boost::beast::get_lowest_layer(socket->lower()).close(ignored);
    };
    socket->call(url.authority, url.target, [self = shared_from_this(), socket](error_code error) {
      if (!self->done) return;
      if (error) return self->finish(self->step, error);
      self->deadline.cancel();
      self->abort = nullptr;
      std::exchange(self->done, nullptr)(std::shared_ptr<WebSocket>(socket));
    });
  }

  void finish(std::string_view what, error_code error) {
    if (!done) return;
    const auto finish = std::exchange(done, nullptr);
    give_up();
    finish(tl::unexpected(fmt::format("{}{}", what, error.message())));
  }

  void give_up() {
    done = nullptr;
    error_code ignored;
    deadline.cancel();
    resolver.cancel();
    plain.close(ignored);
    if (abort) std::exchange(abort, nullptr)();
  }

  asio::io_context& context;
  tcp::resolver resolver;
  tcp::socket plain;
  asio::steady_timer deadline;
  WebSocketUrl url;
  Options options;
  Done done; // null: over
  std::function<void()> abort;
  const char* step = "";
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
