#include "http/server.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "http/session.hpp"
#include "net/socket_address.hpp"

namespace talky::http {

struct Server::Impl : Sessions, std::enable_shared_from_this<Impl> {
  Impl(net::Loop& owner, const ServerOptions& limits, Handler callback, log::Sink sink)
      : loop_(owner),
        options_(limits),
        handler_(std::move(callback)),
        log_(std::move(sink)),
        again_(owner, [this] { watch_.want(true, false); }) {}

  net::Loop& loop() override { return loop_; }
  const ServerOptions& options() const override { return options_; }
  bool stopping() const override { return stopping_; }
  void handle(Request request, Reply reply) override {
    if (handler_) handler_(std::move(request), std::move(reply));
  }

  net::SysResult<Endpoint> listen(const Endpoint& endpoint) {
    const auto raw = net::detail::from_endpoint(endpoint);
    net::Fd fd(::socket(raw.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) return net::last_error("socket");
    const int one = 1;
    (void)::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (!endpoint.ip.is_v4()) (void)::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
    if (::bind(fd.get(), raw.get(), raw.size) != 0) return net::last_error("bind");
    if (::listen(fd.get(), kBacklog) != 0) return net::last_error("listen");
    net::detail::SocketAddress bound;
    bound.size = sizeof bound.storage;
    if (::getsockname(fd.get(), bound.get(), &bound.size) != 0) return net::last_error("getsockname");
    listener_ = std::move(fd);
    watch_ = net::Watch(loop_, listener_.get(), [this](net::Watch::Ready) { readable(); });
    return net::detail::to_endpoint(bound.storage);
  }

  void readable() {
    for (int i = 0; i < kAcceptsATurn && listener_; ++i) {
      net::detail::SocketAddress from;
      from.size = sizeof from.storage;
      net::Fd socket(::accept4(listener_.get(), from.get(), &from.size, SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (socket) {
        complained_ = false;
        accepted(std::move(socket), net::detail::to_endpoint(from.storage));
        continue;
      }
      if (errno == EINTR || errno == ECONNABORTED) continue;
      if (errno != EAGAIN) out_of_descriptors();
      return;
    }
  }

  // The connection stays in the backlog, and its readiness would come back at once.
  void out_of_descriptors() {
    const net::SystemError error{errno, "accept"};
    if (!std::exchange(complained_, true) && log_)
      log_(log::Level::error, log::Line("http.accept_failed").add("error", error.message()).str());
    watch_.want(false, false);
    again_.at(net::now() + kRetryAccept);
  }

  void accepted(net::Fd socket, const Endpoint& peer) {
    const auto session = Session::make(shared_from_this(), std::move(socket), peer);
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

  void remove(const Session& session) override {
    const auto source = sources_.find(session.peer().ip);
    if (source != sources_.end() && --source->second == 0) sources_.erase(source);
    sessions_.erase(&session);
    maybe_stopped();
  }

  void add(const std::shared_ptr<WebSocket>& socket) override {
    std::erase_if(sockets_, [](const auto& weak) { return weak.expired(); });
    sockets_.push_back(socket);
    if (stopping_) socket->close(kGoingAway, "the server ends");
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
      if (const auto socket = weak.lock()) socket->close(kGoingAway, "the server ends");
    }
    limit_.emplace(loop_, [this] {
      if (net::now() >= deadline_) {
        cut();
        return maybe_stopped();
      }
      maybe_stopped(); // WebSockets go without a word to us
      if (done_) limit_->at(net::now() + std::chrono::milliseconds(20));
    });
    deadline_ = deadline;
    limit_->at(net::now());
  }

  void stop_listening() {
    again_.cancel();
    watch_.reset();
    listener_.reset();
  }

  void maybe_stopped() {
    if (!stopping_ || !sessions_.empty() || (connections() > 0 && net::now() < deadline_)) return;
    if (const auto call = std::exchange(done_, nullptr)) loop_.post(call);
  }

  void cut() {
    const auto all = std::exchange(sessions_, {});
    for (const auto& [key, session] : all)
      session->close();
  }

  static constexpr std::uint16_t kGoingAway = 1001;
  static constexpr int kBacklog = 512;
  static constexpr int kAcceptsATurn = 64;
  static constexpr auto kRetryAccept = std::chrono::milliseconds(100);

  net::Loop& loop_;
  ServerOptions options_;
  Handler handler_;
  log::Sink log_;
  net::Fd listener_;
  net::Watch watch_;
  net::Timer again_;
  bool complained_ = false;
  std::map<const Session*, std::shared_ptr<Session>> sessions_;
  std::map<IpAddress, std::size_t> sources_; // connections from each address
  std::vector<std::weak_ptr<WebSocket>> sockets_;
  bool stopping_ = false;
  Time deadline_{};
  std::function<void()> done_;
  std::optional<net::Timer> limit_;
};

Server::Server(net::Loop& loop, const ServerOptions& options, Handler handler, log::Sink log)
    : impl_(std::make_shared<Impl>(loop, options, std::move(handler), std::move(log))) {}

// NOLINTNEXTLINE(bugprone-exception-escape): only for want of memory, and then there is no going on
Server::~Server() {
  impl_->stopping_ = true;
  impl_->handler_ = nullptr;
  impl_->done_ = nullptr;
  impl_->limit_.reset();
  impl_->stop_listening();
  impl_->cut();
  for (const auto& weak : impl_->sockets_) {
    if (const auto socket = weak.lock()) socket->close(Impl::kGoingAway, "the server ends");
  }
}

net::SysResult<Endpoint> Server::listen(const Endpoint& endpoint) {
  return impl_->listen(endpoint);
}

void Server::stop(Time deadline, std::function<void()> done) {
  impl_->stop(deadline, std::move(done));
}

std::size_t Server::connections() const {
  return impl_->connections();
}

} // namespace talky::http
