#include "net/loop.hpp"

#include <sys/epoll.h>
#include <ctime>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <stdexcept>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <vector>

#include "net/fd.hpp"
#include "net/loop_asio.hpp"

namespace talky::net {

namespace asio = boost::asio;

namespace {

std::int64_t clock_us(clockid_t clock) {
  timespec ts{};
  ::clock_gettime(clock, &ts);
  return static_cast<std::int64_t>(ts.tv_sec) * 1'000'000 + ts.tv_nsec / 1000;
}

Fd make_epoll() {
  Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) throw std::system_error(errno, std::generic_category(), "epoll_create1");
  return epoll;
}

std::uint32_t epoll_mask(bool read, bool write) {
  return (read ? static_cast<std::uint32_t>(EPOLLIN | EPOLLRDHUP) : 0u) |
         (write ? static_cast<std::uint32_t>(EPOLLOUT) : 0u);
}

} // namespace

Time now() {
  return Time(Duration(clock_us(CLOCK_MONOTONIC)));
}

std::int64_t wall_clock_us() {
  return clock_us(CLOCK_REALTIME);
}

// The watches share one epoll set, which Asio sees as a single descriptor: Asio's own readiness wait costs a
// system call for each socket and packet to be armed again, this one a single call for all that is ready.
struct Loop::Impl {
  struct Entry {
    std::uint64_t id;
    int fd;
    std::function<void(Watch::Ready)> callback;
  };

  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
  asio::posix::stream_descriptor epoll{context, make_epoll().release()};
  asio::signal_set signals{context};
  std::function<void(int)> signal_callback;
  // A watch's id is the place of its entry here, and in the upper half which of those that have been there it
  // is.
  std::vector<std::shared_ptr<Entry>> entries;
  std::vector<std::size_t> free_places;
  std::unordered_map<const void*, std::shared_ptr<void>> kept;
  std::uint64_t last_round = 0;
  bool dispatching = false;
  bool look_again = false;
  static constexpr int kMaxRounds = 8;
  static constexpr unsigned kPlaceBits = 24; // more descriptors than a process may have
  static constexpr std::uint64_t kPlaceMask = (std::uint64_t{1} << kPlaceBits) - 1;

  Impl() { wait(); }

  void wait() {
    epoll.async_wait(asio::posix::stream_descriptor::wait_read,
                     [this](const boost::system::error_code& error) {
                       if (error) return;
                       read_ready(false);
                       wait();
                     });
  }

  std::uint64_t add(int fd, std::function<void(Watch::Ready)> callback) {
    if (free_places.empty()) {
      free_places.push_back(entries.size());
      entries.emplace_back();
    }
    const std::size_t place = free_places.back();
    const std::uint64_t id = ++last_round << kPlaceBits | place;
    epoll_event event{};
    event.events = epoll_mask(true, false);
    event.data.u64 = id;
    if (::epoll_ctl(epoll.native_handle(), EPOLL_CTL_ADD, fd, &event) != 0) {
      throw std::system_error(errno, std::generic_category(), "epoll_ctl"); // no memory, or a plain file
    }
    free_places.pop_back();
    entries[place] = std::make_shared<Entry>(Entry{id, fd, std::move(callback)});
    return id;
  }

  const std::shared_ptr<Entry>& entry_of(std::uint64_t id) const { return entries[id & kPlaceMask]; }

  void remove(std::uint64_t id) {
    ::epoll_ctl(epoll.native_handle(), EPOLL_CTL_DEL, entry_of(id)->fd, nullptr);
    const auto last = std::exchange(entries[id & kPlaceMask], nullptr);
    free_places.push_back(id & kPlaceMask);
  }

  // `whole`: until those that look_again() have nothing more to read, too.
  void read_ready(bool whole) {
    if (dispatching) return;
    dispatching = true;
    // After a stall more may be ready than one call reports; what has been reported goes to the end of the
    // kernel's list.
    for (int round = 0; round < kMaxRounds; ++round) {
      look_again = false;
      if (!dispatch() && !(whole && look_again)) break;
    }
    dispatching = false;
  }

