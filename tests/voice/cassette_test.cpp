// A conversation is recorded with its engines, and runs again without them, byte for byte.
#include "voice/cassette.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <list>

#include "core/random.hpp"
#include "harness.hpp"
#include "voice/session.hpp"

using namespace talky;
using namespace talky::voice;
using namespace talky::voice::test;

namespace {

const std::vector<Speech>& script() {
  static const std::vector<Speech> kScript = {
      speech(700, 1400, "one moment please"), speech(4000, 4600, "I would like"),
      speech(4900, 5600, "an appointment"), speech(8200, 8500, ""), speech(11'000, 11'900, "bye")};
  return kScript;
}

std::unique_ptr<Dialogue> dialogue() {
  auto echo = std::make_unique<EchoDialogue>();
  echo->greeting.text = "Hello, this is the test.";
  Reply bye;
  bye.text = "Goodbye, and have a nice day.";
  bye.action = Reply::Hangup{"goodbye"};
  echo->answers["bye"] = bye;
  return echo;
}

Config config() {
  Config c;
  c.lockstep = true;
  c.reports = false;
  return c;
}

// The caller's audio: nothing but its length matters to the scripted engines, its bytes to the hash of a
// request.
Pcm caller_frame(Samples at) {
  Pcm frame(kFrameSamples);
  for (std::size_t i = 0; i < frame.size(); ++i)
    frame[i] = static_cast<std::int16_t>((at + static_cast<Samples>(i)) * 2654435761 >> 7 & 0x7ff);
  return frame;
}

struct Run {
  std::vector<std::string> journal;
  Pcm audio;
  std::size_t missing = 0;
};

// Live: the engines take wall-clock time, i.e. an answer comes between later frames, in an order of its own.
Run record(std::string& text) {
  ScriptedVad scripted(script());
  CassetteWriter writer;
  RecordingVad vad(scripted, writer);
  Session session(config(), dialogue(), vad, Random(11));
  Random wall(3);
  struct Late {
    Samples at;
    Answer answer;
  };
  std::list<Late> late;
  Run run;
  const auto pump = [&] {
    while (auto output = session.poll()) {
      if (auto* line = std::get_if<JournalLine>(&*output)) run.journal.push_back(line->text);
      if (auto* audio = std::get_if<out::Audio>(&*output))
        run.audio.insert(run.audio.end(), audio->pcm.begin(), audio->pcm.end());
      std::optional<Request> request;
      if (auto* stt = std::get_if<SttRequest>(&*output)) request = *stt;
      if (auto* tts = std::get_if<TtsRequest>(&*output)) request = *tts;
      if (auto* cancel = std::get_if<Cancel>(&*output)) request = *cancel;
      if (!request) continue;
      writer.request(*request);
      const auto now = session.now();
      if (const auto* stt = std::get_if<SttRequest>(&*request)) {
        std::string heard;
        const Samples begin = stt->at - static_cast<Samples>(stt->pcm->size());
        for (const Speech& s : script())
          if (s.begin >= begin && s.begin < stt->at && !s.text.empty())
            heard += (heard.empty() ? "" : " ") + s.text;
        const auto wait = static_cast<Samples>(wall.below(3000));
        late.push_back({now + wait, SttResult{stt->id, heard, 0.91234F, wait}});
      } else if (const auto* tts = std::get_if<TtsRequest>(&*request)) {
        Pcm pcm(tts->text.size() * 900, 700);
        const auto wait = static_cast<Samples>(wall.below(2000));
        late.push_back({now + wait, TtsChunk{tts->id, pcm, false, wait}});
        late.push_back({now + wait + 500, TtsChunk{tts->id, pcm, true, wait + 500}});
      }
    }
  };
  in::Start start = a_start();
  start.headers = {{"X-Note", "a \"quoted\" \xff text"}};
  writer.start(start, 11);
  session.control(start);
  pump();
  for (int frame = 0; frame < 900; ++frame) {
    for (bool more = true; more;) {
      more = false;
      for (auto it = late.begin(); it != late.end(); ++it) {
        if (it->at > session.now()) continue;
        const Answer answer = it->answer;
        late.erase(it);
        session.answer(writer.answer(answer, session.now()));
        more = true;
        break;
      }
    }
    pump();
    session.receive(caller_frame(session.now()));
    pump();
  }
  writer.finish();
  while (auto line = writer.poll())
    text += *line + '\n';
  return run;
}

Run play(const std::shared_ptr<const Cassette>& cassette) {
  PlayingVad vad(cassette);
  CassetteEngine engine(cassette);
  Session session(config(), dialogue(), vad, Random(cassette->seed()));
  Run run;
  const auto pump = [&] {
    bool more = true;
    while (more) {
      more = false;
      while (auto output = session.poll()) {
        if (auto* line = std::get_if<JournalLine>(&*output)) run.journal.push_back(line->text);
        if (auto* audio = std::get_if<out::Audio>(&*output))
          run.audio.insert(run.audio.end(), audio->pcm.begin(), audio->pcm.end());
        if (auto* stt = std::get_if<SttRequest>(&*output)) engine.request(*stt);
        if (auto* tts = std::get_if<TtsRequest>(&*output)) engine.request(*tts);
        if (auto* cancel = std::get_if<Cancel>(&*output)) engine.request(*cancel);
      }
      while (auto answer = engine.poll()) {
        session.answer(*answer);
        more = true;
      }
    }
  };
  session.control(cassette->start());
  pump();
  for (int frame = 0; frame < 900; ++frame) {
    session.receive(caller_frame(session.now()));
    pump();
  }
  run.missing = engine.missing();
  return run;
}

} // namespace

