// Streams that go out.
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "net/socket_address.hpp"
#include "net/stream.hpp"

namespace talky::net {

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
  const detail::SocketAddress raw = detail::from_stream_address(address);
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
