// Whom we listen to and where ours goes.
#include <doctest/doctest.h>

#include "media/media_rig.hpp"
#include "media/media_source.hpp"

using namespace talky;
using namespace talky::test;
using Verdict = MediaSource::Verdict;

TEST_CASE("the address of the SDP is believed at once") {
  MediaSource source(address(2, 4000), 5s);
  CHECK(source.target() == address(2, 4000));
  CHECK(source.check(address(2, 4000), 1, 10, Time{0ms}) == Verdict::confirmed);
  CHECK(source.check(address(9, 4000), 1, 11, Time{1ms}) == Verdict::foreign);
  CHECK(source.check(address(2, 4001), 1, 11, Time{2ms}) == Verdict::foreign);
  CHECK(source.check(address(2, 4000), 1, 11, Time{20ms}) == Verdict::accept);
}

TEST_CASE("another source is heard from its first packet and gets ours after three") {
  MediaSource source(address(2, 4000), 5s);
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
  MediaSource source({}, 5s);
  CHECK(source.target().port == 0);
  source.check(address(3, 5000), 1, 10, Time{0ms});
  CHECK(source.target() == address(3, 5000));
}

TEST_CASE("a source that fell silent loses its place, a strict one does not before") {
  MediaSource source(address(2, 4000), 5s);
  source.check(address(2, 4000), 1, 10, Time{0ms});
  CHECK(source.check(address(3, 5000), 9, 1, Time{4990ms}) == Verdict::foreign);
  CHECK(source.check(address(3, 5000), 9, 2, Time{5000ms}) == Verdict::accept);
  CHECK(source.check(address(3, 5000), 9, 3, Time{5020ms}) == Verdict::accept);
  CHECK(source.check(address(3, 5000), 9, 4, Time{5040ms}) == Verdict::confirmed);
  CHECK(source.target() == address(3, 5000));
}

TEST_CASE("a new SSRC is believed after three packets, or when the old one is gone") {
  MediaSource source(address(2, 4000), 5s);
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
  MediaSource source(address(2, 4000), 5s);
  source.check(address(2, 4000), 1, 10, Time{0ms});
  source.signal(address(2, 4000)); // the same: a NAT may have moved it
  CHECK(source.check(address(3, 5000), 1, 11, Time{20ms}) == Verdict::foreign);
  CHECK(source.check(address(3, 5000), 1, 12, Time{100ms}) == Verdict::accept); // the old one is silent
  source.signal(address(8, 6000));
  CHECK(source.target() == address(8, 6000));
  CHECK(source.check(address(8, 6000), 5, 1, Time{200ms}) == Verdict::confirmed);
}

TEST_CASE("a session refresh with the same SDP does not send ours back to an address that does not answer") {
  MediaSource source(address(2, 4000), 5s);
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
