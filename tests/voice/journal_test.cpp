#include "voice/journal.hpp"

#include <doctest/doctest.h>

#include "voice/dialogue.hpp"

using namespace talky;
using namespace talky::voice;

TEST_CASE("a start names the voice that was chosen, if one was") {
  journal::Entry entry{0, journal::Started{{"id", "", "", {}, {2026, 11, 22, 13, 37}, "Emma"}}};
  const std::string line = journal::to_line(entry);
  CHECK(line.ends_with(R"("minute":37,"voice":"Emma"})"));
  const auto read = journal::parse_line(line);
  REQUIRE(read);
  CHECK(std::get<journal::Started>(read->what).start.voice == "Emma");
  std::get<journal::Started>(entry.what).start.voice.clear();
  CHECK(journal::to_line(entry).find("voice") == std::string::npos);
}

TEST_CASE("entries are one line of JSON each, and read back as they were") {
  const std::vector<journal::Entry> entries = {
      {0,
       journal::Started{
           {"id", "sip:a@b", "sip:c@d", {{"X-A", "1"}, {"X-B", "\"\n"}}, {2026, 11, 22, 13, 37}}}},
      {320, journal::SpeechStart{100, true}},
      {640, journal::SpeechEnd{600}},
      {640, journal::Requested{3, "stt", "", true, 9999, "yes-no"}},
      {960, journal::Answered{3, "stt", "caf\xc3\xa9 \\ \"ok\"", 0.125F, 320, 0}},
      {960, journal::Failed{4, "tts", "x"}},
      {960, journal::Cancelled{4, "tts"}},
      {960, journal::Turn{1, 100, 600, "hello", 1.0F}},
      {960, journal::TurnReopened{1}},
      {960, journal::Digits{"12#"}},
      {960, journal::DtmfIn{'#'}},
      {960, journal::NoInput{2, true}},
      {960, journal::Answer{1, "Hi.", "greeting", "hello"}},
      {960, journal::Prompt{"One moment.", "Emma", false}},
      {960, journal::SentenceStart{7, "Hi.", "Emma", 123'456'789'012}},
      {960, journal::SentenceEnd{7, 100, 50, false}},
      {960, journal::BargeIn{900, "speech"}},
      {960, journal::FalseInterruption{7}},
      {960, journal::Ducked{true}},
      {960, journal::Latency{1, 1, 2, 3, 4, 5, 15}},
      {960, journal::Mark{"s7", 5}},
      {960, journal::Cleared{5, 6}},
      {960, journal::Held{}},
      {960, journal::Resumed{}},
      {960, journal::Transferred{"sip:x@y"}},
      {960, journal::SentDigits{"1"}},
      {960, journal::HungUp{"goodbye"}},
      {960, journal::Stopped{"bye"}},
      {960, journal::Slots{{{"date", "2026-12-01"}, {"name", "O\"x"}}}}};
  CHECK(entries.size() == std::variant_size_v<journal::What>);
  std::string text;
  for (const journal::Entry& entry : entries) {
    const std::string line = journal::to_line(entry);
    CHECK(line.find('\n') == std::string::npos);
    const auto read = journal::parse_line(line);
    REQUIRE(read);
    CHECK(read->at == entry.at);
    CHECK(read->what.index() == entry.what.index());
    CHECK(journal::to_line(*read) == line);
    text += line + "\r\n\n";
  }
  const auto all = journal::parse(text);
  REQUIRE(all);
  CHECK(all->size() == entries.size());
  CHECK(journal::to_line(entries[1]) == R"({"at":320,"type":"speech_start","begin":100,"over_agent":true})");
  CHECK(journal::to_line(entries[4]) ==
        "{\"at\":960,\"type\":\"answer\",\"id\":3,\"kind\":\"stt\",\"text\":\"caf\xc3\xa9 \\\\ \\\"ok\\\"\","
        "\"confidence\":0.125,\"service\":320,\"length\":0}");
}

TEST_CASE("bad lines are refused, with their offset") {
  CHECK(journal::parse_line("").error().code == Errc::malformed);
  CHECK(journal::parse_line("[1]").error().code == Errc::malformed);
  CHECK(journal::parse_line("{\"at\":1}").error().code == Errc::malformed);
  CHECK(journal::parse_line("{\"at\":1,\"type\":\"nonsense\"}").error().code == Errc::unsupported);
  CHECK(journal::parse_line("{\"at\":1,\"type\":\"speech_end\"}").error().code == Errc::malformed);
  CHECK(journal::parse_line("{\"at\":1,\"type\":\"dtmf\",\"digit\":\"12\"}").error().code == Errc::malformed);
  const std::string good = "{\"at\":1,\"type\":\"hold\"}\n";
  const auto refused = journal::parse(good + good + R"({"at":1,"type":"hold")");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().offset == 2 * good.size());
}

TEST_CASE("text that is not UTF-8 becomes it") {
  const auto line = journal::to_line({1, journal::HungUp{"\x01\xfe\"\\\n"}});
  CHECK(journal::parse_line(line));
}

TEST_CASE("the transcript holds what was heard, in the order in which it began") {
  using namespace journal;
  std::vector<Entry> entries = {{100, SentenceStart{1, "Good morning, how are you?", "Emma", 0}},
                                {200, SentenceEnd{1, 1000, 1000, true}},
                                {300, Turn{1, 250, 290, "fine", 1.0F}},
                                {400, SentenceStart{2, "I am glad to hear that you are fine.", "Emma", 1000}},
                                {450, BargeIn{440, "speech"}},
                                {500, Turn{2, 440, 490, "what", 1.0F}},
                                {510, SentenceEnd{2, 3600, 1000, false}}, // the report came after the turn
                                {520, SentenceStart{3, "Nobody knows whether this was heard.", "Emma", 2000}},
                                {530, journal::Digits{"12"}}};
  const auto said = transcript(entries);
  REQUIRE(said.size() == 5);
  CHECK(said[0].text == "Good morning, how are you?");
  CHECK(said[2].text == "I am glad"); // 10 of 36 characters; "to" was begun
  CHECK(said[2].cut);
  CHECK(said[3].text == "what");
  CHECK(said[4].text == "[keys 12]");
  CHECK(to_text(said).find("agent:  I am glad --") != std::string::npos);
  const auto messages = context(entries, "");
  REQUIRE(messages.size() == 4);
  CHECK(messages[0] == LlmMessage{LlmMessage::Role::assistant, "Good morning, how are you?"});
  CHECK(messages[3] == LlmMessage{LlmMessage::Role::user, "what [keys 12]"});

  // Nothing of it was heard: it is not there at all.
  entries[6] = {510, SentenceEnd{2, 3600, 0, false}};
  CHECK(transcript(entries).size() == 4);
}
