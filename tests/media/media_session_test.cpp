// DTMF, hold, renegotiation, time-outs, RTCP and the figures of quality.
#include <doctest/doctest.h>

#include "media/media_rig.hpp"

using namespace talky;
using namespace talky::test;

TEST_CASE("digits arrive exactly once, in order, with their duration, under 5 % loss and jitter") {
  const std::string digits = "0123456789*#ABCD";
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    Pair::Net::Config network;
    network.loss = 0.05;
    network.duplicate = 0.03;
    network.jitter = 40ms;
    Pair pair(network, seed);
    pair.start();
    REQUIRE(pair.a.media.send_dtmf(digits, 100ms, 100ms));
    CHECK_FALSE(pair.a.media.playout_idle());
    pair.run(5s);
    CAPTURE(seed);
    CHECK(pair.b.digits == digits);
    CHECK(pair.a.dtmf_sent == 1);
    CHECK(pair.a.media.playout_idle());
    for (const DtmfReceived& press : pair.b.presses) {
      CHECK(press.duration_ms >= 20);
      CHECK(press.duration_ms <= 100);
    }
  }
}

TEST_CASE("agent audio pauses for digits and goes on without a loss; timestamps stay on the clock") {
  Pair pair({});
  pair.start();
  const auto said = signal(16'000);
  pair.a.media.play(said);
  pair.run(400ms);
  REQUIRE(pair.a.media.send_dtmf("1,2", 100ms, 60ms));
  pair.run(3s);
  CHECK(pair.b.digits == "12");
  CHECK(pair.a.media.samples_played() == said.size());
  for (std::size_t i = 0; i < pair.a.sent.size(); ++i) {
    const auto& header = pair.a.sent[i];
    if (header.payload_type == 0) {
      const auto tick = static_cast<std::uint32_t>(pair.a.sent_at[i].time_since_epoch() / 20ms);
      CHECK(header.timestamp == pair.a.sent[0].timestamp + tick * 160);
    }
    CHECK(header.sequence == static_cast<std::uint16_t>(pair.a.sent[0].sequence + i));
  }
  // In two parts: before the digits and after them.
  CHECK(find(std::span(said).first(4800), pair.b.heard, 0, 1600).score > 0.98);
  CHECK(find(std::span(said).last(4800), pair.b.heard, 11'200 + 16'000, 11'200 + 48'000).score > 0.98);
  CHECK(pair.b.media.quality().in.lost == 0);
}

TEST_CASE("bad digits are refused as a whole") {
  Pair pair({});
  CHECK(pair.a.media.send_dtmf("12x").error().offset == 2);
  CHECK(pair.a.media.send_dtmf(std::string(257, '1')).error().code == Errc::too_large);
  auto session = pair.a.media.session();
  session.telephone_event_out.reset();
  REQUIRE(pair.a.media.update(session, Time{0ms}));
  CHECK(pair.a.media.send_dtmf("1").error().code == Errc::unsupported);
  pair.start();
  pair.run(1s);
  CHECK(pair.b.digits.empty());
}

TEST_CASE("hold: nothing is sent or heard, the clock goes on, no time-out; resume picks up") {
  auto config = media_config(address(2, 4000));
  config.rtp_timeout = 2s;
  Pair pair({}, 1, config);
  pair.start();
  pair.run(1s);
  auto a = pair.a.media.session();
  auto b = pair.b.media.session();
  a.direction = b.direction = Direction::inactive;
  REQUIRE(pair.a.media.update(a, pair.now));
  REQUIRE(pair.b.media.update(b, pair.now));
  const auto sent = pair.a.sent.size();
  pair.run(10s);
  CHECK(pair.a.sent.size() == sent);
  CHECK(pair.a.heard.size() == 11 * 16'000);
  CHECK(pair.a.timeouts.empty());
  a.direction = b.direction = Direction::sendrecv;
  REQUIRE(pair.a.media.update(a, pair.now));
  REQUIRE(pair.b.media.update(b, pair.now));
  const auto said = signal(16'000);
  pair.b.media.play(said);
  pair.run(2s);
  CHECK(find(said, pair.a.heard, 11 * 16'000L, 11 * 16'000L + 2400).score > 0.98);
  CHECK(pair.a.timeouts.empty());
  CHECK(pair.a.contiguous);
}

TEST_CASE("a peer that falls silent is reported once, and again after it has come back") {
  auto config = media_config(address(2, 4000));
  config.rtp_timeout = 2s;
  Pair pair({}, 1, config);
  pair.start();
  pair.run(1s);
  pair.to_a.config().loss = 1;
  pair.run(10s);
  REQUIRE(pair.a.timeouts.size() == 1);
  CHECK(pair.a.timeouts[0] >= Time{3s});
  CHECK(pair.a.timeouts[0] <= Time{3040ms});
  pair.to_a.config().loss = 0;
  pair.run(1s);
  pair.to_a.config().loss = 1;
  pair.run(3s);
  CHECK(pair.a.timeouts.size() == 2);
}

TEST_CASE("a call whose peer never sends anything times out too") {
  auto config = media_config(address(2, 4000));
  config.rtp_timeout = 2s;
  Pair pair({}, 1, config);
  pair.a.media.start(pair.now);
  pair.run(3s);
  CHECK(pair.a.timeouts.size() == 1);
}

TEST_CASE("another codec and payload type by re-INVITE: sequence and timestamps go on, nothing clicks") {
  Pair pair({});
  pair.start();
  const auto said = signal(48'000);
  pair.a.media.play(said);
  pair.run(1s);
  for (End* end : {&pair.a, &pair.b}) {
    auto session = end->media.session();
    // What is still on its way bears the old number, so the receiver knows both.
    session.formats = {{"PCMA", 8, 8000}, {"PCMU", 0, 8000}};
    REQUIRE(end->media.update(session, pair.now));
  }
  pair.run(3s);
  for (std::size_t i = 1; i < pair.a.sent.size(); ++i) {
    CHECK(pair.a.sent[i].timestamp - pair.a.sent[i - 1].timestamp == 160);
    CHECK(pair.a.sent[i].ssrc == pair.a.sent[0].ssrc);
  }
  CHECK(pair.a.sent.back().payload_type == 8);
  CHECK(find(said, pair.b.heard, 0, 1600).score > 0.98);
  CHECK(pair.b.concealed_frames == 0);
  auto session = pair.a.media.session();
  session.formats = {{"nonsense", 99, 8000}};
  CHECK_FALSE(pair.a.media.update(session, pair.now));
  CHECK(pair.a.media.session().formats.front().name == "PCMA");
}

TEST_CASE("narrow to wide band by re-INVITE") {
  Pair pair({});
  pair.start();
  pair.run(1s);
  for (End* end : {&pair.a, &pair.b}) {
    auto session = end->media.session();
    session.formats = {{"L16", 98, 16'000}};
    REQUIRE(end->media.update(session, pair.now));
  }
  const auto said = signal(16'000);
  pair.a.media.play(said);
  pair.run(2s);
  CHECK(find(said, pair.b.heard, 16'000, 18'400).score > 0.99);
  CHECK(pair.b.contiguous);
}

TEST_CASE("a moved peer is followed when the SDP says so") {
  Pair pair({});
  pair.start();
  pair.run(1s);
  pair.b.rtp = address(5, 7000);
  auto session = pair.a.media.session();
  session.remote = pair.b.rtp;
  REQUIRE(pair.a.media.update(session, pair.now));
  const auto said = signal(8000);
  pair.a.media.play(said);
  pair.b.media.play(said);
  pair.run(1s);
  CHECK(pair.a.media.remote() == address(5, 7000));
  CHECK(find(said, pair.a.heard, 16'000, 18'400).score > 0.98);
}

TEST_CASE("both directions are reported with loss, jitter, round trip and MOS") {
  Pair::Net::Config network;
  network.jitter = 10ms;
  Pair pair(network);
  pair.to_b.config().loss = 0.1;
  pair.step = 5ms;
  pair.start();
  const auto said = signal(16'000);
  for (int i = 0; i < 60; ++i) {
    pair.a.media.play(said);
    pair.run(1s);
  }
  const auto a = pair.a.media.quality();
  const auto b = pair.b.media.quality();
  CHECK(pair.a.reports >= 8);
  CHECK(a.out_reported);
  CHECK(a.out.loss_percent == doctest::Approx(10).epsilon(0.2));
  CHECK(b.in.loss_percent == doctest::Approx(10).epsilon(0.2));
  CHECK(a.in.lost == 0);
  CHECK(a.in.mos > 4.3);
  CHECK(a.out.mos < 3.8);
  CHECK(a.out.mos > 2.5);
  CHECK(std::abs(a.out.mos - b.in.mos) < 0.3);
  REQUIRE(a.rtt_ms);
  CHECK(*a.rtt_ms > 38);
  CHECK(*a.rtt_ms < 70);
  CHECK(a.in.jitter_ms > 1);
  CHECK(a.in.jitter_ms < 8);
  CHECK(a.out.packets == 3000);
  CHECK(a.out.level_dbov == doctest::Approx(b.in.level_dbov).epsilon(0.1));
  CHECK(a.out.level_dbov > -25);
  CHECK(a.in.level_dbov < -90);
  pair.a.media.stop(pair.now);
  pair.run(100ms);
  CHECK(pair.b.byes <= 1);
}

TEST_CASE("our BYE is heard by the peer, ours only") {
  Pair pair({});
  pair.start();
  pair.run(1s);
  pair.a.media.stop(pair.now);
  pair.run(100ms);
  CHECK(pair.b.byes == 1);
  CHECK(pair.a.byes == 0);
}

TEST_CASE("RTCP is sent to a=rtcp, to the port of RTP with mux, and told apart on that port") {
  auto config = media_config(address(2, 4000));
  config.session.rtcp_mux = true;
  config.session.remote_rtcp = address(2, 4000);
  Random random(1);
  auto media = *Media::create(config, random);
  media.start(Time{0ms});
  bool seen = false;
  for (Time now{0ms}; now < Time{6s}; now += 20ms) {
    media.expire(now);
    while (auto output = media.poll()) {
      if (const auto* report = std::get_if<SendRtcp>(&*output)) {
        seen = true;
        CHECK(report->to == address(2, 4000));
        CHECK(rtp::classify(report->bytes) == rtp::Traffic::rtcp);
      }
    }
  }
  CHECK(seen);
  config.session.rtcp_mux = false;
  config.session.remote_rtcp = address(2, 4444);
  auto apart = *Media::create(config, random);
  apart.start(Time{0ms});
  apart.expire(Time{20ms});
  while (apart.poll()) {
  }
  apart.stop(Time{20ms});
  const auto last = apart.poll();
  REQUIRE(last);
  CHECK(std::get<SendRtcp>(*last).to == address(2, 4444));
}
