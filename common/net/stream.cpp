#include "net/stream.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "net/socket_address.hpp"

namespace talky::net {
namespace {

constexpr std::size_t kReadSize = 65536;
constexpr int kMaxReadsATurn = 4;

} // namespace

Connection::Connection(Loop& loop, Fd fd, std::size_t max_queue)
    : loop_(loop), fd_(std::move(fd)), max_queue_(max_queue) {}

Connection::~Connection() = default;

std::shared_ptr<Connection> Connection::adopt(Loop& loop, Fd fd, std::size_t max_queue) {
  ::fcntl(fd.get(), F_SETFL, ::fcntl(fd.get(), F_GETFL) | O_NONBLOCK);
  detail::set_flag(fd.get(), IPPROTO_TCP, TCP_NODELAY);
  auto connection = std::make_shared<Connection>(loop, std::move(fd), max_queue);
  connection->peer_ = detail::name_of(connection->fd_.get(), ::getpeername);
  connection->local_ = detail::name_of(connection->fd_.get(), ::getsockname);
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
  const bool read = closing_ ? half_closed_ : !paused_;
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
  if (closing_) return pass_over();
  const auto handlers = handlers_;         // a callback may close the connection
  std::array<std::byte, kReadSize> buffer; // NOLINT(cppcoreguidelines-pro-type-member-init): read() fills it
  for (int round = 0; round < kMaxReadsATurn && fd_ && !paused_ && !closing_; ++round) {
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
  if (!fd_ || closing_ || write_failed_ || queued() + bytes.size() > max_queue_) return false;
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
    if (closing_) return end_writing();
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
  write_failed_ = true;
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
  if (closing_) loop_.let_go(this); // perhaps the end of this object
}

void Connection::close_when_drained(Time deadline) {
  if (!fd_ || closing_) return;
  closing_ = true;
  loop_.keep(shared_from_this()); // whoever lets go of the connection now still has the rest delivered
  linger_.emplace(loop_, [this] { close(); });
  linger_->at(deadline);
  if (!handlers_) start({});
  if (queued() == 0) return end_writing();
  update_watch();
}

void Connection::end_writing() {
  if (write_failed_ || ::shutdown(fd_.get(), SHUT_WR) != 0)
    return close(); // a pipe has no other side to wait for
  half_closed_ = true;
  update_watch();
}

void Connection::pass_over() {
  std::array<std::byte, kReadSize> buffer; // NOLINT(cppcoreguidelines-pro-type-member-init): read() fills it
  for (int round = 0; half_closed_ && round < kMaxReadsATurn; ++round) {
    const ssize_t count = ::read(fd_.get(), buffer.data(), buffer.size());
    if (count > 0) continue;
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    return close();
  }
}

} // namespace talky::net
