// Caller's speech over the agent's: stopped in time, accounted to the sample, resumed if it was nothing.
#include <doctest/doctest.h>

#include <algorithm>
#include <tuple>

#include "harness.hpp"
#include "voice/session.hpp"

using namespace talky;
using namespace talky::voice;
using namespace talky::voice::test;

namespace {

constexpr const char* kLong =
    "This is the first sentence of a long answer. And this is another sentence after it.";

// The agent says kLong from about 2.8 s on (44,000 + 38,000 samples: to about 8 s); whoever speaks before 3.9
// s goes on with "tell me" (config.take_back).
Options long_answer(std::vector<Speech> interruptions) {
  Options options;
  options.caller = {speech(1700, 2200, "tell me")};
  options.caller.insert(options.caller.end(), interruptions.begin(), interruptions.end());
  return options;
}

struct Call : Conversation {
  explicit Call(Options options) : Conversation(std::move(options)) {
    echo().answers["tell me"].text = kLong;
    start();
  }
};

} // namespace

TEST_CASE("words stop the agent within 400 ms of media time, wherever they fall on the windows") {
  for (std::int64_t offset = 0; offset < 40; ++offset) {
    const std::int64_t begin = 4200 + offset;
    CAPTURE(begin);
    Call call(long_answer({speech(begin, begin + 900, "stop it")}));
    call.run_until_ms(9000);
    const auto barges = call.noted<journal::BargeIn>();
    REQUIRE(barges.size() == 1);
    CHECK(barges[0].second.by == "words");
    const auto clears = call.sent<out::Clear>();
    REQUIRE(clears.size() == 1);
    CHECK(clears[0].first - from_ms(begin) <= from_ms(400));
    CHECK(clears[0].first >= from_ms(begin));
    // Not one frame more until the caller's turn is answered.
    const auto turn = call.noted<journal::Turn>().back().first;
    const bool quiet = std::none_of(call.audio_at.begin(), call.audio_at.end(),
                                    [&](Samples at) { return at > clears[0].first && at <= turn; });
    CHECK(quiet);
    CHECK(call.turns() == std::vector<std::string>{"tell me", "stop it"});
  }
}

