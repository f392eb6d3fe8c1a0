// A known signal through two ends and a network: all of it arrives, nothing is clipped, and the delay is what
// it should be.
#include <doctest/doctest.h>

#include "media/media_rig.hpp"

using namespace talky;
using namespace talky::test;

namespace {

constexpr std::int64_t kMs = kSampleRate / 1000;

// The delay from play() in `from` to the ear of `to`, and whether the beginning and the end came through.
void check_whole(std::span<const std::int16_t> said, const std::vector<std::int16_t>& heard,
                 std::int64_t least_ms, std::int64_t most_ms, std::int64_t said_at = 0) {
  const auto middle =
      find(said.subspan(said.size() / 2, 1600), heard, said_at + static_cast<std::int64_t>(said.size() / 2),
           said_at + static_cast<std::int64_t>(said.size() / 2) + 500 * kMs);
  CHECK(middle.score > 0.99);
  const std::int64_t delay = middle.offset - said_at - static_cast<std::int64_t>(said.size() / 2);
  CAPTURE(delay);
  CHECK(delay >= least_ms * kMs);
  CHECK(delay <= most_ms * kMs);
  // Nothing was stretched in between, and the first and last 10 ms are there.
  CHECK(correlation(said.first(160), heard, said_at + delay) > 0.95);
  CHECK(correlation(said.last(160), heard, said_at + delay + static_cast<std::int64_t>(said.size()) - 160) >
        0.95);
  CHECK(correlation(said, heard, said_at + delay) > 0.985);
}

} // namespace

