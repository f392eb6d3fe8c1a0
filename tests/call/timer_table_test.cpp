#include "call/timer_table.hpp"

#include <doctest/doctest.h>

using namespace talky;
using namespace talky::call;
using namespace std::chrono_literals;

TEST_CASE("the deadline is that of the earliest timer; none runs at first") {
  TimerTable timers;
  CHECK_FALSE(timers.deadline());
  CHECK_FALSE(timers.take(Time{24h}));
  timers.set(Timer::silence, Time{3s});
  timers.set(Timer::decide, Time{5s});
  CHECK(timers.deadline() == Time{3s});
  CHECK(timers.runs(Timer::silence));
  CHECK_FALSE(timers.due(Timer::silence, Time{2999ms}));
  CHECK(timers.due(Timer::silence, Time{3s}));
  timers.stop(Timer::silence);
  CHECK(timers.deadline() == Time{5s});
}

TEST_CASE("what is due is taken once, in the order of the names") {
  TimerTable timers;
  timers.set(Timer::last_word, Time{1s});
  timers.set(Timer::answer, Time{2s});
  timers.set(Timer::ring_again, Time{9s});
  CHECK_FALSE(timers.take(Time{500ms}));
  CHECK(timers.take(Time{2s}) == Timer::answer);
  CHECK(timers.take(Time{2s}) == Timer::last_word);
  CHECK_FALSE(timers.take(Time{2s}));
  CHECK(timers.deadline() == Time{9s});
}

TEST_CASE("all but one are stopped") {
  TimerTable timers;
  timers.set(Timer::referral_expires, Time{7s});
  timers.set(Timer::transfer, Time{1s});
  timers.stop_all_but(Timer::referral_expires);
  CHECK(timers.deadline() == Time{7s});
  CHECK_FALSE(timers.runs(Timer::transfer));
}
