// Keys, hold, transfer, and the end.
#include <doctest/doctest.h>

#include <algorithm>

#include "harness.hpp"
#include "voice/session.hpp"

using namespace talky;
using namespace talky::voice;
using namespace talky::voice::test;

TEST_CASE("keys: one that says it all acts at once, a number when no more keys come or at the pound key") {
  Conversation call({});
  call.start();
  call.run_until_ms(2000);
  call.control(in::Dtmf{'1'});
  CHECK(call.said().back() == "You said keys 1.");
  call.run_until_ms(5000);
  call.control(in::Dtmf{'4'});
  call.run_until_ms(5500);
  call.control(in::Dtmf{'2'});
  CHECK(call.said().back() == "You said keys 1.");
  call.run_until_ms(5500 + 1900);
  CHECK(call.said().back() == "You said keys 42.");
  call.run_until_ms(11'000);
  call.control(in::Dtmf{'7'});
  call.control(in::Dtmf{'#'});
  CHECK(call.said().back() == "You said keys 7.");
  call.control(in::Dtmf{'x'}); // no key
  CHECK(call.noted<journal::DtmfIn>().size() == 5);
}

TEST_CASE("a key interrupts the agent at once") {
  Conversation call({});
  call.start();
  call.run_until_ms(800);
  call.control(in::Dtmf{'1'});
  REQUIRE(call.sent<out::Clear>().size() == 1);
  CHECK(call.sent<out::Clear>()[0].first == from_ms(800));
  CHECK(call.noted<journal::BargeIn>().at(0).second.by == "dtmf");
  CHECK(call.said().back() == "You said keys 1.");
  call.run_until_ms(4000);
  CHECK(call.noted<journal::SentenceEnd>().back().second.whole);
}

TEST_CASE("a key during the caller's own speech: the key counts") {
  Options options;
  options.caller = {speech(2500, 4000, "blah")};
  Conversation call(options);
  call.start();
  call.run_until_ms(3000);
  call.control(in::Dtmf{'1'});
  CHECK(call.said().back() == "You said keys 1.");
}

TEST_CASE("hold: the agent is silent, no prompt comes, and the interrupted sentence is said again after it") {
  Conversation call({});
  call.start();
  call.run_until_ms(800);
  call.control(in::Hold{});
  CHECK(call.sent<out::Clear>().size() == 1);
  const std::size_t frames = call.audio_at.size();
  call.run_until_ms(60'000);
  CHECK(call.audio_at.size() == frames);
  CHECK(call.noted<journal::NoInput>().empty());
  CHECK(call.session().deadline().has_value());
  call.control(in::Resume{});
  call.run_until_ms(63'000);
  const auto begun = call.noted<journal::SentenceStart>();
  REQUIRE(begun.size() == 2);
  CHECK(begun[0].second.text == begun[1].second.text);
  CHECK(call.noted<journal::SentenceEnd>().back().second.whole);
  call.run_until_ms(70'000);
  CHECK(call.noted<journal::NoInput>().size() == 1); // the timer runs again
}

TEST_CASE("an answer that becomes ready on hold is said after it") {
  Options options;
  options.stt_service = from_ms(1000);
  options.caller = {speech(2500, 3000, "one")};
  Conversation call(options);
  call.start();
  call.run_until_ms(3700); // the turn has ended, the words are not there yet
  call.control(in::Hold{});
  call.run_until_ms(8000);
  CHECK(call.turns() == std::vector<std::string>{"one"});
  CHECK(call.noted<journal::SentenceStart>().size() == 1);
  call.control(in::Resume{});
  call.run_until_ms(11'000);
  CHECK(call.noted<journal::SentenceStart>().size() == 2);
  CHECK(call.noted<journal::SentenceEnd>().back().second.whole);
}

TEST_CASE("held for too long: hung up") {
  Options options;
  options.config.hold_limit = from_ms(5000);
  Conversation call(options);
  call.start();
  call.run_until_ms(2000);
  call.control(in::Hold{});
  call.run_until_ms(8000);
  CHECK(call.session().ended());
  CHECK(call.sent<out::Hangup>().at(0).second.reason == "held too long");
}

TEST_CASE("transfer after the last word; a bridge that does not do it costs no silence for ever") {
  Options options;
  options.caller = {speech(2500, 3000, "operator")};
  Conversation call(options);
  call.echo().answers["operator"] = reply_that("One moment.", Reply::Transfer{"sip:200@127.0.0.1"});
  call.start();
  call.run_until_ms(6000);
  REQUIRE(call.sent<out::Transfer>().size() == 1);
  CHECK(call.sent<out::Transfer>()[0].second.target == "sip:200@127.0.0.1");
  CHECK(call.sent<out::Transfer>()[0].first >= call.noted<journal::SentenceEnd>().back().first);
  call.run_until_ms(50'000);
  CHECK(call.said().back() == "You said last trouble.");
  CHECK(call.session().ended());
}

TEST_CASE("digits are sent after the words") {
  Options options;
  options.caller = {speech(2500, 3000, "door")};
  Conversation call(options);
  call.echo().answers["door"] = reply_that("Open.", Reply::SendDigits{"55#"});
  call.start();
  call.run_until_ms(6000);
  REQUIRE(call.sent<out::Dtmf>().size() == 1);
  CHECK(call.sent<out::Dtmf>()[0].second.digits == "55#");
  CHECK_FALSE(call.session().ended());
}

TEST_CASE("stop ends everything: open requests are cancelled, every sentence is accounted for") {
  Options options;
  options.stt_service = from_ms(5000);
  options.caller = {speech(2500, 3000, "one")};
  Conversation call(options);
  call.start();
  SUBCASE("while the agent speaks") {
    call.run_until_ms(600);
    call.control(in::Stop{"bye"});
    const auto ends = call.noted<journal::SentenceEnd>();
    REQUIRE(ends.size() == 1);
    CHECK_FALSE(ends[0].second.whole);
    CHECK(ends[0].second.heard > 0);
  }
  SUBCASE("while the recogniser works") {
    call.run_until_ms(4000);
    call.control(in::Stop{"bye"});
    CHECK(call.sent<Cancel>().size() == 1);
  }
  CHECK(call.session().ended());
  CHECK_FALSE(call.session().deadline().has_value());
  const std::size_t lines = call.lines.size();
  call.run_until_ms(30'000);
  call.control(in::Dtmf{'1'});
  CHECK(call.lines.size() == lines);
}

TEST_CASE("before the start nothing happens, and there is one start only") {
  Conversation call({});
  call.run_until_ms(1000);
  CHECK(call.lines.empty());
  CHECK_FALSE(call.session().deadline().has_value());
  call.start();
  call.start();
  CHECK(call.noted<journal::Started>().size() == 1);
}