TEST_CASE("what was heard is known to the sample, and only that is in the context") {
  Options options = long_answer({speech(4200, 4900, "stop")});
  options.config.lead = from_ms(400); // much is queued in the bridge, and thrown away
  options.report_delay = from_ms(60);
  Call call(options);
  Samples played_at_clear = 0;
  call.before_frame = [&](Samples) {
    if (!call.sent<out::Clear>().empty() && played_at_clear == 0) played_at_clear = call.played();
  };
  call.run_until_ms(9000);
  const auto cleared = call.noted<journal::Cleared>();
  REQUIRE(cleared.size() == 1);
  CHECK(cleared[0].second.discarded > 0);
  const auto starts = call.noted<journal::SentenceStart>();
  const auto ends = call.noted<journal::SentenceEnd>();
  const auto cut = std::find_if(ends.begin(), ends.end(), [](const auto& e) { return !e.second.whole; });
  REQUIRE(cut != ends.end());
  const auto begun = std::find_if(starts.begin(), starts.end(),
                                  [&](const auto& s) { return s.second.sentence == cut->second.sentence; });
  REQUIRE(begun != starts.end());
  CHECK(begun->second.text == "This is the first sentence of a long answer.");
  CHECK(cut->second.heard == cleared[0].second.played - begun->second.sent);
  CHECK(cut->second.length == 44'000);
  CHECK(cut->second.heard > 0);
  CHECK(cut->second.heard < cut->second.length);

  const auto context = journal::context(call.entries, "Be brief.");
  REQUIRE(context.size() >= 4);
  CHECK(context[0] == LlmMessage{LlmMessage::Role::system, "Be brief."});
  CHECK(context[2] == LlmMessage{LlmMessage::Role::user, "tell me"});
  const std::string& heard = context[3].text;
  CHECK(heard.starts_with("This is the"));
  CHECK(heard.ends_with(" --"));
  CHECK(heard.find("another") == std::string::npos);
  CHECK(heard.find("answer") == std::string::npos);
}

TEST_CASE("the first sound ducks the agent within 100 ms; what is nothing ends that, and stops nothing") {
  for (const std::string heard : {"", "mhm", "Mm-hmm."}) {
    for (std::int64_t offset = 0; offset < 40; offset += 3) {
      const std::int64_t begin = 4200 + offset;
      CAPTURE(heard);
      CAPTURE(begin);
      Call call(long_answer({speech(begin, begin + 250, heard)}));
      call.run_until_ms(14'000);
      const auto ducks = call.sent<out::Duck>();
      REQUIRE(ducks.size() == 2);
      CHECK(ducks[0].second.on);
      CHECK(ducks[0].first - from_ms(begin) <= from_ms(100));
      CHECK_FALSE(ducks[1].second.on);
      CHECK(call.noted<journal::BargeIn>().empty());
      CHECK(call.noted<journal::SentenceStart>().size() == 3);
      CHECK(call.noted<journal::SentenceEnd>().back().second.whole);
      CHECK(call.turns().size() == 1);
    }
  }
}

TEST_CASE("without a bridge that ducks the agent speaks more quietly itself") {
  Options options = long_answer({speech(4200, 4500, "mhm")});
  options.reports = options.config.reports = false;
  options.config.lockstep = true;
  Call call(options);
  call.run_until_ms(6000);
  CHECK(call.sent<out::Duck>().empty());
  const auto ducks = call.noted<journal::Ducked>();
  REQUIRE(ducks.size() == 2);
  const auto at = [&](Samples now) { return call.audio[static_cast<std::size_t>(now)]; };
  CHECK(at(ducks[0].first - kFrame - 1) == 1000);
  CHECK(at(ducks[0].first + from_ms(10)) == 250);
  CHECK(at(ducks[1].first - kFrame - 1) == 250);
  CHECK(at(ducks[1].first + from_ms(10)) == 1000);
}

TEST_CASE("speech stops the agent by its length where the recogniser is slow") {
  Options options = long_answer({speech(4200, 5500, "stop it now please")});
  options.stt_service = from_ms(700);
  Call call(options);
  call.run_until_ms(9000);
  const auto barges = call.noted<journal::BargeIn>();
  REQUIRE(barges.size() == 1);
  CHECK(barges[0].second.by == "speech");
  CHECK(barges[0].first - from_ms(4200) <= from_ms(380));
}

TEST_CASE("a long noise stops the agent, and it goes on with the clause where it was stopped") {
  Options options = long_answer({speech(4800, 5700, "")});
  Conversation call(options);
  call.echo().answers["tell me"].text =
      "This is the first sentence, which goes on for quite a while, and only then it ends, as all things do.";
  call.start();
  call.run_until_ms(16'000);
  REQUIRE(call.noted<journal::BargeIn>().size() == 1);
  REQUIRE(call.noted<journal::FalseInterruption>().size() == 1);
  // Stopped at about 5.2 s: 2.5 s, 40 of its 101 letters.
  std::vector<std::string> begun;
  for (const auto& [at, sentence] : call.noted<journal::SentenceStart>())
    begun.push_back(sentence.text);
  CHECK(begun ==
        std::vector<std::string>{
            "Hello, this is the test.",
            "This is the first sentence, which goes on for quite a while, and only then it ends, as all "
            "things do.",
            "which goes on for quite a while, and only then it ends, as all things do."});
  CHECK(call.turns().size() == 1);
  CHECK(call.noted<journal::SentenceEnd>().back().second.whole);
}

TEST_CASE("signs of listening stop nothing and are no turn") {
  for (const std::string sign : {"I see.", "Oh, I see.", "All right.", "Mm-hm.", "Uh-huh", "Sure.",
                                 "Okay, got it.", "Right.", "Yeah.", "Okay."}) {
    CAPTURE(sign);
    Call call(long_answer({speech(4200, 4700, sign)}));
    call.run_until_ms(14'000);
    CHECK(call.noted<journal::BargeIn>().empty());
    CHECK(call.turns() == std::vector<std::string>{"tell me"});
    const auto ends = call.noted<journal::SentenceEnd>();
    const auto whole = std::count_if(ends.begin(), ends.end(), [](const auto& e) { return e.second.whole; });
    CHECK(whole == 3); // the greeting and both sentences of the answer
  }
}

TEST_CASE("what answers a question is no sign of listening, nor is a sentence that begins like one") {
  // EchoDialogue takes "yes", and only that, for a complete answer.
  for (const std::string turn : {"yes", "I see a problem."}) {
    CAPTURE(turn);
    Call call(long_answer({speech(4200, 4700, turn)}));
    call.run_until_ms(14'000);
    CHECK(call.noted<journal::FalseInterruption>().empty());
    CHECK(call.turns() == std::vector<std::string>{"tell me", turn});
  }
}

TEST_CASE("a sentence whose last syllable was cut is not said again") {
  // The only sentence lasts 2.75 s from 2.76 s on; the hold falls on its last 200 ms.
  Conversation call(long_answer({}));
  call.echo().answers["tell me"].text = "This is the first sentence of a long answer.";
  call.start();
  call.run_until_ms(5300);
  call.control(in::Hold{});
  call.run_until_ms(6000);
  call.control(in::Resume{});
  call.run_until_ms(9000);
  CHECK(call.noted<journal::SentenceStart>().size() == 2);
  CHECK_FALSE(call.noted<journal::SentenceEnd>().back().second.whole);
}

TEST_CASE("repeated noise cannot keep the agent from finishing") {
  std::vector<Speech> noise;
  for (std::int64_t at = 3500; at < 60'000; at += 1500)
    noise.push_back(speech(at, at + 300, ""));
  Call call(long_answer(noise));
  call.run_until_ms(40'000);
  const auto ends = call.noted<journal::SentenceEnd>();
  const auto whole = std::count_if(ends.begin(), ends.end(), [](const auto& e) { return e.second.whole; });
  CHECK(whole >= 3); // greeting and both sentences
  CHECK(call.noted<journal::BargeIn>().size() <= 4);
}

TEST_CASE("after a false interruption short words still count, by what they say") {
  Call call(long_answer({speech(4000, 5700, ""), speech(7600, 7900, "stop")}));
  call.run_until_ms(12'000);
  const auto barges = call.noted<journal::BargeIn>();
  REQUIRE(barges.size() == 2);
  CHECK(barges[1].second.by == "words");
  CHECK(call.turns() == std::vector<std::string>{"tell me", "stop"});
}

TEST_CASE("\"hello?\" into the beginning greeting does not cut it off; a request does") {
  Options options;
  options.caller = {speech(20, 500, "hello")};
  Conversation polite(options);
  polite.start();
  polite.run_until_ms(5000);
  CHECK(polite.noted<journal::BargeIn>().empty());
  REQUIRE(polite.noted<journal::SentenceEnd>().size() == 1);
  CHECK(polite.noted<journal::SentenceEnd>()[0].second.whole);

  options.caller = {speech(20, 700, "I want an appointment")};
  Conversation hasty(options);
  hasty.start();
  hasty.run_until_ms(5000);
  CHECK(hasty.turns() == std::vector<std::string>{"I want an appointment"});
}

TEST_CASE("an answer that may not be interrupted is not; what was said meanwhile is answered after it") {
  Options options = long_answer({speech(4000, 4500, "and then")});
  Conversation call(options);
  Reply guarded;
  guarded.text = kLong;
  guarded.interruptible = false;
  call.echo().answers["tell me"] = guarded;
  call.start();
  call.run_until_ms(15'000);
  CHECK(call.noted<journal::BargeIn>().empty());
  CHECK(call.turns() == std::vector<std::string>{"tell me", "and then"});
  const auto turns = call.noted<journal::Turn>();
  const auto ends = call.noted<journal::SentenceEnd>();
  REQUIRE(ends.size() >= 3);
  CHECK(ends[2].second.whole);
  CHECK(turns[1].first >= ends[2].first);
}

TEST_CASE("\"bye\" over our goodbye does not start anything new") {
  Options options = long_answer({speech(3200, 3700, "bye")});
  Conversation call(options);
  call.echo().answers["tell me"] =
      reply_that("Thank you for calling, and goodbye.", Reply::Hangup{"goodbye"});
  call.start();
  call.run_until_ms(15'000);
  CHECK(call.turns().size() == 1);
  CHECK(call.sent<out::Hangup>().size() == 1);
}

TEST_CASE("a bridge that promises reports and sends none costs time, nothing else") {
  Options options = long_answer({speech(4200, 4900, "stop")});
  options.reports = false; // the session believes that they come
  options.config.silence_prompts = 0;
  Call call(options);
  call.run_until_ms(40'000);
  CHECK(call.turns() == std::vector<std::string>{"tell me", "stop"});
  CHECK(call.session().ended()); // silence was noticed, too
  // Every sentence that was begun is accounted for.
  CHECK(call.noted<journal::SentenceStart>().size() == call.noted<journal::SentenceEnd>().size());
}

TEST_CASE("without reports audio counts as heard when it has had its time") {
  Options options = long_answer({speech(4200, 4900, "stop")});
  options.reports = options.config.reports = false;
  options.config.lockstep = true;
  Call call(options);
  call.run_until_ms(8000);
  const auto ends = call.noted<journal::SentenceEnd>();
  const auto cut = std::find_if(ends.begin(), ends.end(), [](const auto& e) { return !e.second.whole; });
  REQUIRE(cut != ends.end());
  const auto barge = call.noted<journal::BargeIn>().at(0).first;
  const auto begun = call.noted<journal::SentenceStart>().at(1);
  CHECK(std::abs(cut->second.heard - (barge - begun.first)) <= kFrame);
}

TEST_CASE("words of the sentence that is being said, while it is, are its echo and no turn") {
  // 300 ms after the first sentence has begun its words come back, as a recogniser hears them.
  // It stops the agent, and so itself.
  Call call(long_answer({speech(3500, 4100, "this is the furst sentence")}));
  call.run_until_ms(12'000);
  CHECK(call.turns() == std::vector<std::string>{"tell me"});
  CHECK(call.noted<journal::Turn>().size() == 1);
}

TEST_CASE("what the agent has said is an answer when it comes later, is short, or is something else") {
  for (const auto& [begin, end, text] : {
           std::tuple{9'500, 11'200,
                      "this is another sentence after it"}, // repeated, when the agent has ended
           std::tuple{4'200, 4'900, "another sentence"},
           std::tuple{4'200, 5'400, "is there another first answer today"},
           std::tuple{4'200, 5'400, "answer long a of first the"},
       }) {
    CAPTURE(text);
    Call call(long_answer({speech(begin, end, text)}));
    call.run_until_ms(14'000);
    CHECK(call.turns() == std::vector<std::string>{"tell me", text});
  }
}

TEST_CASE("a word that was hardly understood is no interruption, a whole sentence is") {
  for (const std::string heard : {"Shmur", "and I want to go"}) {
    CAPTURE(heard);
    Call call(long_answer({speech(4200, 4450, heard)}));
    call.intercept = [&](const Request& request) {
      const auto* stt = std::get_if<SttRequest>(&request);
      if (stt == nullptr || stt->at < from_ms(4200)) return false;
      call.session().answer(SttResult{stt->id, heard, 0.4F, from_ms(60)});
      return true;
    };
    call.run_until_ms(9000);
    CHECK(call.noted<journal::BargeIn>().size() == (heard == "Shmur" ? 0 : 1));
    CHECK(call.turns().size() == (heard == "Shmur" ? 1 : 2));
  }
}
