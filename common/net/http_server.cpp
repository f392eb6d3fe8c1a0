#include "net/http_server.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "net/http_session.hpp"
#include "net/socket_address.hpp"

namespace talky::net {

struct HttpServer::Impl : HttpSessions, std::enable_shared_from_this<Impl> {
  Impl(Loop& owner, const HttpServerOptions& limits, HttpHandler callback, log::Sink sink)
      : loop_(owner),
        options_(limits),
        handler_(std::move(callback)),
        log_(std::move(sink)),
        again_(owner, [this] { watch_.want(true, false); }) {}

  Loop& loop() override { return loop_; }
  const HttpServerOptions& options() const override { return options_; }
  bool stopping() const override { return stopping_; }
  void handle(HttpRequest request, HttpReply reply) override {
    if (handler_) handler_(std::move(request), std::move(reply));
  }

  SysResult<Endpoint> listen(const Endpoint& endpoint) {
    const auto raw = detail::from_endpoint(endpoint);
    Fd fd(::socket(raw.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) return last_error("socket");
    const int one = 1;
    (void)::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (!endpoint.ip.is_v4()) (void)::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
    if (::bind(fd.get(), raw.get(), raw.size) != 0) return last_error("bind");
    if (::listen(fd.get(), backlog) != 0) return last_error("listen");
    detail::SocketAddress bound;
    bound.size = sizeof bound.storage;
    if (::getsockname(fd.get(), bound.get(), &bound.size) != 0) return last_error("getsockname");
    listener_ = std::move(fd);
    watch_ = Watch(loop_, listener_.get(), [this](Watch::Ready) { readable(); });
    return detail::to_endpoint(bound.storage);
  }

  void readable() {
    for (int i = 0; i < accepts_a_turn && listener_; ++i) {
      detail::SocketAddress from;
      from.size = sizeof from.storage;
      Fd socket(::accept4(listener_.get(), from.get(), &from.size, SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (socket) {
        complained_ = false;
        accepted(std::move(socket), detail::to_endpoint(from.storage));
        continue;
      }
      if (errno == EINTR || errno == ECONNABORTED) continue;
      if (errno != EAGAIN) out_of_descriptors();
      return;
    }
  }

  // The connection stays in the backlog, and its readiness would come back at once.
  void out_of_descriptors() {
    const SystemError error{errno, "accept"};
    if (!std::exchange(complained_, true) && log_)
      log_(log::Level::error, log::Line("http.accept_failed").add("error", error.message()).str());
    watch_.want(false, false);
    again_.at(now() + retry_accept);
  }

  void accepted(Fd socket, const Endpoint& peer) {
    const auto session = HttpSession::make(shared_from_this(), std::move(socket), peer);
    if (!session) return;
    const bool full =
        connections() >= options_.max_connections || sources_[peer.ip] >= options_.max_per_source;
    // A few more are let in to hear why; beyond them there is silence.
    if (full && sessions_.size() >= 2 * options_.max_connections) return forget(peer.ip);
    ++sources_[peer.ip];
    sessions_.emplace(session.get(), session);
    if (full) return session->refuse(503, "too many connections");
    session->run();
  }

  void forget(const IpAddress& ip) {
    const auto source = sources_.find(ip);
    if (source != sources_.end() && source->second == 0) sources_.erase(source);
  }

  void remove(const HttpSession& session) override {
    const auto source = sources_.find(session.peer().ip);
    if (source != sources_.end() && --source->second == 0) sources_.erase(source);
    sessions_.erase(&session);
    maybe_stopped();
  }

  void add(const std::shared_ptr<WebSocket>& socket) override {
    std::erase_if(sockets_, [](const auto& weak) { return weak.expired(); });
    sockets_.push_back(socket);
    if (stopping_) socket->close(going_away, "the server ends");
  }

  std::size_t connections() const {
    std::size_t open = sessions_.size();
    for (const auto& weak : sockets_)
      open += weak.expired() ? 0u : 1u;
    return open;
  }

  void stop(Time deadline, std::function<void()> done) {
    stopping_ = true;
    done_ = std::move(done);
    stop_listening();
    const auto all = sessions_;
    for (const auto& [key, session] : all)
      session->stop();
    for (const auto& weak : sockets_) {
      if (const auto socket = weak.lock()) socket->close(going_away, "the server ends");
    }
    limit_.emplace(loop_, [this] {
      if (now() >= deadline_) {
        cut();
        return maybe_stopped();
      }
      maybe_stopped(); // WebSockets go without a word to us
      if (done_) limit_->at(now() + std::chrono::milliseconds(20));
    });
    deadline_ = deadline;
    limit_->at(now());
  }

  void stop_listening() {
    again_.cancel();
    watch_.reset();
    listener_.reset();
  }

  void maybe_stopped() {
    if (!stopping_ || !sessions_.empty() || (connections() > 0 && now() < deadline_)) return;
    if (const auto call = std::exchange(done_, nullptr)) loop_.post(call);
  }

  void cut() {
    const auto all = std::exchange(sessions_, {});
    for (const auto& [key, session] : all)
      session->close();
  }

  static constexpr std::uint16_t going_away = 1001;
  static constexpr int backlog = 512;
  static constexpr int accepts_a_turn = 64;
  static constexpr auto retry_accept = std::chrono::milliseconds(100);

  Loop& loop_;
  HttpServerOptions options_;
  HttpHandler handler_;
  log::Sink log_;
  Fd listener_;
  Watch watch_;
  Timer again_;
  bool complained_ = false;
  std::map<const HttpSession*, std::shared_ptr<HttpSession>> sessions_;
  std::map<IpAddress, std::size_t> sources_; // connections from each address
  std::vector<std::weak_ptr<WebSocket>> sockets_;
  bool stopping_ = false;
  Time deadline_{};
  std::function<void()> done_;
  std::optional<Timer> limit_;
};

HttpServer::HttpServer(Loop& loop, const HttpServerOptions& options, HttpHandler handler, log::Sink log)
    : impl_(std::make_shared<Impl>(loop, options, std::move(handler), std::move(log))) {}

// NOLINTNEXTLINE(bugprone-exception-escape): only for want of memory, and then there is no going on
HttpServer::~HttpServer() {
  impl_->stopping_ = true;
  impl_->handler_ = nullptr;
  impl_->done_ = nullptr;
  impl_->limit_.reset();
  impl_->stop_listening();
  impl_->cut();
  for (const auto& weak : impl_->sockets_) {
    if (const auto socket = weak.lock()) socket->close(Impl::going_away, "the server ends");
  }
}

SysResult<Endpoint> HttpServer::listen(const Endpoint& endpoint) {
  return impl_->listen(endpoint);
}

void HttpServer::stop(Time deadline, std::function<void()> done) {
  impl_->stop(deadline, std::move(done));
}

std::size_t HttpServer::connections() const {
  return impl_->connections();
}

} // namespace talky::net