  // False if everything that was ready has had its turn.
  bool dispatch() {
    std::array<epoll_event, 256> events{};
    const int count = ::epoll_wait(epoll.native_handle(), events.data(), static_cast<int>(events.size()), 0);
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      const std::shared_ptr<Entry> entry = entry_of(event.data.u64); // the callback may destroy the watch
      if (!entry || entry->id != event.data.u64) continue; // an earlier callback of this batch removed it
      const bool broken = (event.events & (EPOLLERR | EPOLLHUP)) != 0;
      entry->callback({.read = broken || (event.events & (EPOLLIN | EPOLLRDHUP)) != 0,
                       .write = broken || (event.events & EPOLLOUT) != 0});
    }
    return count == static_cast<int>(events.size());
  }

  void wait_signal() {
    signals.async_wait([this](const boost::system::error_code& error, int number) {
      if (error) return;
      wait_signal();
      signal_callback(number);
    });
  }
};

Loop::Loop() : impl_(std::make_unique<Impl>()) {}
Loop::~Loop() {
  const auto kept = std::exchange(impl_->kept, {}); // their watches and timers need the loop as they go
}

void Loop::run() {
  impl_->context.restart();
  impl_->context.run();
}

void Loop::stop() {
  impl_->context.stop();
}

asio::io_context& context_of(Loop& loop) {
  return loop.impl().context;
}

void Loop::post(std::function<void()> task) {
  asio::post(impl_->context, std::move(task));
}

void Loop::read_ready() {
  impl_->read_ready(true);
}

void Loop::look_again() {
  impl_->look_again = true;
}

void Loop::keep(std::shared_ptr<void> object) {
  const void* key = object.get();
  impl_->kept.emplace(key, std::move(object));
}

void Loop::let_go(const void* object) {
  const auto last = impl_->kept.extract(object); // what it does as it goes finds the map in order
}

void Loop::on_signal(std::initializer_list<int> signals, std::function<void(int)> callback) {
  for (const int number : signals)
    impl_->signals.add(number);
  impl_->signal_callback = std::move(callback);
  impl_->wait_signal();
}

struct Timer::Impl : std::enable_shared_from_this<Timer::Impl> {
  Impl(asio::io_context& context, std::function<void()> function)
      : timer(context), callback(std::move(function)) {}

  void start() {
    timer.async_wait([self = weak_from_this(), round = round](const boost::system::error_code& error) {
      const auto impl = self.lock();
      if (error || !impl || impl->round != round) return;
      impl->armed = false;
      impl->callback();
    });
  }

  asio::steady_timer timer;
  std::function<void()> callback;
  std::uint64_t round = 0; // a callback that was already queued when the timer was set again is not for us
  bool armed = false;
};

Timer::Timer(Loop& loop, std::function<void()> callback)
    : impl_(std::make_shared<Impl>(loop.impl().context, std::move(callback))) {}
Timer::~Timer() {
  if (impl_) cancel();
}
Timer::Timer(Timer&&) noexcept = default;
Timer& Timer::operator=(Timer&& other) noexcept {
  if (this != &other) {
    if (impl_) cancel();
    impl_ = std::move(other.impl_);
  }
  return *this;
}

void Timer::at(Time when) {
  ++impl_->round;
  impl_->armed = true;
  // libstdc++'s steady_clock is CLOCK_MONOTONIC, as is now().
  impl_->timer.expires_at(std::chrono::steady_clock::time_point(when.time_since_epoch()));
  impl_->start();
}

void Timer::cancel() {
  if (!impl_->armed) return;
  ++impl_->round;
  impl_->armed = false;
  boost::system::error_code
      ignored; // as the documentation says, it cannot fail; this form cannot throw either
  impl_->timer.cancel(ignored);
}

bool Timer::armed() const {
  return impl_->armed;
}

Watch::Watch(Loop& loop, int fd, std::function<void(Ready)> callback)
    : loop_(&loop), id_(loop.impl().add(fd, std::move(callback))) {}

Watch::Watch(Watch&& other) noexcept
    : loop_(std::exchange(other.loop_, nullptr)), id_(other.id_), read_(other.read_), write_(other.write_) {}

Watch& Watch::operator=(Watch&& other) noexcept {
  if (this != &other) {
    reset();
    loop_ = std::exchange(other.loop_, nullptr);
    id_ = other.id_;
    read_ = other.read_;
    write_ = other.write_;
  }
  return *this;
}

void Watch::want(bool read, bool write) {
  if (!loop_ || (read == read_ && write == write_)) return;
  read_ = read;
  write_ = write;
  auto& impl = loop_->impl();
  epoll_event event{};
  event.events = epoll_mask(read, write);
  event.data.u64 = id_;
  ::epoll_ctl(impl.epoll.native_handle(), EPOLL_CTL_MOD, impl.entry_of(id_)->fd, &event);
}

void Watch::reset() {
  if (!loop_) return;
  std::exchange(loop_, nullptr)->impl().remove(id_);
}

} // namespace talky::net
