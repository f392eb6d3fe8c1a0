#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <array>
#include <optional>

#include "echo/echo_guard.hpp"
#include "echo/room.hpp"

using namespace talky;
using namespace talky::test;
using echo::DelayEstimator;
using echo::EchoGuard;
using echo::FrameView;
using echo::kFrame;

namespace {

constexpr std::array<std::int16_t, kFrame> kSilence{};

FrameView frame(const std::vector<std::int16_t>& x, std::size_t n) {
  return FrameView(x.data() + n * kFrame, kFrame);
}
FrameView before(const std::vector<std::int16_t>& x, std::size_t n) {
  return n == 0 ? FrameView(kSilence) : frame(x, n - 1);
}

// A call: what was sent, what the caller's side returns, and what of that is echo.
struct Call {
  std::vector<std::int16_t> sent, caller;
  Signal echo, near;
  std::size_t frames() const { return sent.size() / kFrame; }
};

Call make_call(Signal sent, Signal echo, Signal near, double hiss = 8, std::uint64_t seed = 1) {
  Call call;
  call.sent = through_line(sent);
  near.resize(sent.size());
  echo.resize(sent.size());
  const double seconds = static_cast<double>(sent.size()) / kRate;
  call.caller = through_line(echo + near + noise(seed, seconds, hiss));
  call.echo = std::move(echo);
  call.near = std::move(near);
  return call;
}

struct Heard {
  std::vector<std::int16_t> out;
  std::vector<bool> touched; // by frame
  std::vector<std::pair<std::size_t, echo::EchoMeasure>> news;
  std::optional<echo::EchoMeasure> at_end;
};

Heard run(EchoGuard& guard, const Call& call) {
  Heard heard;
  for (std::size_t n = 0; n < call.frames(); ++n) {
    const FrameView in = frame(call.caller, n);
    const FrameView out = guard.process(in, before(call.sent, n));
    heard.touched.push_back(out.data() != in.data());
    heard.out.insert(heard.out.end(), out.begin(), out.end());
    if (const auto news = guard.poll()) heard.news.emplace_back(n, *news);
  }
  heard.at_end = guard.measured();
  return heard;
}

Heard run(const Call& call) {
  EchoGuard guard(echo::Mode::automatic);
  return run(guard, call);
}

Signal to_signal(const std::vector<std::int16_t>& x) {
  return {x.begin(), x.end()};
}

// How much weaker the caller's side is behind the guard, in dB, where there is echo.
double removed(const Call& call, const Heard& heard, double from_s, double to_s) {
  const Signal in = to_signal(call.caller);
  const Signal out = to_signal(heard.out);
  double before_sum = 0;
  double after = 0;
  const auto end = std::min(call.caller.size(), static_cast<std::size_t>(to_s * kRate));
  for (auto at = static_cast<std::size_t>(from_s * kRate); at + kFrame <= end; at += kFrame) {
    if (power(call.echo, at, at + kFrame) < 100) continue;
    before_sum += power(in, at, at + kFrame);
    after += power(out, at, at + kFrame);
  }
  return db(before_sum, after);
}

double in_ms(Duration d) {
  return static_cast<double>(d.count()) / 1000;
}

} // namespace

