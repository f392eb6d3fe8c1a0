// What is said in a call, and when: before the ACK, up to the last word, and what is cleared.
#include <doctest/doctest.h>

#include <algorithm>

#include "call/rig.hpp"

namespace talky::call::test {
namespace {

TEST_CASE("hangup after playout: the last word is heard before the BYE") {
  Rig rig;
  Phone phone;
  const CallKey call = establish(rig, phone);
  std::vector<std::int16_t> second(16'000, 1000);
  REQUIRE(*rig.agent.play(call, second) == second.size());
  REQUIRE(rig.agent.hangup(call, "done", true, rig.now));
  rig.drain();
  CHECK(*rig.agent.play(call, second) == 0); // too late
  rig.advance(990ms);
  CHECK(rig.count("BYE") == 0);
  rig.advance(600ms);
  CHECK(rig.count("BYE") == 1);
  CHECK(rig.rtp.size() >= 50);
  CHECK(rig.last<CallEnded>()->cause == EndCause::hangup);
}

TEST_CASE("hangup after playout without an ACK ends as a ghost does, and nobody spins") {
  Rig rig;
  Phone phone;
  rig.receive(phone.invite());
  rig.accept();
  rig.receive_rtp(rig.call(), 1); // media runs
  REQUIRE(rig.agent.hangup(rig.call(), "done", true, rig.now));
  rig.advance(5s);
  CHECK(rig.agent.deadline() > rig.now);
  CHECK(rig.agent.calls() == 1);
  rig.advance(30s);
  CHECK(rig.last<CallEnded>()->cause == EndCause::no_ack);
}

TEST_CASE("hangup after playout while on hold does not wait for ever") {
  Rig rig;
  Phone phone;
  const CallKey call = establish(rig, phone);
  rig.receive(phone.invite(2, offer_with("inactive")));
  rig.receive(phone.ack(2));
  REQUIRE(rig.agent.play(call, std::vector<std::int16_t>(16'000, 1000)));
  REQUIRE(rig.agent.hangup(call, "done", true, rig.now));
  rig.advance(10s);
  CHECK(rig.count("BYE") == 0);
  rig.advance(1500ms);
  CHECK(rig.count("BYE") >= 1);
}

TEST_CASE("what the agent says before the ACK is kept and sent after it") {
  Rig rig;
  Phone phone;
  rig.receive(phone.invite());
  rig.accept();
  phone.learn_tag(rig);
  REQUIRE(rig.agent.play(rig.call(), std::vector<std::int16_t>(3200, 1000)));
  rig.advance(100ms);
  CHECK(rig.rtp.empty());
  SUBCASE("the ACK") {
    rig.receive(phone.ack());
  }
  SUBCASE("the first packet of the peer") {
    rig.receive_rtp(rig.call(), 1);
  }
  rig.advance(219ms);
  CHECK(rig.rtp.size() >= 10);
}

TEST_CASE("what the caller says before the ACK and before the bridge is there is heard") {
  Rig rig;
  Phone phone;
  rig.receive(phone.invite());
  rig.accept();
  phone.learn_tag(rig);
  for (std::uint16_t i = 0; i < 25; ++i) {
    rig.receive_rtp(rig.call(), i);
    rig.advance(20ms);
  }
  CHECK(rig.heard.empty());
  rig.receive(phone.ack());
  REQUIRE(rig.agent.attach_bridge(rig.call()));
  rig.advance(200ms);
  const auto loud =
      std::count_if(rig.heard.begin(), rig.heard.end(), [](std::int16_t s) { return s > 100 || s < -100; });
  CHECK(loud > 7'000);
}

TEST_CASE("marks, clear and what is still queued") {
  Rig rig;
  Phone phone;
  const CallKey call = establish(rig, phone);
  REQUIRE(rig.agent.play(call, std::vector<std::int16_t>(8000, 1000)));
  REQUIRE(rig.agent.mark(call, "first"));
  rig.advance(600ms);
  REQUIRE(rig.last<MarkPassed>() != nullptr);
  CHECK(rig.last<MarkPassed>()->name == "first");
  CHECK(rig.last<MarkPassed>()->samples_played >= 8000);
  CHECK_FALSE(rig.last<MarkPassed>()->discarded);
  REQUIRE(rig.agent.play(call, std::vector<std::int16_t>(16'000, 1000)));
  REQUIRE(rig.agent.mark(call, "second"));
  rig.advance(500ms);
  CHECK(rig.agent.queued(call) < 9000);
  const auto cleared = rig.agent.clear(call);
  rig.drain();
  REQUIRE(cleared);
  CHECK(cleared->discarded > 7000);
  CHECK(rig.last<MarkPassed>()->name == "second");
  CHECK(rig.last<MarkPassed>()->discarded);
  CHECK(rig.agent.queued(call) == 0);
}

} // namespace
} // namespace talky::call::test
