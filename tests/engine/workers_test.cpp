#include "engine/workers.hpp"

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <future>
#include <memory>
#include <optional>
#include <string>

#include "core/random.hpp"

namespace talky::engine {
namespace {

// Holds a worker until it is let go.
class Gate {
 public:
  void wait() { open_.get_future().wait(); }
  void open() { open_.set_value(); }

 private:
  std::promise<void> open_;
};

// Waits for all jobs submitted to the lane so far.
void finish(Workers::Lane& lane, Workers::JobId id = 1'000'000) {
  std::promise<void> done;
  REQUIRE(lane.submit(id, [&](const std::stop_token&) { done.set_value(); }));
  done.get_future().wait();
}

TEST_CASE("the jobs of a lane run one at a time and in order, on however many threads") {
  Workers workers({.threads = 4, .waiting = 1000});
  Workers::Lane lane(workers, 500);
  std::vector<int> order; // not guarded: one at a time is the claim
  std::atomic<int> running = 0;
  bool alone = true;
  for (int i = 0; i < 300; ++i) {
    REQUIRE(lane.submit(static_cast<Workers::JobId>(i), [&, i](const std::stop_token&) {
      if (++running != 1) alone = false;
      order.push_back(i);
      --running;
    }));
  }
  finish(lane);
  CHECK(alone);
  REQUIRE(order.size() == 300);
  for (int i = 0; i < 300; ++i)
    CHECK(order[static_cast<std::size_t>(i)] == i);
}

TEST_CASE("a lane with much work does not delay another by more than one job") {
  Workers workers({.threads = 1, .waiting = 100});
  Workers::Lane busy(workers, 50), quiet(workers, 50);
  Gate gate;
  std::string order; // one thread
  REQUIRE(busy.submit(0, [&](const std::stop_token&) { gate.wait(); }));
  for (Workers::JobId i = 1; i <= 20; ++i)
    REQUIRE(busy.submit(i, [&](const std::stop_token&) { order += 'b'; }));
  for (Workers::JobId i = 1; i <= 3; ++i)
    REQUIRE(quiet.submit(i, [&](const std::stop_token&) { order += 'q'; }));
  gate.open();
  finish(busy);
  CHECK(order.size() == 23);
  // They alternate while both have work; the busy lane's turn may come first.
  CHECK(order.substr(0, 6).find("bb") == std::string::npos);
  CHECK(order.find_last_of('q') <= 6);
}

TEST_CASE("bounds: of a lane, and of all together") {
  Workers workers({.threads = 1, .waiting = 5});
  Workers::Lane first(workers, 3), second(workers, 3);
  Gate gate;
  std::promise<void> begun;
  REQUIRE(first.submit(0, [&](const std::stop_token&) {
    begun.set_value();
    gate.wait();
  }));
  begun.get_future().wait();
  const auto nothing = [](const std::stop_token&) {};
  for (Workers::JobId i = 1; i <= 3; ++i)
    CHECK(first.submit(i, nothing));
  CHECK_FALSE(first.submit(4, nothing)); // the lane is full
  CHECK(second.submit(1, nothing));
  CHECK(second.submit(2, nothing));
  CHECK_FALSE(second.submit(3, nothing)); // all is full
  CHECK(workers.waiting() == 5);
  first.cancel(2);
  CHECK(workers.waiting() == 4);
  CHECK(second.submit(3, nothing));
  gate.open();
  while (workers.waiting() > 0)
    std::this_thread::yield();
  finish(first);
  finish(second);
}

TEST_CASE("cancel: a waiting job never runs and lets go of what it holds; a running one is asked to stop") {
  Workers workers({.threads = 1, .waiting = 10});
  Workers::Lane lane(workers, 10);
  std::promise<void> begun;
  std::promise<bool> stopped;
  REQUIRE(lane.submit(1, [&](const std::stop_token& stop) {
    std::promise<void> asked;
    const std::stop_callback callback(stop, [&] { asked.set_value(); });
    begun.set_value();
    asked.get_future().wait();
    stopped.set_value(stop.stop_requested());
  }));
  begun.get_future().wait();
  const auto held = std::make_shared<int>(1);
  bool ran = false;
  REQUIRE(lane.submit(2, [&, held](const std::stop_token&) { ran = true; }));
  CHECK(held.use_count() == 2);
  lane.cancel(2);
  CHECK(held.use_count() == 1);
  lane.cancel(99); // unknown: nothing
  lane.cancel(1);
  CHECK(stopped.get_future().get());
  finish(lane);
  CHECK_FALSE(ran);
}

TEST_CASE("a lane that goes drops its jobs, stops the running one and does not wait for it") {
  Workers workers({.threads = 2, .waiting = 10});
  Gate gate;
  std::promise<void> begun, ended;
  bool dropped_ran = false;
  {
    Workers::Lane lane(workers, 10);
    REQUIRE(lane.submit(1, [&](const std::stop_token& stop) {
      begun.set_value();
      gate.wait(); // goes on after its lane has gone
      if (stop.stop_requested()) ended.set_value();
    }));
    begun.get_future().wait();
    REQUIRE(lane.submit(2, [&](const std::stop_token&) { dropped_ran = true; }));
  }
  CHECK(workers.waiting() == 0);
  gate.open();
  ended.get_future().wait();
  Workers::Lane another(workers, 10);
  finish(another);
  CHECK_FALSE(dropped_ran);
}

TEST_CASE("the workers go with jobs waiting and running") {
  std::promise<void> begun;
  std::atomic<int> ran = 0;
  {
    std::optional<Workers> workers(std::in_place, Workers::Limits{.threads = 1, .waiting = 10});
    // The lane outlives its last use, but not the workers.
    auto lane = std::make_unique<Workers::Lane>(*workers, 10);
    REQUIRE(lane->submit(1, [&](const std::stop_token& stop) {
      begun.set_value();
      while (!stop.stop_requested())
        std::this_thread::yield();
      ++ran;
    }));
    begun.get_future().wait();
    REQUIRE(lane->submit(2, [&](const std::stop_token&) { ++ran; }));
    lane.reset();
    workers.reset();
  }
  CHECK(ran == 1);
}

TEST_CASE("many lanes come and go on several threads, and every job either runs or is dropped") {
  std::atomic<int> alive = 0; // jobs that exist, their copies included
  struct Counted {
    explicit Counted(std::atomic<int>& counter) : count(counter) { ++count; }
    Counted(const Counted& other) : count(other.count) { ++count; }
    Counted& operator=(const Counted&) = delete;
    ~Counted() { --count; }
    std::atomic<int>& count;
  };
  {
    Workers workers({.threads = 3, .waiting = 64});
    const auto drive = [&](std::uint64_t seed) {
      Random random(seed);
      std::array<std::unique_ptr<Workers::Lane>, 4> lanes;
      for (Workers::JobId step = 100; step < 5100; ++step) {
        auto& lane = lanes[random.below(lanes.size())];
        switch (random.below(8)) {
          case 0: lane.reset(); break;
          case 1:
            if (lane) lane->cancel(step - random.below(20));
            break;
          default:
            if (!lane) lane = std::make_unique<Workers::Lane>(workers, 4);
            lane->submit(step, [counted = Counted(alive)](const std::stop_token&) {});
        }
      }
    };
    std::thread first(drive, 1), second(drive, 2);
    first.join();
    second.join();
    CHECK(workers.waiting() == 0); // with the lanes went their jobs
    Workers::Lane last(workers, 4);
    finish(last); // and the workers still work
  }
  CHECK(alive == 0);
}

} // namespace
} // namespace talky::engine
