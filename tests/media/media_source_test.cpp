// Whom we listen to and where ours goes.
#include <doctest/doctest.h>

#include "media/media_rig.hpp"
#include "media/media_source.hpp"

using namespace talky;
using namespace talky::test;
using Verdict = MediaSource::Verdict;

TEST_CASE("the address of the SDP is believed at once") {
  MediaSource source(address(2, 4000), {}, true);
  CHECK(source.target() == address(2, 4000));
  CHECK(source.check(address(2, 4000), 1, 10, Time{0ms}) == Verdict::confirmed);
  CHECK(source.check(address(9, 4000), 1, 11, Time{1ms}) == Verdict::foreign);
  CHECK(source.check(address(2, 4001), 3, 11, Time{2ms}) == Verdict::foreign);
  CHECK(source.check(address(2, 4000), 1, 11, Time{20ms}) == Verdict::accept);
}

TEST_CASE("another source is heard from its first packet and gets ours after three") {
  MediaSource source(address(2, 4000), {}, true);
  CHECK(source.check(address(3, 5000), 1, 10, Time{0ms}) == Verdict::accept);
  CHECK(source.check(address(3, 5000), 1, 11, Time{20ms}) == Verdict::accept);
  CHECK(source.target() == address(2, 4000));
  CHECK(source.check(address(3, 5000), 1, 12, Time{40ms}) == Verdict::confirmed);
  CHECK(source.target() == address(3, 5000));
  CHECK(source.check(address(4, 5000), 7, 1, Time{50ms}) == Verdict::foreign);
  // The address that the peer named always wins: a forger came first.
  CHECK(source.check(address(2, 4000), 2, 1, Time{60ms}) == Verdict::confirmed);
  CHECK(source.target() == address(2, 4000));
  CHECK(source.check(address(3, 5000), 1, 13, Time{61ms}) == Verdict::foreign);
}

TEST_CASE("without an address in the SDP the first source is answered at once") {
  MediaSource source({}, {}, true);
  CHECK(source.target().port == 0);
  source.check(address(3, 5000), 1, 10, Time{0ms});
  CHECK(source.target() == address(3, 5000));
}

