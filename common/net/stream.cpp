#include "net/stream.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "core/ascii.hpp"
#include "net/socket_address.hpp"

namespace talky::net {

using detail::from_endpoint;
using detail::from_path;
using detail::SocketAddress;
using detail::to_endpoint;

namespace {

constexpr std::size_t read_size = 65536;
constexpr int max_reads_a_turn = 4;

SocketAddress socket_address(const StreamAddress& address) {
  if (const auto* endpoint = std::get_if<Endpoint>(&address)) return from_endpoint(*endpoint);
  return from_path(std::get<UnixPath>(address).path);
}

Endpoint name_of(int fd, int (*ask)(int, sockaddr*, socklen_t*)) {
  SocketAddress address;
  address.size = sizeof address.storage;
  return ask(fd, address.get(), &address.size) == 0 ? to_endpoint(address.storage) : Endpoint{};
}

void set_flag(int fd, int level, int name) {
  const int one = 1;
  (void)::setsockopt(fd, level, name, &one, sizeof one); // a pipe or a UNIX socket refuses, and needs none
}

} // namespace

std::string to_string(const StreamAddress& address) {
  if (const auto* endpoint = std::get_if<Endpoint>(&address)) return "tcp:" + endpoint->to_string();
  return "unix:" + std::get<UnixPath>(address).path;
}

std::optional<Endpoint> resolve(std::string_view host_and_port, std::optional<std::uint16_t> default_port) {
  if (const auto endpoint = Endpoint::parse(host_and_port)) return endpoint;
  if (default_port) {
    if (const auto ip = IpAddress::parse(host_and_port)) return Endpoint{*ip, *default_port};
  }
  std::string_view host = host_and_port;
  std::optional<std::uint16_t> port = default_port;
  if (const std::size_t colon = host_and_port.rfind(':'); colon != std::string_view::npos) {
    host = host_and_port.substr(0, colon);
    port = ascii::to_number<std::uint16_t>(host_and_port.substr(colon + 1));
  }
  if (host.empty() || !port) return std::nullopt;
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(std::string(host).c_str(), nullptr, &hints, &found) != 0) return std::nullopt;
  std::optional<Endpoint> out;
  for (const addrinfo* a = found; a; a = a->ai_next) {
    // IPv4 first: "localhost" then means what softphones take it for.
    if (a->ai_family != AF_INET && (out || a->ai_family != AF_INET6)) continue;
    sockaddr_storage storage{};
    std::copy_n(static_cast<const char*>(static_cast<const void*>(a->ai_addr)), a->ai_addrlen,
                static_cast<char*>(static_cast<void*>(&storage)));
    out = Endpoint{to_endpoint(storage).ip, *port};
    if (a->ai_family == AF_INET) break;
  }
  ::freeaddrinfo(found);
  return out;
}

std::optional<StreamAddress> parse_stream_address(std::string_view text) {
  if (text.starts_with("unix:")) {
    std::string path(text.substr(5));
    if (from_path(path).size == 0) return std::nullopt;
    return UnixPath{std::move(path)};
  }
  if (!text.starts_with("tcp:")) return std::nullopt;
  const auto endpoint = resolve(text.substr(4), std::nullopt);
  if (!endpoint) return std::nullopt;
  return *endpoint;
}

// --- Connection

Connection::Connection(Loop& loop, Fd fd, std::size_t max_queue)
    : loop_(loop), fd_(std::move(fd)), max_queue_(max_queue) {}

Connection::~Connection() = default;

std::shared_ptr<Connection> Connection::adopt(Loop& loop, Fd fd, std::size_t max_queue) {
  ::fcntl(fd.get(), F_SETFL, ::fcntl(fd.get(), F_GETFL) | O_NONBLOCK);
  set_flag(fd.get(), IPPROTO_TCP, TCP_NODELAY);
  auto connection = std::make_shared<Connection>(loop, std::move(fd), max_queue);
  connection->peer_ = name_of(connection->fd_.get(), ::getpeername);
  connection->local_ = name_of(connection->fd_.get(), ::getsockname);
  return connection;
}

