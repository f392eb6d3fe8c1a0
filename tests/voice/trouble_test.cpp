// Engines that are late, fail, answer twice or never.
#include <doctest/doctest.h>

#include <algorithm>

#include "harness.hpp"
#include "voice/session.hpp"

using namespace talky;
using namespace talky::voice;
using namespace talky::voice::test;

namespace {

bool is_stt(const Request& request) {
  return std::holds_alternative<SttRequest>(request);
}

} // namespace

TEST_CASE("a recogniser that fails: once more in earnest, then an apology, and after three the end") {
  Options options;
  options.caller = {speech(2500, 3000, "one"), speech(8000, 8500, "two"), speech(14'000, 14'500, "three")};
  Conversation call(options);
  Reply last;
  last.text = "Something is wrong. Goodbye.";
  call.echo().answers["last trouble"] = last;
  int asked = 0;
  call.intercept = [&](const Request& request) {
    if (!is_stt(request)) return false;
    ++asked;
    call.session().answer(Failure{id_of(request), "no memory", from_ms(30)});
    return true;
  };
  call.start();
  call.run_until_ms(30'000);
  CHECK(asked == 6);
  CHECK(call.turns().empty());
  CHECK(call.said() == std::vector<std::string>{"Hello, this is the test.", "You said trouble.",
                                                "You said trouble.", "Something is wrong. Goodbye."});
  CHECK(call.session().ended());
  REQUIRE(call.sent<out::Hangup>().size() == 1);
  CHECK(call.sent<out::Hangup>()[0].second.reason == "engine failure");
}

TEST_CASE("a recogniser that never answers is given up, and the caller hears of it") {
  Options options;
  options.caller = {speech(2500, 3000, "one")};
  Conversation call(options);
  call.intercept = [&](const Request& request) { return is_stt(request); };
  call.start();
  call.run_until_ms(20'000);
  const auto said = call.said();
  REQUIRE(said.size() >= 2);
  CHECK(said[1] == "You said trouble.");
  const auto failed = call.noted<journal::Failed>();
  REQUIRE(!failed.empty());
  CHECK(failed[0].second.reason == "time-out");
}

TEST_CASE("answers that come twice, late or to nobody change nothing") {
  Options options;
  options.caller = {speech(2500, 3000, "one"), speech(6000, 6500, "two")};
  Conversation plain(options);
  plain.start();
  plain.run_until_ms(12'000);

  Conversation call(options);
  std::vector<Answer> old;
  call.intercept = [&](const Request& request) {
    call.answer_request(request);
    call.answer_request(request); // twice
    if (is_stt(request)) old.emplace_back(SttResult{id_of(request), "something else", 1.0F, 0});
    return true;
  };
  int frame = 0;
  call.before_frame = [&](Samples) {
    if (++frame % 10 != 0) return;
    call.session().answer(SttResult{9999, "nobody asked", 1.0F, 0});
    call.session().answer(TtsChunk{9999, Pcm(100, 1), true, 0});
    call.session().answer(LlmDelta{1, "nobody asked", true, 0});
    for (const Answer& answer : old)
      if (id_of(answer) + 2 < call.requests.size()) call.session().answer(answer);
  };
  call.start();
  call.run_until_ms(12'000);
  CHECK(call.turns() == std::vector<std::string>{"one", "two"});
  CHECK(call.said() == plain.said());
}

TEST_CASE("a synthesiser that fails once is asked again; twice, and the call ends with the reason") {
  int failures = 1;
  SUBCASE("once") {}
  SUBCASE("twice") {
    failures = 2;
  }
  Conversation call({});
  call.intercept = [&](const Request& request) {
    if (failures-- <= 0) return false;
    call.session().answer(Failure{id_of(request), "broken", from_ms(10)});
    return true;
  };
  const bool fatal = failures == 2;
  call.start();
  call.run_until_ms(4000);
  CHECK(call.session().ended() == fatal);
  if (fatal) {
    REQUIRE(call.sent<out::Hangup>().size() == 1);
    CHECK(call.sent<out::Hangup>()[0].second.reason == "speech synthesis failed");
  } else {
    REQUIRE(call.noted<journal::SentenceEnd>().size() == 1);
    CHECK(call.noted<journal::SentenceEnd>()[0].second.whole);
  }
}

TEST_CASE(
    "a synthesiser that stops in mid-sentence: the rest comes from a second request, without repeating a "
    "sample") {
  Conversation call({});
  bool first = true;
  call.intercept = [&](const Request& request) {
    const RequestId id = id_of(request);
    if (std::exchange(first, false)) {
      call.session().answer(TtsChunk{id, Pcm(8000, 1), false, from_ms(20)});
      return true; // and then nothing
    }
    Pcm whole(8000, 1);
    whole.resize(24'000, 2);
    call.session().answer(TtsChunk{id, std::move(whole), true, from_ms(20)});
    return true;
  };
  call.start();
  call.run_until_ms(10'000);
  CHECK(std::count(call.audio.begin(), call.audio.end(), 1) == 8000);
  CHECK(std::count(call.audio.begin(), call.audio.end(), 2) == 16'000);
  CHECK(call.noted<journal::SentenceEnd>().at(0).second.whole);
}

TEST_CASE("a synthesiser without a sound, and one without an end") {
  Conversation silent({});
  silent.intercept = [&](const Request& request) {
    silent.session().answer(TtsChunk{id_of(request), {}, true, 0});
    return true;
  };
  silent.start();
  silent.run_until_ms(2000);
  CHECK(silent.session().ended());

  Conversation endless({});
  int chunks = 0;
  endless.before_frame = [&](Samples) {
    for (int i = 0; i < 20; ++i, ++chunks)
      endless.session().answer(TtsChunk{1, Pcm(16'000, 5), false, 0});
  };
  endless.intercept = [&](const Request& request) { return id_of(request) == 1; };
  endless.start();
  endless.run_until_ms(130'000);
  CHECK(endless.noted<journal::Cancelled>().size() == 1);
  CHECK(endless.noted<journal::SentenceEnd>().size() >= 1);
}

TEST_CASE("a language model: sentences are said as they come, and the context holds what was heard") {
  Options options;
  options.caller = {speech(2500, 3000, "why")};
  Conversation call(options);
  Reply ask;
  ask.ask_llm = true;
  ask.system = "You are a clerk.";
  call.echo().answers["why"] = ask;
  std::vector<LlmRequest> asked;
  call.intercept = [&](const Request& request) {
    const auto* llm = std::get_if<LlmRequest>(&request);
    if (llm == nullptr) return false;
    asked.push_back(*llm);
    const char* deltas[] = {"Because it", " is so. And", " since 3.5 years", " it was. Really"};
    Samples service = from_ms(200);
    for (const char* delta : deltas)
      call.session().answer(LlmDelta{llm->id, delta, false, service += from_ms(100)});
    call.session().answer(LlmDelta{llm->id, "", true, service});
    return true;
  };
  call.start();
  call.run_until_ms(12'000);
  REQUIRE(asked.size() == 1);
  REQUIRE(asked[0].context.size() == 3);
  CHECK(asked[0].context[0].text == "You are a clerk.");
  CHECK(asked[0].context[1] == LlmMessage{LlmMessage::Role::assistant, "Hello, this is the test."});
  CHECK(asked[0].context[2] == LlmMessage{LlmMessage::Role::user, "why"});
  std::vector<std::string> begun;
  for (const auto& [at, sentence] : call.noted<journal::SentenceStart>())
    begun.push_back(sentence.text);
  CHECK(begun == std::vector<std::string>{"Hello, this is the test.", "Because it is so.",
                                          "And since 3.5 years it was.", "Really"});
  const auto latency = call.noted<journal::Latency>();
  REQUIRE(latency.size() == 2);
  const auto& w = latency[1].second;
  CHECK(w.dialogue >= from_ms(400)); // up to the first whole sentence
  CHECK(w.endpoint + w.stt + w.dialogue + w.tts + w.out == w.total);
}

TEST_CASE("a language model that fails, says nothing or never answers: an apology") {
  int kind = 0;
  SUBCASE("fails") {
    kind = 1;
  }
  SUBCASE("says nothing") {
    kind = 2;
  }
  SUBCASE("never answers") {
    kind = 3;
  }
  Options options;
  options.caller = {speech(2500, 3000, "why")};
  Conversation call(options);
  call.echo().answers["why"].ask_llm = true;
  call.intercept = [&](const Request& request) {
    if (!std::holds_alternative<LlmRequest>(request)) return false;
    if (kind == 1) call.session().answer(Failure{id_of(request), "no language model", 0});
    if (kind == 2) call.session().answer(LlmDelta{id_of(request), "", true, 0});
    return true;
  };
  call.start();
  call.run_until_ms(16'000);
  const auto said = call.said();
  REQUIRE(said.size() >= 3);
  CHECK(said[2] == "You said trouble.");
}