TEST_CASE("however long a confirmed source is silent, strangers do not get its place") {
  MediaSource source(address(2, 4000), address(2, 5060).ip, false);
  source.check(address(2, 4000), 1, 10, Time{0ms});
  for (const auto after : {5000ms, 60'000ms, 3'600'000ms}) {
    for (std::uint16_t i = 0; i < 10; ++i)
      CHECK(source.check(address(3, 5000), 9, i, Time{after + i * 20ms}) == Verdict::foreign);
  }
  CHECK(source.target() == address(2, 4000));
  CHECK(source.check(address(2, 4000), 1, 11, Time{4'000'000ms}) == Verdict::accept);
}

TEST_CASE(
    "the same address with another port goes on: at once with the same stream, else when the old one is "
    "silent") {
  MediaSource source(address(2, 4000), address(2, 5060).ip, false);
  source.check(address(2, 4000), 1, 10, Time{0ms});
  CHECK(source.check(address(2, 4100), 7, 1, Time{20ms}) == Verdict::foreign);
  CHECK(source.check(address(2, 4100), 1, 11, Time{20ms}) == Verdict::accept);
  CHECK(source.check(address(2, 4100), 1, 12, Time{40ms}) == Verdict::accept);
  CHECK(source.check(address(2, 4100), 1, 13, Time{60ms}) == Verdict::confirmed);
  CHECK(source.target() == address(2, 4100));
  CHECK(source.check(address(2, 4200), 8, 1, Time{160ms}) == Verdict::accept);
}

TEST_CASE("who signals from an address may send from it, even if a stranger was first") {
  // The SDP names an address behind a NAT, and somebody guesses our port before the phone has sent.
  MediaSource source(address(77, 9), address(2, 5060).ip, false);
  for (std::uint16_t i = 0; i < 4; ++i)
    source.check(address(9, 666), 6, i, Time{i * 20ms});
  CHECK(source.target() == address(9, 666));
  source.check(address(2, 4000), 1, 10, Time{90ms});
  for (std::uint16_t i = 0; i < 20; ++i) {
    CHECK(source.check(address(9, 666), 6, static_cast<std::uint16_t>(4 + i), Time{100ms + i * 20ms}) ==
          Verdict::foreign);
    CHECK(source.check(address(2, 4000), 1, static_cast<std::uint16_t>(11 + i), Time{110ms + i * 20ms}) !=
          Verdict::foreign);
  }
  CHECK(source.target() == address(2, 4000));
}

TEST_CASE("an address that does not signal gets ours once it has sent") {
  MediaSource source(address(8, 4000), address(2, 5060).ip, false);
  CHECK(source.awaits_media());
  CHECK(source.target().port == 0);
  CHECK(source.check(address(8, 4000), 1, 1, Time{0ms}) == Verdict::confirmed);
  CHECK_FALSE(source.awaits_media());
  CHECK(source.target() == address(8, 4000));
  // Whoever was called by us named the place to send to; so did a peer that signals from there.
  CHECK(MediaSource(address(8, 4000), address(2, 5060).ip, true).target() == address(8, 4000));
  CHECK(MediaSource(address(2, 4000), address(2, 5060).ip, false).target() == address(2, 4000));
  CHECK_FALSE(MediaSource({}, address(2, 5060).ip, false).awaits_media());
}

TEST_CASE("a new SSRC is believed after three packets, or when the old one is gone") {
  MediaSource source(address(2, 4000), {}, true);
  source.check(address(2, 4000), 1, 10, Time{0ms});
  CHECK(source.check(address(2, 4000), 2, 100, Time{10ms}) == Verdict::foreign);
  CHECK(source.check(address(2, 4000), 1, 11, Time{20ms}) == Verdict::accept);
  CHECK(source.check(address(2, 4000), 2, 101, Time{30ms}) == Verdict::foreign);
  CHECK(source.check(address(2, 4000), 2, 102, Time{50ms}) == Verdict::foreign);
  CHECK(source.check(address(2, 4000), 2, 103, Time{70ms}) == Verdict::accept);
  CHECK(source.ssrc() == 2);
  CHECK(source.check(address(2, 4000), 3, 500, Time{170ms}) == Verdict::accept);
}

TEST_CASE("after a re-INVITE the stream must prove itself again, at a new address from the start") {
  MediaSource source(address(2, 4000), {}, true);
  source.check(address(2, 4000), 1, 10, Time{0ms});
  source.signal(address(2, 4000)); // the same: a NAT may have moved it
  CHECK(source.check(address(3, 5000), 1, 11, Time{20ms}) == Verdict::foreign);
  CHECK(source.check(address(3, 5000), 1, 12, Time{100ms}) == Verdict::foreign); // silent or not
  source.set_peer(address(3, 5060).ip); // it signals from another network
  CHECK(source.check(address(3, 5000), 1, 13, Time{200ms}) == Verdict::accept);
  source.signal(address(8, 6000));
  CHECK(source.target() == address(8, 6000));
  CHECK(source.check(address(8, 6000), 5, 1, Time{200ms}) == Verdict::confirmed);
}

TEST_CASE("a session refresh with the same SDP does not send ours back to an address that does not answer") {
  MediaSource source(address(2, 4000), {}, true);
  for (std::uint16_t i = 0; i < 3; ++i)
    source.check(address(3, 5000), 1, i, Time{i * 20ms});
  source.signal(address(2, 4000));
  CHECK(source.target() == address(3, 5000));
  CHECK(source.check(address(3, 5000), 1, 3, Time{60ms}) == Verdict::accept);
  CHECK(source.target() == address(3, 5000));
}

TEST_CASE("a peer whose SDP names another address than it sends from is heard whole and answered there") {
  // As MicroSIP does for calls to the same machine, and everybody behind a NAT.
  Pair pair({}, 1, media_config(address(77, 9999)));
  pair.b.media.play(signal(16'000));
  pair.a.media.play(signal(16'000, 3));
  pair.start();
  pair.run(2s);
  REQUIRE(pair.a.latched.size() == 1);
  CHECK(pair.a.latched[0].source == address(2, 4000));
  CHECK(pair.a.media.remote() == address(2, 4000));
  CHECK(pair.b.media.quality().in.packets > 90);
  CHECK(find(signal(16'000), pair.a.heard, 0, 1600).score > 0.98);
}

TEST_CASE("strangers are counted and change nothing") {
  Pair pair({});
  pair.start();
  pair.run(1s);
  const auto said = signal(16'000);
  pair.b.media.play(said);
  std::vector<std::byte> noise;
  for (std::uint32_t i = 0; i < 50; ++i) {
    rtp::build({0, true, static_cast<std::uint16_t>(i), i * 160, 666}, std::vector<std::byte>(160), noise);
    pair.a.media.receive(noise, address(66, 6666), false, pair.now);
    noise.resize(5);
    pair.a.media.receive(noise, address(66, 6666), false, pair.now);
    pair.a.media.receive(noise, address(66, 6666), true, pair.now);
    pair.run(20ms);
  }
  pair.run(500ms);
  const auto quality = pair.a.media.quality();
  CHECK(quality.foreign == 100);
  CHECK(quality.malformed == 50);
  CHECK(quality.in.lost == 0);
  CHECK(find(said, pair.a.heard, 16'000, 18'000).score > 0.98);
}

TEST_CASE("payload types that were not agreed upon are counted and not heard") {
  Random random(1);
  auto media = *Media::create(media_config(address(2, 4000)), random);
  media.start(Time{0ms});
  std::vector<std::byte> wire;
  rtp::build({8, true, 1, 160, 1}, std::vector<std::byte>(160), wire);
  media.receive(wire, address(2, 4000), false, Time{1ms});
  CHECK(media.quality().unexpected == 1);
  CHECK(media.quality().in.packets == 0);
}
