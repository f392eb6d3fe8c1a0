#include "net/loop.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>
#include <csignal>

#include <array>
#include <memory>
#include <thread>
#include <vector>

#include "net/fd.hpp"

using namespace talky;
using namespace std::chrono_literals;

TEST_CASE("timers fire in order, once, and not before their time") {
  net::Loop loop;
  std::vector<int> order;
  const Time start = net::now();
  net::Timer late(loop, [&] {
    CHECK(net::now() >= start + 20ms);
    order.push_back(2);
    loop.stop();
  });
  net::Timer early(loop, [&] { order.push_back(1); });
  net::Timer never(loop, [&] { order.push_back(3); });
  late.at(start + 20ms);
  early.at(start + 5ms);
  never.at(start + 10ms);
  CHECK(never.armed());
  never.cancel();
  CHECK_FALSE(never.armed());
  loop.run();
  CHECK(order == std::vector<int>{1, 2});
  CHECK_FALSE(late.armed());
}

TEST_CASE("a timer that is set again fires at the new time only, and may destroy itself") {
  net::Loop loop;
  int fired = 0;
  auto timer = std::make_unique<net::Timer>(loop, [] {});
  net::Timer again(loop, [&] { ++fired; });
  again.at(net::now() - 1s); // due at once
  again.at(net::now() + 5ms);
  net::Timer end(loop, [&] { loop.stop(); });
  *timer = net::Timer(loop, [&] {
    timer.reset();
    end.at(net::now() + 20ms);
  });
  timer->at(net::now());
  loop.run();
  CHECK(fired == 1);
  CHECK(timer == nullptr);
}

TEST_CASE("tasks come from other threads, in order") {
  net::Loop loop;
  std::vector<int> got;
  std::thread other([&] {
    for (int i = 0; i < 100; ++i)
      loop.post([&got, i] { got.push_back(i); });
    loop.post([&] { loop.stop(); });
  });
  loop.run();
  other.join();
  REQUIRE(got.size() == 100);
  for (int i = 0; i < 100; ++i)
    CHECK(got[static_cast<std::size_t>(i)] == i);
}

TEST_CASE("a signal reaches the loop") {
  net::Loop loop;
  int got = 0;
  loop.on_signal({SIGUSR1}, [&](int number) {
    got = number;
    loop.stop();
  });
  loop.post([] { ::raise(SIGUSR1); });
  loop.run();
  CHECK(got == SIGUSR1);
}

TEST_CASE("a watch is level-triggered, and may be destroyed by a callback of the same turn") {
  std::array<int, 2> a{};
  std::array<int, 2> b{};
  REQUIRE(::pipe2(a.data(), O_NONBLOCK) == 0);
  REQUIRE(::pipe2(b.data(), O_NONBLOCK) == 0);
  const net::Fd keep[] = {net::Fd(a[0]), net::Fd(a[1]), net::Fd(b[0]), net::Fd(b[1])};
  net::Loop loop;
  int calls = 0;
  net::Watch first;
  net::Watch second;
  const auto one_of_them = [&](net::Watch& own, net::Watch& other, int fd) {
    return [&, fd](net::Watch::Ready ready) {
      CHECK(ready.read);
      other.reset();
      char c = 0;
      CHECK(::read(fd, &c, 1) == 1); // one byte of three: it is called again for the rest
      if (++calls == 3) {
        own.reset();
        loop.stop();
      }
    };
  };
  first = net::Watch(loop, a[0], one_of_them(first, second, a[0]));
  second = net::Watch(loop, b[0], one_of_them(second, first, b[0]));
  REQUIRE(::write(a[1], "abc", 3) == 3);
  REQUIRE(::write(b[1], "abc", 3) == 3);
  loop.run();
  CHECK(calls == 3);
}
