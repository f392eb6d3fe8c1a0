// Sources that guess passwords: how long they are refused, and how often that is reported.
#include "call/guess_guard.hpp"

#include <doctest/doctest.h>

#include <chrono>

using namespace talky;
using namespace talky::call;
using namespace std::chrono_literals;

namespace {

const IpAddress kGuesser = IpAddress::v4(192, 0, 2, 66);
const IpAddress kOther = IpAddress::v4(192, 0, 2, 7);

Time at(Duration since) {
  return Time{Duration{1h} + since};
}

void guess(GuessGuard& guard, int times, Time now) {
  for (int i = 0; i < times; ++i)
    guard.wrong(kGuesser, now);
}

} // namespace

TEST_CASE("ten wrong passwords within a minute: banned for a minute, then for two") {
  GuessGuard guard;
  guess(guard, 9, at(0s));
  CHECK_FALSE(guard.is_banned(kGuesser, at(1s)));
  guess(guard, 1, at(1s));
  CHECK(guard.is_banned(kGuesser, at(1s)));
  CHECK_FALSE(guard.is_banned(kOther, at(1s)));
  guess(guard, 1'000, at(30s)); // not looked at: they do not make it longer
  CHECK(guard.is_banned(kGuesser, at(60s)));
  CHECK_FALSE(guard.is_banned(kGuesser, at(61s)));
  guess(guard, 10, at(62s));
  CHECK(guard.is_banned(kGuesser, at(62s + 119s)));
  CHECK_FALSE(guard.is_banned(kGuesser, at(62s + 120s)));
}

TEST_CASE("a ban has a longest time") {
  GuessGuard guard;
  Time now = at(0s);
  for (int i = 0; i < 40; ++i) {
    guess(guard, 10, now);
    REQUIRE(guard.is_banned(kGuesser, now));
    CHECK_FALSE(guard.is_banned(kGuesser, now + 1h));
    now += 1h;
  }
}

TEST_CASE("a phone with an old password that tries once in a while is not banned, nor who gets it right") {
  GuessGuard guard;
  for (int i = 0; i < 100; ++i) {
    guess(guard, 1, at(i * 10s));
    CHECK_FALSE(guard.is_banned(kGuesser, at(i * 10s)));
  }
  for (int i = 0; i < 100; ++i) {
    guess(guard, 5, at(2000s + i * 1s));
    guard.right(kGuesser);
    CHECK_FALSE(guard.is_banned(kGuesser, at(2000s + i * 1s)));
  }
}

TEST_CASE("one line a source and second, which counts the others") {
  GuessGuard guard;
  CHECK(guard.wrong(kGuesser, at(0ms)) == 1);
  int lines = 0;
  for (int ms = 1; ms < 1000; ++ms)
    lines += guard.wrong(kGuesser, at(ms * 1ms)).has_value() ? 1 : 0;
  CHECK(lines == 0);
  CHECK(guard.wrong(kOther, at(500ms)) == 1);
  CHECK(guard.wrong(kGuesser, at(1000ms)) == 1000);
}

TEST_CASE("a stream of forged sources does not fill the memory") {
  GuessGuard::Config config;
  config.max_sources = 100;
  GuessGuard guard(config);
  guess(guard, 10, at(0s));
  for (unsigned i = 0; i < 99; ++i)
    guard.wrong(IpAddress::v4(10, 0, 0, static_cast<std::uint8_t>(i)), at(1s));
  CHECK(guard.is_banned(kGuesser, at(1s)));
  guard.wrong(kOther, at(2s));
  CHECK_FALSE(guard.is_banned(kGuesser, at(2s))); // the one that had been quiet for longest
}