TEST_CASE("a recorded conversation runs again without its engines, byte for byte") {
  std::string text;
  const Run live = record(text);
  auto cassette = Cassette::parse(text);
  REQUIRE(cassette);
  CHECK(cassette->seed() == 11);
  CHECK(cassette->start().call_id == a_start().call_id);
  CHECK(cassette->start().moment == a_start().moment);
  CHECK(cassette->activity().size() > 450); // up to the hang-up
  const auto shared = std::make_shared<const Cassette>(std::move(*cassette));
  const Run first = play(shared);
  const Run second = play(shared);
  CHECK(first.missing == 0);
  CHECK(first.journal == second.journal);
  CHECK(first.audio == second.audio);
  // And it is the live conversation.
  CHECK(live.journal.size() > 30);
  CHECK(first.journal == live.journal);
  CHECK(first.audio == live.audio);
}

TEST_CASE("what is not on the cassette fails and is counted") {
  std::string text;
  record(text);
  auto cassette = Cassette::parse(text);
  REQUIRE(cassette);
  CassetteEngine engine(std::make_shared<const Cassette>(std::move(*cassette)));
  engine.request(TtsRequest{77, 0, "Never said.", "Sophia"});
  const auto answer = engine.poll();
  REQUIRE(answer);
  CHECK(std::get<Failure>(*answer).reason == "not on the cassette");
  CHECK(std::get<Failure>(*answer).id == 77);
  CHECK(engine.missing() == 1);
  CHECK_FALSE(engine.poll());
  // A sentence that was said is found under a new id.
  engine.request(TtsRequest{78, 0, "Hello, this is the test.", "Sophia"});
  const auto chunk = engine.poll();
  REQUIRE(chunk);
  CHECK(id_of(*chunk) == 78);
  CHECK(std::get<TtsChunk>(*chunk).pcm.size() == 24 * 900);
}

TEST_CASE("a broken cassette is refused with the offset of the line") {
  std::string text;
  record(text);
  const std::size_t second = text.find('\n') + 1;
  CHECK(Cassette::parse("").error().code == Errc::truncated);
  CHECK(Cassette::parse(text.substr(second)).error().code == Errc::malformed); // no head
  std::string broken = text;
  broken.insert(
      second,
      "{\"type\":\"answer\",\"id\":424242,\"service\":0,\"kind\":\"stt\",\"text\":\"\",\"confidence\":1}\n");
  const auto refused = Cassette::parse(broken);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().offset == second);
  broken = text;
  broken.insert(second, "nonsense\n");
  REQUIRE_FALSE(Cassette::parse(broken));
  CHECK(Cassette::parse(broken).error().offset == second);
}

TEST_CASE("PCM goes through a cassette unchanged, whatever its length") {
  Random random(5);
  for (std::size_t length = 0; length < 20; ++length) {
    Pcm pcm(length);
    for (std::int16_t& sample : pcm)
      sample = static_cast<std::int16_t>(random.u16());
    CassetteWriter writer;
    writer.start(a_start(), 1);
    writer.request(TtsRequest{1, 0, "x", "v"});
    writer.answer(TtsChunk{1, pcm, true, 5}, 0);
    writer.finish();
    std::string text;
    while (auto line = writer.poll())
      text += *line + '\n';
    const auto cassette = Cassette::parse(text);
    REQUIRE(cassette);
    CHECK(std::get<TtsChunk>(cassette->exchanges().at(0).answers.at(0)).pcm == pcm);
  }
}

TEST_CASE("the same audio with something else expected is another request") {
  const auto pcm = std::make_shared<Pcm>(caller_frame(0));
  const auto key = [&](Expectation expected) {
    CassetteWriter writer;
    writer.start(a_start(), 1);
    writer.request(SttRequest{1, 0, pcm, false, std::move(expected)});
    std::string text;
    while (auto line = writer.poll())
      text += *line + '\n';
    return Cassette::parse(text)->exchanges().at(0).key;
  };
  const std::string open = key({});
  CHECK(key({}) == open);
  CHECK(key({Expectation::Kind::digits, {}, 11}) != open);
  CHECK(key({Expectation::Kind::digits, {}, 11}) != key({Expectation::Kind::digits, {}, 7}));
  CHECK(key({Expectation::Kind::choice, {"cut"}, 0}) != key({Expectation::Kind::choice, {"shave"}, 0}));
}