TEST_CASE("what is played before the start is heard from its first sample to its last") {
  for (const auto phase : {0ms, 1ms, 10ms, 19ms}) {
    Pair pair({});
    const auto said = signal(16'000);
    CHECK(pair.a.media.play(said) == said.size());
    pair.start(phase);
    pair.run(2s);
    CAPTURE(phase.count());
    CHECK(pair.b.contiguous);
    CHECK(pair.b.heard.size() == (2000 - static_cast<std::size_t>(phase.count()) + 19) / 20 * 320);
    // 20 ms of network, 20 to 40 of jitter buffer, 10 of filters, less b's later start.
    check_whole(said, pair.b.heard, 30, 80);
    CHECK(pair.b.concealed_frames == 0);
    CHECK(pair.b.media.quality().jitter_buffer_ms <= 40);
    CHECK(pair.b.media.quality().shrunk_samples == 0);
    CHECK(pair.a.media.playout_idle());
    CHECK(pair.a.media.samples_played() == said.size());
  }
}

TEST_CASE("speech after silence begins whole, and its tail is padded, not cut") {
  Pair pair({});
  pair.start();
  pair.run(1s);
  const auto said = signal(5'003); // no whole number of frames
  pair.a.media.play(said);
  pair.run(1s);
  check_whole(said, pair.b.heard, 30, 100, 16'000 - 7 * kMs);
  CHECK(pair.a.media.playout_idle());
}

TEST_CASE("speech in pieces of any size is the same speech") {
  Pair pair({});
  pair.start();
  const auto said = signal(20'000);
  Random random(4);
  std::size_t at = 0;
  while (at < said.size()) { // always ahead of the clock
    const auto n = std::min<std::size_t>(said.size() - at, 400 + random.below(500));
    CHECK(pair.a.media.play(std::span(said).subspan(at, n)) == n);
    at += n;
    pair.run(20ms);
  }
  pair.run(1500ms);
  check_whole(said, pair.b.heard, 25, 90);
}

TEST_CASE("an echo comes back with no more delay than network, buffers and filters") {
  Pair pair({});
  pair.b.echo = true;
  const auto said = signal(16'000);
  pair.a.media.play(said);
  pair.start();
  pair.run(2s);
  check_whole(said, pair.a.heard, 60, 160); // 2 x 20 network, 2 x 20..40 buffer, 4 x 5 filter
}

TEST_CASE("A-law and L16, narrow and wide, carry the signal") {
  for (const MediaFormat& format :
       {MediaFormat{"PCMA", 8, 8000}, MediaFormat{"L16", 97, 8000}, MediaFormat{"L16", 98, 16'000}}) {
    auto a = media_config(address(2, 4000));
    auto b = media_config(address(1, 3000));
    a.session.formats = b.session.formats = {format};
    Pair pair({}, 1, a, b);
    const auto said = signal(16'000);
    pair.a.media.play(said);
    pair.start();
    pair.run(2s);
    CAPTURE(format.name);
    CAPTURE(format.clock_rate);
    check_whole(said, pair.b.heard, 20, 80);
    CHECK(pair.a.sent.back().payload_type == format.payload_type);
    CHECK(pair.a.sent[1].timestamp - pair.a.sent[0].timestamp == format.clock_rate / 50);
  }
}

TEST_CASE("packets of 10, 30, 40 and 60 ms carry it as well") {
  for (const std::uint32_t ptime : {10u, 30u, 40u, 60u}) {
    auto a = media_config(address(2, 4000));
    a.session.ptime_ms = ptime;
    Pair pair({}, 1, a);
    const auto said = signal(16'000);
    pair.a.media.play(said);
    pair.a.media.mark("end");
    pair.start();
    pair.run(2s);
    CAPTURE(ptime);
    check_whole(said, pair.b.heard, 20, 140);
    for (std::size_t i = 1; i < pair.a.sent.size(); ++i)
      CHECK(pair.a.sent[i].timestamp - pair.a.sent[i - 1].timestamp == ptime * 8);
    CHECK(pair.b.media.quality().in.lost == 0);
    REQUIRE(pair.a.marks.size() == 1);
    CHECK(pair.a.marks[0].samples_played == said.size());
    CHECK(pair.a.media.playout_idle());
  }
}

TEST_CASE("under 5 % loss and jitter speech is heard where it belongs, and losses are concealed") {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    Pair::Net::Config network;
    network.loss = 0.05;
    network.duplicate = 0.02;
    network.jitter = 30ms;
    Pair pair(network, seed);
    pair.start();
    pair.run(12s); // it learns the jitter in silence
    const auto said = signal(80'000, seed);
    pair.a.media.play(said);
    pair.run(6s);
    CAPTURE(seed);
    CHECK(pair.b.contiguous);
    // Second by second it is found at one place, or very near it if the delay was adapted meanwhile.
    for (std::size_t second = 0; second < 4; ++second) {
      const auto part = std::span(said).subspan(second * 16'000 + 4000, 1600);
      const auto expected = static_cast<std::int64_t>(12 * 16'000UL + second * 16'000UL + 4000);
      const auto match = find(part, pair.b.heard, expected, expected + 200 * kMs);
      CAPTURE(second);
      CHECK(match.score > 0.7);
    }
    const auto quality = pair.b.media.quality();
    CHECK(quality.in.loss_percent > 3);
    CHECK(quality.in.loss_percent < 8);
    CHECK(quality.duplicates > 3);
    CHECK(quality.concealed_samples > 20 * 320);
    CHECK(quality.in.mos > 3);
    CHECK(quality.in.mos < 4.3);
    CHECK(quality.jitter_buffer_ms < 100);
  }
}

TEST_CASE("a clock that is 200 ppm off is followed without a gap") {
  for (const double drift : {-200e-6, 200e-6}) {
    Pair pair({}, 1);
    pair.b_drift = drift;
    pair.start();
    // A tone never pauses, so the correction has to happen within it.
    std::vector<std::int16_t> tone(16'000);
    for (std::size_t i = 0; i < tone.size(); ++i)
      tone[i] = static_cast<std::int16_t>(
          8000 * std::sin(static_cast<double>(i) * 2 * std::numbers::pi * 200 / 16'000));
    pair.step = 5ms;
    for (int second = 0; second < 300; ++second) {
      pair.a.media.play(tone);
      pair.run(1s);
    }
    const auto quality = pair.b.media.quality();
    CAPTURE(drift);
    CHECK(quality.concealed_samples == 0);
    CHECK(quality.late == 0);
    CHECK(quality.discarded == 0);
    CHECK(quality.jitter_buffer_ms >= 0);
    CHECK(quality.jitter_buffer_ms <= 45);
    // 300 s x 200 ppm are 60 ms, of which some may still be in the buffer.
    CHECK(quality.stretched_samples + quality.shrunk_samples >= 20 * kMs);
    CHECK(quality.stretched_samples + quality.shrunk_samples <= 110 * kMs);
    // No click: a tone of 200 Hz and 8000 never changes by more than 630 from sample to sample.
    int jumps = 0;
    for (std::size_t i = 32'000; i < pair.b.heard.size(); ++i)
      jumps += std::abs(pair.b.heard[i] - pair.b.heard[i - 1]) > 1100 ? 1 : 0;
    CHECK(jumps == 0);
  }
}

TEST_CASE("the recording holds both sides on one clock") {
  Pair pair({});
  pair.start();
  pair.run(500ms);
  const auto a_said = signal(8000, 1);
  const auto b_said = signal(8000, 2);
  pair.a.media.play(a_said);
  pair.b.media.play(b_said);
  pair.run(1500ms);
  CHECK(pair.a.contiguous);
  CHECK(pair.a.sent_is_known);
  CHECK(pair.a.frames_with_sent > 50);
  CHECK(pair.a.left.size() == pair.a.heard.size());
  CHECK(pair.a.left == pair.a.heard);
  // The agent's side is what left in each tick: to the sample, from the tick after play().
  CHECK(correlation(a_said, pair.a.right, 500 * kMs) > 0.9999);
  check_whole(b_said, pair.a.left, 30, 90, 500 * kMs);
}

TEST_CASE("caller audio from before the bridge comes first, with its own place in time") {
  Random random(3);
  MediaConfig config = media_config(address(2, 4000));
  Pair pair({});
  End late(*Media::create(config, random), address(1, 3000));
  std::swap(pair.a.media, late.media); // not attached yet
  const auto said = signal(32'000);
  pair.b.media.play(said);
  pair.start();
  pair.run(1s);
  CHECK(pair.a.heard.empty());
  CHECK(pair.a.sent.size() == 50); // ours flows all the same
  pair.a.media.attach_bridge();
  pair.run(2s);
  CHECK(pair.a.contiguous);
  CHECK(pair.a.heard.size() == 3 * 16'000);
  check_whole(said, pair.a.heard, 30, 90);
}

TEST_CASE("of caller audio that waits for the bridge the oldest is dropped beyond the limit") {
  Random random(3);
  auto media = *Media::create(media_config(address(2, 4000)), random);
  media.start(Time{0ms});
  for (Time now{0ms}; now < Time{10s}; now += 20ms) {
    media.expire(now);
    while (media.poll()) {
    }
  }
  media.attach_bridge();
  std::vector<std::uint64_t> firsts;
  while (auto output = media.poll()) {
    if (const auto* frame = std::get_if<CallerFrame>(&*output)) firsts.push_back(frame->first_sample);
  }
  REQUIRE(firsts.size() == 250);
  for (std::size_t i = 1; i < firsts.size(); ++i)
    CHECK(firsts[i] == firsts[i - 1] + 320);
}

TEST_CASE("what was said before the end is heard, though the jitter buffer still holds it then") {
  for (const std::uint32_t ptime : {20U, 30U, 60U}) {
    CAPTURE(ptime);
    auto config = media_config(address(2, 4000));
    config.session.ptime_ms = ptime;
    Pair pair({}, 1, config);
    pair.start();
    const auto said = signal(19'200); // a whole number of packets
    pair.a.media.play(said);
    // The end comes with the last packet, as from phones that say BYE when their file ends.
    const auto packets = 1'200 / ptime + 1; // its end is still in the resampler then
    for (int i = 0; i < 2'000 && pair.b.media.quality().in.packets < packets; ++i)
      pair.run(1ms);
    REQUIRE(pair.b.media.quality().in.packets == packets);
    const auto sent = pair.b.sent.size();
    const auto heard = pair.b.heard.size();
    pair.b.media.stop(pair.now);
    pair.b.drain(pair.now, [](const Datagram&) {});
    CHECK(pair.b.heard.size() > heard);
    CHECK(pair.b.heard.size() <= heard + 25 * 320UL);
    CHECK(pair.b.contiguous);
    CHECK(pair.b.left == pair.b.heard);
    CHECK(pair.b.sent.size() == sent); // nobody listens any more
    check_whole(said, pair.b.heard, 0, 140);
    CHECK_FALSE(pair.b.media.deadline());
    pair.run(100ms);
    CHECK(pair.b.left == pair.b.heard);
  }
}

TEST_CASE("on hold nothing is left to be heard at the end, and before the start neither") {
  Pair pair({});
  pair.start();
  pair.a.media.play(signal(16'000));
  pair.run(500ms);
  MediaSession held = pair.b.media.session();
  held.direction = Direction::sendonly;
  REQUIRE(pair.b.media.update(held, pair.now));
  const auto heard = pair.b.heard.size();
  pair.b.media.stop(pair.now);
  pair.b.drain(pair.now, [](const Datagram&) {});
  CHECK(pair.b.heard.size() == heard);
  Pair early({});
  early.b.media.stop(early.now);
  early.b.drain(early.now, [](const Datagram&) {});
  CHECK(early.b.heard.empty());
}