void Connection::start(Handlers handlers) {
  handlers_ = std::make_shared<Handlers>(std::move(handlers));
  update_watch();
}

void Connection::pause_reading(bool pause) {
  paused_ = pause;
  update_watch();
}

void Connection::update_watch() {
  if (!fd_ || !handlers_) return;
  const bool read = !paused_ && !closing_;
  const bool write = queued() > 0;
  if (!read && !write) { // an error would be reported all the same, again and again
    watch_.reset();
    return;
  }
  if (!watch_) {
    // The watch does not keep the connection alive: it goes with its last owner.
    watch_ = Watch(loop_, fd_.get(), [self = weak_from_this()](Watch::Ready ready) {
      if (const auto connection = self.lock()) connection->ready(ready);
    });
  }
  watch_.want(read, write);
}

void Connection::ready(Watch::Ready ready) {
  if (ready.write && queued() > 0) flush();
  // The far end of a pipe that we only write to shows as an error: reading says which.
  if (!ready.read || !fd_) return;
  const auto handlers = handlers_;         // a callback may close the connection
  std::array<std::byte, read_size> buffer; // NOLINT(cppcoreguidelines-pro-type-member-init): read() fills it
  for (int round = 0; round < max_reads_a_turn && fd_ && !paused_ && !closing_; ++round) {
    const ssize_t count = ::read(fd_.get(), buffer.data(), buffer.size());
    if (count > 0) {
      if (handlers->data) handlers->data(Bytes(buffer).first(static_cast<std::size_t>(count)));
      if (static_cast<std::size_t>(count) < buffer.size()) break;
    } else if (count == 0) {
      return fail(0);
    } else if (errno == EBADF) { // a pipe that is only written to: EPOLLERR means that its reader has gone
      return fail(EPIPE);
    } else if (errno == EINTR) {
      continue;
    } else if (errno == EAGAIN) {
      break;
    } else {
      return fail(errno);
    }
  }
}

bool Connection::write(Bytes bytes) {
  if (!fd_ || closing_ || deaf_ || queued() + bytes.size() > max_queue_) return false;
  if (queued() == 0) { // most writes go out at once and never touch the queue
    ssize_t count = 0;
    do {
      count = ::write(fd_.get(), bytes.data(), bytes.size());
    } while (count < 0 && errno == EINTR);
    if (count > 0) bytes = bytes.subspan(static_cast<std::size_t>(count));
    if (count < 0 && errno != EAGAIN) {
      give_up_writing();
      return false;
    }
    if (bytes.empty()) return true;
  }
  queue_.insert(queue_.end(), bytes.begin(), bytes.end());
  update_watch();
  return true;
}

void Connection::flush() {
  while (queued() > 0) {
    const ssize_t count = ::write(fd_.get(), queue_.data() + queue_head_, queued());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) break;
    if (count < 0) return give_up_writing();
    queue_head_ += static_cast<std::size_t>(count);
  }
  if (queued() == 0) {
    queue_.clear();
    queue_head_ = 0;
    if (closing_) return close();
    update_watch();
    const auto handlers = handlers_;
    if (handlers->drained) handlers->drained();
    return;
  }
  if (queue_head_ > max_queue_ / 2) { // what was written must not pile up before a slow reader
    queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(queue_head_));
    queue_head_ = 0;
  }
  update_watch();
}

// The peer takes nothing more. What it said before it went is still to be read, and the end of that is the
// end of the connection.
void Connection::give_up_writing() {
  deaf_ = true;
  queue_.clear();
  queue_head_ = 0;
  if (closing_) return close();
  update_watch();
}

void Connection::fail(int error) {
  if (!fd_) return;
  const auto keep = shared_from_this();
  const auto handlers = handlers_;
  close();
  if (handlers && handlers->closed) handlers->closed(error);
}

