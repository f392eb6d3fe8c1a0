// Somebody talks into a call: what is heard, and what the agent's account does not notice.
#include <doctest/doctest.h>

#include <limits>

#include "media/media_rig.hpp"
#include "media/talk_in.hpp"

using namespace talky;
using namespace talky::test;
using media::TalkIn;

namespace {

std::vector<std::int16_t> constant(std::size_t count, std::int16_t value) {
  std::vector<std::int16_t> out(count, value);
  return out;
}

std::size_t mixed(TalkIn& voice, std::vector<std::int16_t>& frame) {
  return voice.mix(frame);
}

} // namespace

TEST_CASE("a voice is added, limited to what a sample can hold") {
  TalkIn voice;
  voice.push(constant(960, 30'000));
  std::vector<std::int16_t> frame = {1000, 10'000, -30'000, 0};
  CHECK(voice.mix(frame) == 4);
  CHECK(frame == std::vector<std::int16_t>{31'000, 32'767, 0, 30'000});
  voice.clear();
  voice.push(constant(960, std::numeric_limits<std::int16_t>::min()));
  frame = {-1, 1, 32'767};
  voice.mix(frame);
  CHECK(frame == std::vector<std::int16_t>{-32'768, -32'767, -1});
}

TEST_CASE("it begins when 60 ms are there, or when nothing more comes") {
  TalkIn voice;
  auto frame = constant(320, 0);
  for (const int frames : {1, 2}) {
    voice.push(constant(320, 5));
    CHECK(mixed(voice, frame) == 0);
    CHECK(voice.queued() == 320U * static_cast<unsigned>(frames));
  }
  voice.push(constant(320, 5));
  CHECK(mixed(voice, frame) == 320);
  CHECK(mixed(voice, frame) == 320); // and goes on to the end
  CHECK(mixed(voice, frame) == 320);
  CHECK(mixed(voice, frame) == 0);
  CHECK(voice.mixed() == 960);

  voice.push(constant(100, 7)); // a last word, shorter than a frame
  int ticks = 0;
  for (frame = constant(320, 0); mixed(voice, frame) == 0 && ticks < 10; ++ticks) {
  }
  CHECK(ticks == 3);
  CHECK(frame[99] == 7);
  CHECK(frame[100] == 0);
}

TEST_CASE("beyond a second the oldest goes") {
  TalkIn voice;
  CHECK(voice.push(constant(16'000, 1)) == 0);
  CHECK(voice.push(constant(320, 2)) == 320);
  CHECK(voice.queued() == 16'000);
  CHECK(voice.push(constant(40'000, 3)) == 40'000);
  CHECK(voice.queued() == 16'000);
  auto frame = constant(16'000, 0);
  CHECK(mixed(voice, frame) == 16'000);
  CHECK(frame.front() == 3);
  CHECK(frame.back() == 3);
}

TEST_CASE("while nothing is sent time passes for it as well") {
  TalkIn voice;
  voice.push(constant(1000, 1));
  voice.pass(320);
  CHECK(voice.queued() == 680);
  voice.pass(5000);
  CHECK(voice.queued() == 0);
  CHECK(voice.mixed() == 0);
}

namespace {

struct Line {
  explicit Line(const media::MediaConfig& config) : random(1) {
    end.emplace(*media::Media::create(config, random), address(1, 3000));
    end->media.attach_bridge();
    end->media.start(now);
  }
  void ticks(int count) {
    for (int i = 0; i < count; ++i, now += 20ms) {
      end->media.expire(now);
      while (auto output = end->media.poll()) {
        if (const auto* mark = std::get_if<media::MarkReached>(&*output)) marks.push_back(*mark);
        const auto* frame = std::get_if<media::RecordingFrame>(&*output);
        if (!frame) continue;
        for (std::size_t s = 0; s < media::kFrameSamples; ++s)
          recorded.push_back(frame->samples[2 * s + 1]);
        alone.insert(alone.end(), frame->agent.begin(), frame->agent.end());
      }
    }
  }
  Random random;
  std::optional<End> end;
  Time now{0ms};
  std::vector<std::int16_t> recorded, alone;
  std::vector<media::MarkReached> marks;
};

} // namespace

TEST_CASE("the agent's queue, marks and counts are the same whether somebody talks in or not") {
  media::MediaConfig config = media_config(address(2, 4000));
  config.recording = true;
  Line quiet(config), loud(config);
  for (Line* line : {&quiet, &loud}) {
    line->end->media.play(constant(3000, 100));
    line->end->media.mark("a");
  }
  loud.end->media.talk_in(constant(9600, 50));
  for (int i = 0; i < 40; ++i) {
    quiet.ticks(1);
    loud.ticks(1);
    CHECK(quiet.end->media.samples_played() == loud.end->media.samples_played());
    CHECK(quiet.end->media.samples_queued() == loud.end->media.samples_queued());
    CHECK(quiet.end->media.playout_idle() == loud.end->media.playout_idle());
  }
  REQUIRE(quiet.marks.size() == 1);
  REQUIRE(loud.marks.size() == 1);
  CHECK(quiet.marks[0].samples_played == loud.marks[0].samples_played);
  CHECK(loud.alone == quiet.alone);
  CHECK(quiet.recorded == quiet.alone);
  REQUIRE(loud.recorded.size() == 40U * 320U);
  CHECK(loud.recorded[0] == 150); // the recording holds what the caller heard
  CHECK(loud.recorded[2999] == 150);
  CHECK(loud.recorded[3000] == 50);
  CHECK(loud.recorded[9599] == 50);
  CHECK(loud.recorded[9600] == 0);
  CHECK(loud.end->media.samples_talked_in() == 9600);
  // A clear() is the agent's: it takes nothing from who talks in.
  loud.end->media.talk_in(constant(960, 50));
  loud.end->media.play(constant(960, 100));
  loud.end->media.clear();
  loud.recorded.clear();
  loud.ticks(3);
  CHECK(loud.recorded == constant(960, 50));
}

TEST_CASE("on hold nobody talks in, and nothing of it is heard afterwards") {
  media::MediaConfig config = media_config(address(2, 4000));
  config.recording = true;
  Line line(config);
  media::MediaSession held = config.session;
  held.direction = media::Direction::recvonly;
  REQUIRE(line.end->media.update(held, line.now));
  line.end->media.talk_in(constant(1600, 50));
  line.ticks(6);
  REQUIRE(line.end->media.update(config.session, line.now));
  line.ticks(10);
  CHECK(line.recorded == constant(16UL * 320, 0));
  CHECK(line.end->media.samples_talked_in() == 0);
}