TEST_CASE("an echo is found within 400 ms, at every level and delay, and its delay is right") {
  std::uint64_t seed = 0;
  for (const double level : {-10.0, -20.0, -30.0, -40.0}) {
    for (const double delay_ms : {0.0, 25.0, 60.0, 120.0, 250.0, 400.0, 500.0}) {
      CAPTURE(level);
      CAPTURE(delay_ms);
      const Signal sent = voice(++seed, 3, 2'500);
      // A frame is what passes at least between sending and hearing.
      const auto delay = kFrame + static_cast<std::size_t>(delay_ms * 16);
      const Call call = make_call(sent, Room(seed, level).hear(sent, delay), {}, 8, seed);
      const Heard heard = run(call);
      std::size_t began = 0;
      while (power(call.echo, began * kFrame, (began + 1) * kFrame) < 100)
        ++began;
      REQUIRE(heard.news.size() >= 1);
      CHECK(heard.news[0].second.cancelled);
      CHECK(heard.news[0].first - began <= 20);
      REQUIRE(heard.at_end);
      const double error = in_ms(heard.at_end->delay) - static_cast<double>(delay) / 16;
      CHECK(error >= -2);
      CHECK(error <= 15); // a reflection may be the loudest
      CHECK(std::abs(heard.at_end->level_db - level) <= 3.5);
    }
  }
}

TEST_CASE("what is found is taken away, as far as the line's own noise lets it be seen") {
  for (const auto& [level, least] : {std::pair{-10.0, 25.0}, {-20.0, 18.0}, {-30.0, 13.0}, {-40.0, 8.0}}) {
    for (std::uint64_t seed = 50; seed < 53; ++seed) {
      CAPTURE(level);
      CAPTURE(seed);
      const Signal sent = voice(seed, 6, 2'500);
      const Call call = make_call(sent, Room(seed, level).hear(sent, 3'000), {}, 8, seed);
      const Heard heard = run(call);
      CHECK(removed(call, heard, 1, 2) >= least);
      CHECK(removed(call, heard, 2, 6) >= least);
    }
  }
}

TEST_CASE("without an echo the caller's samples are the very same ones, whatever is said") {
  std::vector<Signal> people;
  for (std::uint64_t seed = 200; seed < 206; ++seed)
    people.push_back(voice(seed, 4, 2'500));
  rc::check("a call in turns, with noise", [&people] {
    const auto seed = *rc::gen::inRange<std::uint64_t>(1, 1'000'000);
    const double hiss = *rc::gen::inRange(0, 60);
    const double level = *rc::gen::inRange(200, 5'000);
    // The agent speaks for 2 s, then the caller for 1.3: later than any echo comes.
    Signal sent = people[seed % people.size()];
    Signal near = people[(seed + 1 + seed / people.size() % (people.size() - 1)) % people.size()];
    for (double& sample : near)
      sample *= level / 2'500.0;
    for (std::size_t i = 0; i < sent.size(); ++i) {
      const std::size_t at = i % 64'000;
      if (at >= 32'000) sent[i] = 0;
      if (at < 43'200) near[i] = 0;
    }
    const Call call = make_call(std::move(sent), {}, std::move(near), hiss, seed);
    const Heard heard = run(call);
    RC_ASSERT((heard.out == call.caller)); // not shown: there are many
    RC_ASSERT(std::none_of(heard.touched.begin(), heard.touched.end(), [](bool touched) { return touched; }));
    RC_ASSERT(!heard.at_end);
  });
}

TEST_CASE("two people who speak at the same time are seldom taken for an echo, and not for long") {
  // All of the time, with voices more periodic than people's: the worst that there is. See tests/bench/echo
  // for people.
  int taken = 0;
  for (std::uint64_t seed = 1'000; seed < 1'010; ++seed) {
    CAPTURE(seed);
    const Call call = make_call(voice(seed, 10, 2'500), {}, voice(seed + 500, 10, 2'000), 8, seed);
    const Heard heard = run(call);
    if (!heard.news.empty()) ++taken;
    CHECK(std::count(heard.touched.begin(), heard.touched.end(), true) <= 250);
  }
  CHECK(taken <= 5);
}

TEST_CASE("silence, hold and a call without an agent cost no search and change nothing") {
  EchoGuard guard(echo::Mode::automatic);
  const Call call = make_call(Signal(32'000), {}, voice(3, 2, 3'000));
  const Heard heard = run(guard, call);
  CHECK(heard.out == call.caller);
  EchoGuard off(echo::Mode::off);
  const Signal sent = voice(4, 2, 2'500);
  const Call loud = make_call(sent, Room(4, -10).hear(sent, 2'000), {});
  CHECK(run(off, loud).out == loud.caller);
}

TEST_CASE("the caller alone passes a canceller, and is heard over an echo") {
  for (std::uint64_t seed = 70; seed < 73; ++seed) {
    CAPTURE(seed);
    Signal sent = voice(seed, 9, 2'500);
    const Signal full = sent;
    std::fill(sent.begin() + 6 * 16'000, sent.end(), 0.0); // the agent is silent at last
    Signal near = voice(seed + 9, 9, 2'500);
    std::fill(near.begin(), near.begin() + 3 * 16'000, 0.0);
    const Call call = make_call(sent, Room(seed, -25).hear(sent, 2'400), near, 8, seed);
    const Heard heard = run(call);
    REQUIRE(heard.at_end);
    const Signal out = to_signal(heard.out);
    // Alone: the same level. At the same time: most of it (the suppressor takes some with the echo).
    CHECK(std::abs(db(power(out, 7 * 16'000, 9 * 16'000), power(near, 7 * 16'000, 9 * 16'000))) <= 1.5);
    CHECK(db(power(out, 3 * 16'000, 6 * 16'000), power(near, 3 * 16'000, 6 * 16'000)) >= -9);
  }
}

TEST_CASE("a delay that jumps is followed, to both sides") {
  for (const auto& [first, second] :
       {std::pair<std::size_t, std::size_t>{2'400, 4'000}, {4'800, 2'000}, {1'600, 8'000}}) {
    CAPTURE(first);
    CAPTURE(second);
    const Signal sent = voice(91, 8, 2'500);
    const Room room(91, -20);
    Signal echo = room.hear(sent, first);
    const Signal later = room.hear(sent, second);
    std::copy(later.begin() + 4 * 16'000, later.end(), echo.begin() + 4 * 16'000);
    const Call call = make_call(sent, echo, {});
    const Heard heard = run(call);
    REQUIRE(heard.news.size() == 2);
    CHECK(heard.news[1].first <= 4 * 50 + 30); // 600 ms after the jump
    CHECK(in_ms(heard.news[1].second.delay) >= static_cast<double>(second) / 16 - 2);
    CHECK(in_ms(heard.news[1].second.delay) <= static_cast<double>(second) / 16 + 15);
    CHECK(removed(call, heard, 4.7, 8) >= 20);
  }
}

TEST_CASE("clocks that drift by 200 ppm are followed") {
  // What comes back is stretched: after 40 s it is 8 ms late, 128 samples.
  const Signal sent = voice(95, 40, 2'500);
  for (const double ppm : {200.0, -200.0}) {
    CAPTURE(ppm);
    const Signal echo = Room(95, -20).hear(sent, 2'400);
    Signal stretched(echo.size());
    for (std::size_t i = 0; i < echo.size(); ++i) {
      const double at = static_cast<double>(i) * (1 - ppm / 1e6);
      const auto n = static_cast<std::size_t>(at);
      const double part = at - static_cast<double>(n);
      if (n + 1 < echo.size()) stretched[i] = echo[n] * (1 - part) + echo[n + 1] * part;
    }
    const Call call = make_call(sent, stretched, {});
    const Heard heard = run(call);
    for (double from = 1; from < 40; from += 3) {
      CAPTURE(from);
      CHECK(removed(call, heard, from, from + 3) >= 14);
    }
  }
}

TEST_CASE("an echo that comes late in a call is found, and one that has gone leaves the caller untouched") {
  const Signal sent = voice(97, 45, 2'500);
  Signal echo = Room(97, -25).hear(sent, 2'400);
  std::fill(echo.begin(), echo.begin() + 10 * 16'000, 0.0); // the handset at the ear,
  std::fill(echo.begin() + 20 * 16'000, echo.end(), 0.0);   // the loudspeaker, and the handset again
  const Call call = make_call(sent, echo, {});
  const Heard heard = run(call);
  REQUIRE(heard.news.size() == 2);
  CHECK(heard.news[0].first >= 500);
  CHECK(heard.news[0].first <= 550);
  CHECK(!heard.news[1].second.cancelled);
  CHECK(
      std::none_of(heard.touched.begin(), heard.touched.begin() + 500, [](bool touched) { return touched; }));
  CHECK(!heard.touched.back());
}

TEST_CASE("a line that falls silent altogether loses its canceller as well") {
  const Signal sent = voice(98, 32, 2'500);
  const Signal echo = Room(98, -25).hear(sent, 2'400);
  Call call = make_call(sent, echo, {});
  std::fill(call.caller.begin() + 4 * 16'000, call.caller.end(), std::int16_t{0}); // muted
  const Heard heard = run(call);
  REQUIRE(heard.news.size() == 2);
  CHECK(heard.news[0].second.cancelled);
  CHECK(!heard.news[1].second.cancelled);
}

TEST_CASE("always: a canceller is there from the first frame on, and learns the delay") {
  const Signal sent = voice(99, 4, 2'500);
  const Call call = make_call(sent, Room(99, -20).hear(sent, 5'000), {});
  EchoGuard guard(echo::Mode::always);
  const Heard heard = run(guard, call);
  CHECK(heard.touched[0]);
  CHECK(removed(call, heard, 1, 4) >= 20);
}

TEST_CASE("the canceller works at both of the bridge's rates") {
  for (const std::uint32_t rate : {8'000U, 16'000U}) {
    CAPTURE(rate);
    echo::EchoCanceller canceller(rate);
    const std::size_t size = rate / 50;
    Random random(5);
    std::vector<std::int16_t> sent(size), late(size), out(size);
    double before_sum = 0;
    double after = 0;
    for (int n = 0; n < 150; ++n) {
      late = sent; // the echo is the frame before, at half the level
      for (std::int16_t& x : sent)
        x = static_cast<std::int16_t>(gauss(random) * 2'000);
      std::vector<std::int16_t> caller(size);
      std::transform(late.begin(), late.end(), caller.begin(),
                     [](std::int16_t x) { return static_cast<std::int16_t>(x / 2); });
      canceller.process(sent, caller, out);
      if (n < 75) continue;
      before_sum += power(to_signal(caller), 0, size);
      after += power(to_signal(out), 0, size);
    }
    CHECK(db(before_sum, after) >= 20);
  }
}

TEST_CASE("the estimator has nothing to say before both sides have sound") {
  DelayEstimator estimator;
  const auto loud = through_line(voice(1, 1, 3'000));
  for (std::size_t n = 0; n < 50; ++n)
    estimator.receive(kSilence, frame(loud, n));
  CHECK(!estimator.quick());
  CHECK(!estimator.steady());
  CHECK(estimator.frames() == 0);
}
