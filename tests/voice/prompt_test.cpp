// What somebody beside the call has said to the caller, and a program that takes the agent's part.
#include <doctest/doctest.h>

#include <algorithm>

#include "harness.hpp"
#include "voice/session.hpp"

using namespace talky;
using namespace talky::voice;
using namespace talky::voice::test;

namespace {

constexpr const char* kPrompt = "Please hold the line for a moment.";

std::vector<std::string> sentences_of(const Conversation& call) {
  std::vector<std::string> texts;
  for (const auto& [at, sentence] : call.noted<journal::SentenceStart>())
    texts.push_back(sentence.text);
  return texts;
}

bool heard_whole(const Conversation& call, const std::string& text) {
  for (const auto& [at, begun] : call.noted<journal::SentenceStart>()) {
    if (begun.text != text) continue;
    for (const auto& [end, done] : call.noted<journal::SentenceEnd>())
      if (done.sentence == begun.sentence && done.whole) return true;
  }
  return false;
}

} // namespace

TEST_CASE("a prompt is spoken in the call's voice, accounted for, and no turn of the caller") {
  Conversation call({});
  call.echo().greeting.text = "Hello.";
  call.echo().greeting.voice = "Alex";
  call.start();
  call.run_until_ms(2000);
  call.control(in::Say{kPrompt});
  call.run_until_ms(6000);
  const auto prompts = call.noted<journal::Prompt>();
  REQUIRE(prompts.size() == 1);
  CHECK(prompts[0].second.text == kPrompt);
  CHECK(prompts[0].second.voice == "Alex");
  CHECK(prompts[0].second.interruptible);
  CHECK(heard_whole(call, kPrompt));
  CHECK(call.noted<journal::SentenceStart>().back().second.voice == "Alex");
  CHECK(call.turns().empty());
  CHECK(call.said().size() == 1); // the dialogue has said its greeting, and nothing else
  const auto said = journal::transcript(call.entries);
  REQUIRE(said.size() == 2);
  CHECK(said[1].text == kPrompt);
  // The silence of the caller counts from its end.
  const Samples end = call.noted<journal::SentenceEnd>().back().first;
  call.run_until_ms(20'000);
  const auto silences = call.noted<journal::NoInput>();
  REQUIRE_FALSE(silences.empty());
  CHECK(silences[0].first - end >= from_ms(6900));
}

TEST_CASE("a prompt waits for the agent's last word, or stands in its place") {
  for (const bool clear : {false, true}) {
    CAPTURE(clear);
    Conversation call({});
    call.echo().greeting.text = "This greeting is a rather long one. It has a second sentence as well.";
    call.start();
    call.run_until_ms(1000);
    call.control(in::Say{kPrompt, "", true, clear});
    call.run_until_ms(clear ? 7'000 : 12'000); // before the caller's silence is told
    const auto texts = sentences_of(call);
    CHECK(texts.back() == kPrompt);
    CHECK(texts.size() == (clear ? 2 : 3));
    CHECK(call.sent<out::Clear>().size() == (clear ? 1 : 0));
    CHECK(heard_whole(call, kPrompt));
  }
}

TEST_CASE("nobody is talked over: a prompt waits until the caller has had his answer") {
  Options options;
  options.caller = {speech(3000, 5000, "one")};
  Conversation call(options);
  call.start();
  call.run_until_ms(3500);
  call.control(in::Say{kPrompt});
  call.run_until_ms(12'000);
  const auto prompts = call.noted<journal::Prompt>();
  REQUIRE(prompts.size() == 1);
  REQUIRE(call.noted<journal::Answer>().size() == 2);
  CHECK(prompts[0].first > call.noted<journal::Answer>()[1].first);
  CHECK(heard_whole(call, kPrompt));
}

TEST_CASE("a prompt may be interrupted, or not, as it was asked for") {
  for (const bool interruptible : {true, false}) {
    CAPTURE(interruptible);
    Options options;
    options.caller = {speech(4500, 5200, "stop")};
    Conversation call(options);
    call.start();
    call.run_until_ms(3600);
    call.control(in::Say{"This is a long announcement that nobody waits for.", "", interruptible});
    call.run_until_ms(14'000);
    CHECK(call.noted<journal::BargeIn>().size() == (interruptible ? 1 : 0));
    CHECK(call.turns() == std::vector<std::string>{"stop"}); // it is answered in either case
    const auto ends = call.noted<journal::SentenceEnd>();
    REQUIRE(ends.size() >= 2);
    CHECK(ends[1].second.whole != interruptible);
    if (interruptible) {
      CHECK(ends[1].second.heard > 0);
      CHECK(ends[1].second.heard < ends[1].second.length);
    }
  }
}

TEST_CASE("on hold a prompt waits; too many are not kept") {
  Conversation call({});
  call.start();
  call.run_until_ms(2500);
  call.control(in::Hold{});
  for (int i = 0; i < 40; ++i)
    call.control(in::Say{"Word."});
  call.run_until_ms(8000);
  CHECK(call.noted<journal::Prompt>().empty());
  call.control(in::Resume{});
  call.run_until_ms(60'000);
  CHECK(call.noted<journal::Prompt>().size() == 16);
}

TEST_CASE(
    "a program takes the agent's part: what the agent had begun is dropped, and it listens afterwards") {
  Options options;
  options.config.silence = from_ms(20'000);
  Conversation call(options);
  call.echo().greeting.text = "This greeting is a rather long one. It has a second sentence as well.";
  call.start();
  call.run_until_ms(1000);
  call.control(in::Say{kPrompt});
  call.control(in::Hold{true});
  CHECK(call.sent<out::Clear>().size() == 1);
  call.run_until_ms(6000);
  const std::size_t frames = call.audio_at.size();
  call.control(in::Resume{});
  call.run_until_ms(15'000);
  CHECK(call.audio_at.size() == frames); // nothing of the past is said
  CHECK(call.noted<journal::Prompt>().empty());
  REQUIRE(call.noted<journal::Held>().size() == 1);
  CHECK(call.noted<journal::Held>()[0].second.by == "program");
  CHECK_FALSE(call.session().ended());
  call.run_until_ms(28'000);
  CHECK(call.noted<journal::NoInput>().size() == 1); // then the dialogue asks again
}

TEST_CASE("a program comes while the caller's turn is being recognised: the turn is not answered") {
  Options options;
  options.stt_service = from_ms(2000);
  options.config.silence = from_ms(20'000);
  options.caller = {speech(2500, 3000, "one"), speech(9000, 9500, "two")};
  Conversation call(options);
  call.start();
  call.run_until_ms(3700);
  call.control(in::Hold{});
  call.control(in::Hold{true}); // the caller is on hold besides
  call.run_until_ms(8000);
  call.control(in::Resume{});
  call.run_until_ms(16'000);
  CHECK(call.turns() == std::vector<std::string>{"two"});
}

TEST_CASE("journal: prompts and holds read back") {
  for (const journal::Entry& entry :
       {journal::Entry{320, journal::Prompt{"Hello.", "Emma", false}},
        journal::Entry{640, journal::Held{"program"}}, journal::Entry{960, journal::Held{}}}) {
    const std::string line = journal::to_line(entry);
    CAPTURE(line);
    const auto back = journal::parse_line(line);
    REQUIRE(back);
    CHECK(journal::to_line(*back) == line);
  }
  CHECK(journal::to_line({0, journal::Held{}}) == R"({"at":0,"type":"hold"})");
}