void Connection::close() {
  if (!fd_) return;
  watch_.reset();
  fd_.reset();
  linger_.reset();
  queue_.clear();
  queue_head_ = 0;
  handlers_.reset();
}

void Connection::close_when_drained(Time deadline) {
  if (!fd_) return;
  if (queued() == 0) return close();
  closing_ = true;
  // Whoever lets go of the connection now still has the rest delivered: the timer keeps it.
  linger_.emplace(loop_, [self = shared_from_this()] { self->close(); });
  linger_->at(deadline);
  if (!handlers_) start({});
  update_watch();
}

// --- Listener

struct Listener::Impl : std::enable_shared_from_this<Listener::Impl> {
  Impl(Loop& owner, Fd socket, Accept callback, log::Sink sink, std::size_t queue)
      : loop(owner),
        fd(std::move(socket)),
        accept(std::move(callback)),
        log(std::move(sink)),
        max_queue(queue) {}

  void readable() {
    const auto keep = shared_from_this();
    for (int i = 0; i < 64 && fd; ++i) {
      Fd peer(::accept4(fd.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (peer) {
        accept(Connection::adopt(loop, std::move(peer), max_queue));
        continue;
      }
      if (errno == EINTR || errno == ECONNABORTED) continue;
      if (errno != EAGAIN) out_of(errno);
      return;
    }
  }

  // EMFILE, ENFILE, ENOBUFS, ENOMEM: the connection stays in the backlog, and its readiness would come back
  // at once.
  void out_of(int error) {
    if (!complained && log) {
      log(log::Level::error, log::Line("accept.failed")
                                 .add("address", to_string(address))
                                 .add("error", SystemError{error, "accept"}.message())
                                 .add("retry_ms", 100)
                                 .str());
    }
    complained = true;
    watch.want(false, false);
    again.emplace(loop, [self = weak_from_this()] {
      const auto impl = self.lock();
      if (!impl || !impl->fd) return;
      impl->watch.want(true, false);
      impl->quiet->at(now() + std::chrono::seconds(10));
    });
    if (!quiet) {
      quiet.emplace(loop, [self = weak_from_this()] {
        if (const auto impl = self.lock()) impl->complained = false;
      });
    }
    again->at(now() + std::chrono::milliseconds(100));
  }

  Loop& loop;
  Fd fd;
  Watch watch;
  Accept accept;
  log::Sink log;
  std::size_t max_queue;
  StreamAddress address;
  std::optional<Timer> again; // resumes after a pause
  std::optional<Timer> quiet; // after ten seconds a new shortage is news again
  bool complained = false;
  std::string remove_path;
};

namespace {

// True if something answers at the path.
bool is_alive(const SocketAddress& address) {
  const Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return fd && ::connect(fd.get(), address.get(), address.size) == 0;
}

SysResult<> bind_to(int fd, const StreamAddress& address, const SocketAddress& raw) {
  if (::bind(fd, raw.get(), raw.size) == 0) return {};
  const auto* path = std::get_if<UnixPath>(&address);
  if (errno != EADDRINUSE || !path || path->path.front() == '@') return last_error("bind");
  struct stat status {};
  if (::stat(path->path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode) && !is_alive(raw) &&
      ::unlink(path->path.c_str()) == 0 && ::bind(fd, raw.get(), raw.size) == 0) {
    return {};
  }
  errno = EADDRINUSE;
  return last_error("bind");
}

} // namespace

SysResult<Listener> Listener::open(Loop& loop, const StreamAddress& address, const Options& options,
                                   Accept accept, log::Sink log) {
  const SocketAddress raw = socket_address(address);
  if (raw.size == 0) return tl::unexpected(SystemError{ENAMETOOLONG, "socket path"});
  const int family = raw.storage.ss_family;
  Fd fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return last_error("socket");
  if (family != AF_UNIX) {
    set_flag(fd.get(), SOL_SOCKET, SO_REUSEADDR);
    if (options.reuse_port) set_flag(fd.get(), SOL_SOCKET, SO_REUSEPORT);
    if (family == AF_INET6) set_flag(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY);
  }
  const auto* path = std::get_if<UnixPath>(&address);
  const bool on_disk = path && path->path.front() != '@';
  // The socket is born with its mode: a chmod afterwards would leave a moment in which others can connect.
  if (on_disk) (void)::fchmod(fd.get(), S_IRUSR | S_IWUSR);
  if (const auto bound = bind_to(fd.get(), address, raw); !bound) return tl::unexpected(bound.error());
  if (::listen(fd.get(), options.backlog) != 0) return last_error("listen");
  auto impl =
      std::make_shared<Impl>(loop, std::move(fd), std::move(accept), std::move(log), options.max_queue);
  impl->address = path ? address : StreamAddress(name_of(impl->fd.get(), ::getsockname));
  if (on_disk) impl->remove_path = path->path;
  impl->watch = Watch(loop, impl->fd.get(), [raw_impl = impl.get()](Watch::Ready) { raw_impl->readable(); });
  return Listener(std::move(impl));
}

StreamAddress Listener::local() const {
  return impl_->address;
}

Listener::Listener(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
Listener::Listener(Listener&&) noexcept = default;
Listener& Listener::operator=(Listener&& other) noexcept {
  if (this != &other) {
    close();
    impl_ = std::move(other.impl_);
  }
  return *this;
}
Listener::~Listener() {
  close();
}

void Listener::close() {
  if (!impl_) return;
  impl_->watch.reset();
  impl_->fd.reset();
  if (!impl_->remove_path.empty()) ::unlink(impl_->remove_path.c_str());
  impl_.reset();
}

// --- Connecting

struct Connecting::Impl : std::enable_shared_from_this<Connecting::Impl> {
  Impl(Loop& owner, Done callback, std::size_t queue)
      : loop(owner), done(std::move(callback)), max_queue(queue) {}

  void finish(int error) {
    if (!done) return;
    const auto keep = shared_from_this();
    const Done call = std::exchange(done, nullptr);
    watch.reset();
    timer.reset();
    if (error != 0) {
      fd.reset();
      call(tl::unexpected(SystemError{error, "connect"}));
    } else {
      call(Connection::adopt(loop, std::move(fd), max_queue));
    }
  }

  void writable() {
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
    finish(error);
  }

  Loop& loop;
  Fd fd;
  Watch watch;
  std::optional<Timer> timer;
  Done done;
  std::size_t max_queue;
};

Connecting::Connecting(Loop& loop, const StreamAddress& address, Time deadline, Done done,
                       std::size_t max_queue)
    : impl_(std::make_shared<Impl>(loop, std::move(done), max_queue)) {
  const std::weak_ptr<Impl> weak = impl_;
  const auto later = [&loop, weak](int error) {
    loop.post([weak, error] {
      if (const auto impl = weak.lock()) impl->finish(error);
    });
  };
  const SocketAddress raw = socket_address(address);
  impl_->fd = Fd(::socket(raw.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!impl_->fd) {
    later(errno);
    return;
  }
  if (::connect(impl_->fd.get(), raw.get(), raw.size) == 0) {
    later(0);
    return;
  }
  // A UNIX listener with a full backlog says EAGAIN, and then never that there is room: that is a refusal.
  if (errno != EINPROGRESS) {
    later(errno == EAGAIN ? ECONNREFUSED : errno);
    return;
  }
  impl_->timer.emplace(loop, [weak] {
    if (const auto impl = weak.lock()) impl->finish(ETIMEDOUT);
  });
  impl_->timer->at(deadline);
  impl_->watch = Watch(loop, impl_->fd.get(), [weak](Watch::Ready ready) {
    const auto impl = weak.lock();
    if (impl && ready.write) impl->writable();
  });
  impl_->watch.want(false, true);
}

Connecting::Connecting(Connecting&&) noexcept = default;
Connecting& Connecting::operator=(Connecting&&) noexcept = default;
Connecting::~Connecting() = default;

} // namespace talky::net
