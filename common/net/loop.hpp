// The event loop: one thread, its sockets, its timers. It stands on Boost.Asio's io_context, which stays
// hidden in loop.cpp (and, for common/http, in loop_asio.hpp); everything else of common/net is plain
// system calls on top of Watch. All of a loop's objects are used on its thread, and only post() and stop()
// may be called from another.
//
//     net::Loop loop;
//     net::Timer timer(loop, [&] { fmt::print("a second has passed\n"); loop.stop(); });
//     timer.at(net::now() + std::chrono::seconds(1));
//     loop.run();
#pragma once
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>

#include "core/time.hpp"

namespace talky::net {

// CLOCK_MONOTONIC in microseconds: the `now` that the rim passes to the cores.
Time now();
// Microseconds since 1970, for the names and the time stamps of records. Never for a deadline.
std::int64_t wall_clock_us();

class Loop {
 public:
  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  void run();                                                                   // until stop()
  void stop();                                                                  // from any thread
  void post(std::function<void()> task);                                        // from any thread
  void on_signal(std::initializer_list<int> signals, std::function<void(int)>); // once a loop

  // Calls the watches whose descriptors are ready now, and does not wait. For a timer's callback that must
  // not overtake input that came before it: after a stall both are ready, and it is chance which is served
  // first. From inside a watch's callback it does nothing.
  void read_ready();
  // From inside a watch's callback that has not read until there was nothing more: read_ready() calls it once
  // more.
  void look_again();

  // Owns an object that has something to finish when nobody else holds it any more, until let_go() or the
  // loop's own end. Kept twice is kept once.
  void keep(std::shared_ptr<void> object);
  void let_go(const void* object); // may destroy it; nothing if it is not kept

  struct Impl;
  Impl& impl() { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

// One shot, set again at will. Destroying it cancels it; the callback may destroy the timer.
class Timer {
 public:
  Timer(Loop& loop, std::function<void()> callback);
  ~Timer();
  Timer(Timer&&) noexcept;
  Timer& operator=(Timer&&) noexcept;

  void at(Time when); // a time that has passed means: as soon as possible
  void cancel();
  bool armed() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

// Readiness of one non-blocking file descriptor, level-triggered: the callback comes again as long as there
// is something to read (or room to write). All watches of a loop share one epoll set. The descriptor belongs
// to the caller and must outlive the watch; the callback may destroy the watch.
class Watch {
 public:
  struct Ready {
    bool read = false;  // data, end of stream or an error
    bool write = false; // room, or an error
  };
  Watch() = default;
  Watch(Loop& loop, int fd, std::function<void(Ready)> callback); // reading is on
  ~Watch() { reset(); }
  Watch(Watch&& other) noexcept;
  Watch& operator=(Watch&& other) noexcept;

  void want(bool read, bool write);
  void reset();
  explicit operator bool() const { return loop_ != nullptr; }

 private:
  Loop* loop_ = nullptr;
  std::uint64_t id_ = 0;
  bool read_ = true;
  bool write_ = false;
};

} // namespace talky::net
