// Streams that come in.
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "net/socket_address.hpp"
#include "net/stream.hpp"

namespace talky::net {

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
bool is_alive(const detail::SocketAddress& address) {
  const Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return fd && ::connect(fd.get(), address.get(), address.size) == 0;
}

SysResult<> bind_to(int fd, const StreamAddress& address, const detail::SocketAddress& raw) {
  if (::bind(fd, raw.get(), raw.size) == 0) return {};
  const auto* path = std::get_if<UnixPath>(&address);
  if (errno != EADDRINUSE || !path || path->path.front() == '@') return last_error("bind");
  struct stat status {};
  if (::stat(path->path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode) && !is_alive(raw) &&
      ::unlink(path->path.c_str()) == 0 && ::bind(fd, raw.get(), raw.size) == 0) {
    return {};
  }
  return tl::unexpected(SystemError{EADDRINUSE, "bind"});
}

} // namespace

SysResult<Listener> Listener::open(Loop& loop, const StreamAddress& address, const Options& options,
                                   Accept accept, log::Sink log) {
  const detail::SocketAddress raw = detail::from_stream_address(address);
  if (raw.size == 0) return tl::unexpected(SystemError{ENAMETOOLONG, "socket path"});
  const int family = raw.storage.ss_family;
  Fd fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return last_error("socket");
  if (family != AF_UNIX) {
    detail::set_flag(fd.get(), SOL_SOCKET, SO_REUSEADDR);
    if (options.reuse_port) detail::set_flag(fd.get(), SOL_SOCKET, SO_REUSEPORT);
    if (family == AF_INET6) detail::set_flag(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY);
  }
  const auto* path = std::get_if<UnixPath>(&address);
  const bool on_disk = path && path->path.front() != '@';
  // The socket is born with its mode: a chmod afterwards would leave a moment in which others can connect.
  if (on_disk) (void)::fchmod(fd.get(), S_IRUSR | S_IWUSR);
  if (const auto bound = bind_to(fd.get(), address, raw); !bound) return tl::unexpected(bound.error());
  if (::listen(fd.get(), options.backlog) != 0) return last_error("listen");
  auto impl =
      std::make_shared<Impl>(loop, std::move(fd), std::move(accept), std::move(log), options.max_queue);
  impl->address = path ? address : StreamAddress(detail::name_of(impl->fd.get(), ::getsockname));
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

} // namespace talky::net
