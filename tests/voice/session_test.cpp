#include "voice/session.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>

#include "harness.hpp"

using namespace talky;
using namespace talky::voice;
using namespace talky::voice::test;

TEST_CASE("the greeting is asked for at once and heard as soon as it is there") {
  Conversation call({});
  call.start();
  REQUIRE(call.requests.size() == 1);
  const auto& request = std::get<TtsRequest>(call.requests[0]);
  CHECK(request.at == 0);
  CHECK(request.text == "Hello, this is the test.");
  CHECK(request.voice == "Sophia");
  call.run_until_ms(3000);
  REQUIRE(!call.audio_at.empty());
  CHECK(call.audio_at.front() == from_ms(40)); // 20 ms of service, then the next frame
  const auto latency = call.noted<journal::Latency>();
  REQUIRE(latency.size() == 1);
  CHECK(latency[0].second.turn == 0);
  CHECK(latency[0].second.total == from_ms(40));
  const auto ends = call.noted<journal::SentenceEnd>();
  REQUIRE(ends.size() == 1);
  CHECK(ends[0].second.whole);
  CHECK(ends[0].second.heard == 24'000);
  CHECK(to_ms(call.played()) == 1500); // 24 characters at 1,000 samples
}

TEST_CASE("a turn: speech, pause, words, answer") {
  Options options;
  options.caller = {speech(2000, 3000, "good morning")};
  Conversation call(options);
  call.start();
  call.run_until_ms(6000);
  CHECK(call.turns() == std::vector<std::string>{"good morning"});
  CHECK(call.said() == std::vector<std::string>{"Hello, this is the test.", "You said good morning."});
  const auto turns = call.noted<journal::Turn>();
  CHECK(std::abs(turns[0].second.begin - from_ms(2000)) <= 512);
  CHECK(std::abs(turns[0].second.end - from_ms(3000)) <= 512);

  SUBCASE("the recogniser ran inside the pause, so that its time is not heard") {
    const auto latency = call.noted<journal::Latency>();
    REQUIRE(latency.size() == 2);
    const auto& w = latency[1].second;
    CHECK(w.turn == 1);
    CHECK(w.stt == 0);
    CHECK(w.total < from_ms(600));
    CHECK(w.total >= from_ms(400));
  }
  SUBCASE("the recogniser got the first phonemes: 200 ms and more from before the speech") {
    const auto found = std::find_if(call.requests.begin(), call.requests.end(),
                                    [](const Request& r) { return std::holds_alternative<SttRequest>(r); });
    REQUIRE(found != call.requests.end());
    const auto& stt = std::get<SttRequest>(*found);
    const Samples first = stt.at - static_cast<Samples>(stt.pcm->size());
    CHECK(first <= from_ms(2000) - from_ms(200));
    CHECK(first >= from_ms(2000) - from_ms(300));
  }
}

TEST_CASE("the recogniser is told what the dialogue waits for") {
  Options options;
  options.caller = {speech(2000, 3000, "oh one seven nine")};
  Conversation call(options);
  call.echo().expected = {Expectation::Kind::digits, {}, 11};
  call.start();
  call.run_until_ms(6000);
  const auto found = std::find_if(call.requests.begin(), call.requests.end(),
                                  [](const Request& r) { return std::holds_alternative<SttRequest>(r); });
  REQUIRE(found != call.requests.end());
  CHECK(std::get<SttRequest>(*found).expected == call.echo().expected);
  const auto asked = call.noted<journal::Requested>();
  CHECK(std::count_if(asked.begin(), asked.end(), [](const auto& r) {
          return r.second.kind == "stt" && r.second.expected == "digits";
        }) >= 1);
}

TEST_CASE("the pause that ends a turn depends on the words") {
  const auto endpoint_of = [](std::string text) {
    Options options;
    options.caller = {speech(2000, 3000, std::move(text))};
    Conversation call(options);
    call.start();
    call.run_until_ms(6000);
    const auto latency = call.noted<journal::Latency>();
    REQUIRE(latency.size() == 2);
    return to_ms(latency[1].second.endpoint);
  };
  const auto complete = endpoint_of("yes");
  const auto open = endpoint_of("good morning");
  const auto unfinished = endpoint_of("my name is and");
  CHECK(complete >= 280);
  CHECK(complete < 320);
  CHECK(open >= 400);
  CHECK(open < 440);
  CHECK(unfinished >= 1600);
  CHECK(unfinished < 1640);
}

TEST_CASE("the parts of the latency add up to the silence that was heard, whatever the engines take") {
  for (const Samples stt : {0, 1, 3000, 5000, 16'000}) {
    for (const Samples tts : {0, 7, 900, 20'000}) {
      CAPTURE(stt);
      CAPTURE(tts);
      Options options;
      options.stt_service = stt;
      options.tts_service = tts;
      options.caller = {speech(6000, 7000, "good morning"), speech(14'000, 14'700, "yes")};
      Conversation call(options);
      call.start();
      call.run_until_ms(20'000);
      const auto latencies = call.noted<journal::Latency>();
      const auto turns = call.noted<journal::Turn>();
      REQUIRE(latencies.size() == 3);
      REQUIRE(turns.size() == 2);
      for (std::size_t i = 0; i < latencies.size(); ++i) {
        const auto& w = latencies[i].second;
        CHECK(w.endpoint + w.stt + w.dialogue + w.tts + w.out == w.total);
        for (const Samples part : {w.endpoint, w.stt, w.dialogue, w.tts, w.out})
          CHECK(part >= 0);
        // The bridge is told the same, and which of its samples was the first.
        const auto told = call.sent<out::Turn>();
        REQUIRE(told.size() == latencies.size());
        const out::Turn& t = told[i].second;
        CHECK(t.turn == w.turn);
        CHECK(t.endpoint + t.stt + t.dialogue + t.tts + t.out == w.total);
        CHECK(t.end == (i == 0 ? 0 : turns[i - 1].second.end));
        const auto index = static_cast<std::size_t>(t.sent / kFrame);
        REQUIRE(index < call.audio_at.size());
        CHECK(call.audio_at[index] == t.end + w.total);
        if (index > 0) CHECK(call.audio_at[index - 1] < t.end + w.total);
        if (w.turn == 0) continue;
        // What the listener measures: from the end of the turn's speech to the first frame that left after
        // it.
        const Samples end = turns[w.turn - 1].second.end;
        const auto first = std::upper_bound(call.audio_at.begin(), call.audio_at.end(), end);
        REQUIRE(first != call.audio_at.end());
        CHECK(*first - end == w.total);
      }
    }
  }
}

TEST_CASE("a caller who goes on inside the pause is heard as one turn") {
  Options options;
  options.caller = {speech(2000, 2600, "I would like"), speech(2900, 3500, "an appointment")};
  Conversation call(options);
  call.start();
  call.run_until_ms(7000);
  CHECK(call.turns() == std::vector<std::string>{"I would like an appointment"});
  // The recogniser was asked on suspicion in the first pause, and that was taken back.
  const auto asked = call.noted<journal::Requested>();
  const auto speculative =
      std::count_if(asked.begin(), asked.end(), [](const auto& r) { return r.second.speculative; });
  CHECK(speculative == 2);
  CHECK(call.said().size() == 2);
}

TEST_CASE("a caller who goes on while the recogniser is still at it is heard as one turn") {
  Options options;
  options.stt_service = from_ms(900);
  options.caller = {speech(2000, 2600, "I would like"), speech(3300, 3900, "an appointment")};
  Conversation call(options);
  call.start();
  call.run_until_ms(8000);
  CHECK(call.turns() == std::vector<std::string>{"I would like an appointment"});
  CHECK(call.said().size() == 2);
}

TEST_CASE("a caller who goes on before the answer is heard takes his turn back") {
  Options options;
  options.tts_service = from_ms(400);
  options.caller = {speech(2500, 3100, "I would like"), speech(3750, 4300, "an appointment")};
  Conversation call(options);
  call.start();
  call.run_until_ms(9000);
  CHECK(call.turns() == std::vector<std::string>{"I would like", "I would like an appointment"});
  REQUIRE(call.noted<journal::TurnReopened>().size() == 1);
  CHECK(call.noted<journal::TurnReopened>()[0].second.turn == 1);
  // The first answer was never spoken, and the transcript knows only one turn.
  const auto begun = call.noted<journal::SentenceStart>();
  REQUIRE(begun.size() == 2);
  CHECK(begun[1].second.text == "You said I would like an appointment.");
  std::vector<std::string> caller;
  for (const auto& said : journal::transcript(call.entries))
    if (said.who == journal::Said::Who::caller) caller.push_back(said.text);
  CHECK(caller == std::vector<std::string>{"I would like an appointment"});
  // What the turn had filled is taken back with it.
  std::vector<std::string> slots;
  for (const auto& [at, noted] : call.noted<journal::Slots>())
    slots.push_back(noted.values.empty() ? "nothing" : noted.values[0].first + ": " + noted.values[0].second);
  CHECK(slots ==
        std::vector<std::string>{"heard: I would like", "nothing", "heard: I would like an appointment"});
}

TEST_CASE("a long answer is synthesised sentence by sentence, one ahead") {
  Options options;
  options.caller = {speech(2500, 3000, "tell me")};
  Conversation call(options);
  call.echo().answers["tell me"].text = "The first sentence. The second sentence. The third sentence.";
  call.start();
  call.run_until_ms(9000);
  std::vector<std::pair<Samples, std::string>> asked;
  for (const Request& request : call.requests)
    if (const auto* tts = std::get_if<TtsRequest>(&request)) asked.emplace_back(tts->at, tts->text);
  REQUIRE(asked.size() == 4);
  CHECK(asked[1].second == "The first sentence.");
  CHECK(asked[2].second == "The second sentence.");
  // The second is asked for as soon as the first begins to arrive, the third when the second is being said.
  CHECK(asked[2].first - asked[1].first <= from_ms(40));
  CHECK(asked[3].first - asked[2].first >= from_ms(900));
  // No gap between the sentences: as many samples as were synthesised, in one piece.
  const auto ends = call.noted<journal::SentenceEnd>();
  REQUIRE(ends.size() == 4);
  for (const auto& [at, end] : ends)
    CHECK(end.whole);
  const auto starts = call.noted<journal::SentenceStart>();
  CHECK(starts[2].second.sent == starts[1].second.sent + 19'000);
  CHECK(starts[3].second.sent == starts[2].second.sent + 20'000);
}

TEST_CASE("a sentence that arrives slowly is not torn into pieces") {
  Options options;
  options.config.lockstep = true;
  Conversation call(options);
  call.intercept = [&](const Request& request) {
    const auto& tts = std::get<TtsRequest>(request);
    for (int i = 0; i < 10; ++i) // 100 samples every 20 ms: a third of what is played
      call.session().answer(TtsChunk{tts.id, Pcm(100, 1000), i == 9, from_ms(20L * (i + 1))});
    return true;
  };
  call.start();
  call.run_until_ms(1000);
  // Frames of speech are whole, but for the last of the sentence.
  std::size_t whole = 0;
  std::size_t partial = 0;
  for (std::size_t at = 0; at + 320 <= call.audio.size(); at += 320) {
    const auto loud =
        std::count_if(call.audio.begin() + static_cast<std::ptrdiff_t>(at),
                      call.audio.begin() + static_cast<std::ptrdiff_t>(at + 320), Conversation::loud);
    whole += loud == 320 ? 1U : 0U;
    partial += loud > 0 && loud < 320 ? 1U : 0U;
  }
  CHECK(whole == 3);
  CHECK(partial == 1);
}

TEST_CASE("in lockstep there is exactly one whole frame out for each frame in") {
  Options options;
  options.config.lockstep = true;
  options.config.reports = false;
  options.reports = false;
  options.caller = {speech(500, 900, "hello"), speech(3000, 3600, "bye"), speech(9000, 9300, "")};
  Conversation call(options);
  Reply bye;
  bye.text = "Goodbye.";
  bye.action = Reply::Hangup{"goodbye"};
  call.echo().answers["bye"] = bye;
  call.start();
  call.run_until_ms(12'000);
  CHECK(call.session().ended());
  REQUIRE(call.audio_at.size() == 600);
  for (std::size_t i = 0; i < call.audio_at.size(); ++i)
    CHECK(call.audio_at[i] == static_cast<Samples>(320 * (i + 1)));
  CHECK(call.audio.size() == 600 * 320);
}

TEST_CASE("silence: prompted twice, then goodbye and hang-up") {
  Conversation call({});
  Reply last;
  last.text = "Goodbye then.";
  call.echo().answers["last silence"] = last;
  call.start();
  call.run_until_ms(60'000);
  const auto prompts = call.noted<journal::NoInput>();
  REQUIRE(prompts.size() == 3);
  // Each 7 s after the agent's last word.
  CHECK(to_ms(prompts[0].first) == doctest::Approx(1540 + 7000).epsilon(0.01));
  CHECK_FALSE(prompts[1].second.last);
  CHECK(prompts[2].second.last);
  CHECK(call.session().ended());
  const auto hangups = call.sent<out::Hangup>();
  REQUIRE(hangups.size() == 1);
  CHECK(hangups[0].second.reason == "silence");
}

TEST_CASE("a word ends the count of silences") {
  Options options;
  options.caller = {speech(12'000, 12'600, "yes")};
  Conversation call(options);
  call.start();
  call.run_until_ms(24'000);
  const auto prompts = call.noted<journal::NoInput>();
  REQUIRE(prompts.size() == 2);
  CHECK(prompts[1].second.count == 1);
}

TEST_CASE("hang-up comes only after the last word was played") {
  Options options;
  options.caller = {speech(2500, 3000, "bye")};
  Conversation call(options);
  call.echo().answers["bye"] = reply_that("Thank you for calling. Goodbye.", Reply::Hangup{"goodbye"});
  call.start();
  call.run_until_ms(10'000);
  const auto hangups = call.sent<out::Hangup>();
  REQUIRE(hangups.size() == 1);
  CHECK(hangups[0].second.reason == "goodbye");
  const auto ends = call.noted<journal::SentenceEnd>();
  REQUIRE(ends.size() == 3);
  CHECK(ends[2].second.whole);
  CHECK(hangups[0].first >= ends[2].first);
  // All that was synthesised has left the bridge.
  CHECK(call.played() >= 24'000 + 22'000 + 8'000);
  CHECK_FALSE(call.playing());
}

TEST_CASE("without reports the hang-up still waits until the audio has had its time") {
  Options options;
  options.reports = options.config.reports = false;
  options.caller = {speech(2500, 3000, "bye")};
  Conversation call(options);
  Reply bye;
  bye.text = "Goodbye.";
  bye.action = Reply::Hangup{"goodbye"};
  call.echo().answers["bye"] = bye;
  call.start();
  call.run_until_ms(10'000);
  const auto hangups = call.sent<out::Hangup>();
  REQUIRE(hangups.size() == 1);
  const auto last_frame = call.audio_at.back();
  CHECK(hangups[0].first >= last_frame);
  // And until the caller cannot mean to go on any more.
  CHECK(hangups[0].first >= from_ms(3000 + 1700));
  CHECK(hangups[0].first <= from_ms(3000 + 1700 + 200));
}

TEST_CASE("clicks are not speech") {
  Options options;
  options.caller = {speech(2500, 2520, ""), speech(3000, 3030, ""), speech(4000, 4010, "")};
  Conversation call(options);
  call.start();
  call.run_until_ms(6000);
  CHECK(call.noted<journal::SpeechStart>().empty());
  CHECK(call.turns().empty());
}

TEST_CASE("an endless talker is answered after the limit, and heard on") {
  Options options;
  options.config.max_utterance = from_ms(5000);
  options.caller = {speech(2500, 9500, "bla bla bla")};
  Conversation call(options);
  call.start();
  call.run_until_ms(15'000);
  REQUIRE(!call.turns().empty());
  const auto turns = call.noted<journal::Turn>();
  CHECK(to_ms(turns[0].first) < 2500 + 5000 + 300);
}

TEST_CASE("endless noise without words ends in prompts and a hang-up, not in silence") {
  Options options;
  options.config.max_utterance = from_ms(5000);
  options.caller = {speech(2500, 200'000, "")};
  Conversation call(options);
  call.start();
  call.run_until_ms(120'000);
  CHECK(call.noted<journal::NoInput>().size() == 3);
  CHECK(call.session().ended());
}

namespace {

// "I would like", a pause of this length, "an appointment"; the answer to the first part begins about 600 ms
// behind it.
Conversation with_pause(std::int64_t pause_ms, Options options = {}) {
  options.caller.insert(options.caller.begin(), {speech(2500, 3100, "I would like"),
                                                 speech(3100 + pause_ms, 3700 + pause_ms, "an appointment")});
  return Conversation(options);
}

} // namespace

TEST_CASE("whoever goes on into the answer is joined to what they said before") {
  for (const std::int64_t pause : {700, 900, 1100, 1300, 1500, 1600}) {
    CAPTURE(pause);
    auto call = with_pause(pause);
    call.echo().answers["I would like"].text = "What would you like? I am listening to you all day long.";
    call.start();
    call.run_until_ms(12'000);
    CHECK(call.turns() == std::vector<std::string>{"I would like", "I would like an appointment"});
    REQUIRE(call.noted<journal::TurnReopened>().size() == 1);
    CHECK(call.noted<journal::TurnReopened>()[0].second.turn == 1);
    REQUIRE(call.noted<journal::BargeIn>().size() == 1);
    CHECK(call.noted<journal::BargeIn>()[0].second.by == "continuation");
    // Silent as soon as it is speech: 64 ms and the window that it began in, and the frame.
    CHECK(call.noted<journal::BargeIn>()[0].first - from_ms(3100 + pause) <= from_ms(116));
    CHECK(call.said().back() == "You said I would like an appointment.");
    // The recogniser got both parts in one.
    std::vector<std::string> caller;
    for (const auto& said : journal::transcript(call.entries))
      if (said.who == journal::Said::Who::caller) caller.push_back(said.text);
    CHECK(caller == std::vector<std::string>{"I would like an appointment"});
    // The dialogue went back: it knows of one turn.
    CHECK(call.noted<journal::Turn>()[1].second.begin == call.noted<journal::Turn>()[0].second.begin);
  }
}

TEST_CASE("whoever speaks later than that interrupts, and what they said before stays said") {
  auto call = with_pause(2200);
  call.echo().answers["I would like"].text = "What would you like? I am listening to you all day long.";
  call.start();
  call.run_until_ms(12'000);
  CHECK(call.turns() == std::vector<std::string>{"I would like", "an appointment"});
  CHECK(call.noted<journal::TurnReopened>().empty());
}

TEST_CASE("a noise into the answer's beginning stops it, and it goes on: the turn stays") {
  Options options;
  options.caller = {speech(2500, 3100, "I would like"), speech(4100, 4250, "")};
  Conversation call(options);
  call.echo().answers["I would like"].text = "What would you like? I am listening to you all day long.";
  call.start();
  call.run_until_ms(12'000);
  CHECK(call.turns() == std::vector<std::string>{"I would like"});
  CHECK(call.noted<journal::TurnReopened>().empty());
  REQUIRE(call.noted<journal::FalseInterruption>().size() == 1);
  CHECK(call.noted<journal::SentenceEnd>().back().second.whole);
}

TEST_CASE("nothing acts outside the call while the turn may be taken back") {
  const auto run = [](Reply::Action action, std::string text, std::vector<Speech> more) {
    Options options;
    options.caller = {speech(2500, 3100, "bye")};
    options.caller.insert(options.caller.end(), more.begin(), more.end());
    options.config.silence_prompts = 0;
    Conversation call(options);
    Reply reply;
    reply.text = std::move(text);
    reply.action = std::move(action);
    reply.interruptible = false;
    call.echo().answers["bye"] = reply;
    call.start();
    call.run_until_ms(9000);
    return call;
  };
  for (const std::string text : {"", "Ok.", "Good bye then, it was nice."}) {
    CAPTURE(text);
    for (const bool goes_on : {false, true}) {
      CAPTURE(goes_on);
      const std::vector<Speech> more =
          goes_on ? std::vector<Speech>{speech(4400, 5000, "the way I have a question")}
                  : std::vector<Speech>{};
      const auto call = run(Reply::Transfer{"sip:200@127.0.0.1"}, text, more);
      const auto digits = run(Reply::SendDigits{"12#"}, text, more);
      const auto hangup = run(Reply::Hangup{"goodbye"}, text, more);
      CHECK(call.sent<out::Transfer>().size() == (goes_on ? 0 : 1));
      CHECK(digits.sent<out::Dtmf>().size() == (goes_on ? 0 : 1));
      CHECK(hangup.sent<out::Hangup>().size() == (goes_on ? 0 : 1));
      if (!goes_on) CHECK(call.sent<out::Transfer>()[0].first >= from_ms(3100 + 1700));
      if (goes_on) CHECK(call.turns().back() == "bye the way I have a question");
    }
  }
}
