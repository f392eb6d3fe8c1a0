// Whatever happens, in whatever order: the agent speaks, listens with a timer running, or has ended.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/random.hpp"
#include "harness.hpp"
#include "voice/session.hpp"

using namespace talky;
using namespace talky::voice;
using namespace talky::voice::test;

namespace {

// A length of up to `ms`.
Samples up_to(Random& random, std::int64_t ms) {
  return static_cast<Samples>(random.below(static_cast<std::uint64_t>(from_ms(ms))));
}

Options random_options(Random& random) {
  Options options;
  const char* texts[] = {"",         "",    "yes", "um",  "good morning", "tell me",
                         "wait and", "bye", "mhm", "llm", "quiet",        "transfer"};
  Samples at = 0;
  while (at < from_ms(40'000)) {
    at += up_to(random, 4000);
    const Samples end = at + 200 + up_to(random, random.below(10) == 0 ? 9000 : 1500);
    options.caller.push_back({at, end, texts[random.below(std::size(texts))]});
    at = end;
  }
  options.config.lockstep = random.below(2) == 0;
  options.config.reports = random.below(3) != 0;
  options.reports = options.config.reports && random.below(4) != 0;
  options.report_delay = up_to(random, 300);
  options.config.lead = up_to(random, 500);
  options.config.max_utterance = from_ms(6000);
  options.stt_service = up_to(random, 1500);
  options.tts_service = up_to(random, 600);
  return options;
}

void teach(EchoDialogue& echo) {
  echo.answers["tell me"].text = "This is one sentence. This is another. And this is the last one of them.";
  Reply bye;
  bye.text = "Goodbye.";
  bye.action = Reply::Hangup{"goodbye"};
  bye.interruptible = false;
  echo.answers["bye"] = bye;
  echo.answers["last silence"] = bye;
  Reply llm;
  llm.ask_llm = true;
  echo.answers["llm"] = llm;
  echo.answers["quiet"] = Reply{}; // a dialogue that breaks its promise
  Reply transfer;
  transfer.action = Reply::Transfer{"sip:200@127.0.0.1"};
  echo.answers["transfer"] = transfer;
}

// The longest that anything may take without a sound, a request or an end: the silence timer, the longest
// time-out of an engine, the transfer limit and the utterance limit, each with a margin.
constexpr Samples kLongestQuiet = from_ms(32'000);

class Chaos {
 public:
  explicit Chaos(std::uint64_t seed) : random_(seed), call_(random_options(random_)) {
    teach(call_.echo());
    call_.intercept = [this](const Request& request) { return answer_badly(request); };
  }

  void run() {
    call_.start();
    bool held = false;
    Samples quiet_since = 0;
    std::size_t seen = 0;
    std::size_t frames = 0;
    for (int frame = 0; frame < 3000; ++frame) {
      if (random_.below(200) == 0) {
        held = !held;
        call_.control(held ? Control(in::Hold{}) : Control(in::Resume{}));
      }
      if (random_.below(400) == 0) call_.control(in::Hold{held = true});
      if (random_.below(200) == 0)
        call_.control(in::Say{"A word from outside.", "", random_.below(2) == 0, random_.below(3) == 0});
      if (random_.below(150) == 0) call_.control(in::Dtmf{"0123456789*#"[random_.below(12)]});
      if (random_.below(300) == 0) call_.control(in::Mark{"s" + std::to_string(random_.below(9)), 0});
      if (random_.below(300) == 0) call_.control(in::Cleared{static_cast<Samples>(random_.below(1000)), 0});
      if (frame == 2900 && random_.below(2) == 0) call_.control(in::Stop{"caller hung up"});
      const bool was_over = call_.session().ended();
      const std::size_t audio = call_.audio_at.size();
      call_.step();
      Session& session = call_.session();
      if (session.ended()) {
        CHECK_FALSE(session.deadline().has_value());
      } else {
        REQUIRE(session.deadline().has_value());
        REQUIRE(*session.deadline() > session.now());
        REQUIRE(*session.deadline() <= session.now() + from_ms(31L * 60 * 1000));
      }
      if (call_.lockstep()) {
        REQUIRE(call_.audio_at.size() == audio + 1);
      } else if (was_over) {
        REQUIRE(call_.audio_at.size() == audio);
      }
      // Something must happen again and again.
      if (call_.lines.size() != seen || (!call_.lockstep() && call_.audio_at.size() != frames) || held ||
          session.ended())
        quiet_since = session.now();
      seen = call_.lines.size();
      frames = call_.audio_at.size();
      REQUIRE(session.now() - quiet_since <= kLongestQuiet);
    }
    check_journal();
  }

  Conversation& call() { return call_; }

 private:
  // Fails, stays silent, answers twice, in pieces, or properly.
  bool answer_badly(const Request& request) {
    Session& session = call_.session();
    const RequestId id = id_of(request);
    const auto later = up_to(random_, 2000);
    if (std::holds_alternative<LlmRequest>(request)) {
      session.answer(LlmDelta{id, "I think. There", false, later});
      if (random_.below(3) != 0)
        session.answer(LlmDelta{id, " fore I am.", random_.below(3) != 0, 2 * later});
      return true;
    }
    switch (random_.below(12)) {
      case 0: session.answer(Failure{id, "broken", later}); return true;
      case 1: return std::holds_alternative<SttRequest>(request); // never
      case 2: call_.answer_request(request); return false;        // twice
      case 3:
        if (!std::holds_alternative<TtsRequest>(request)) return false;
        session.answer(TtsChunk{id, Pcm(random_.below(4000), 1), false, later});
        session.answer(TtsChunk{id, Pcm(random_.below(4000), 1), random_.below(4) != 0, 3 * later});
        return true;
      default: return false;
    }
  }

  void check_journal() {
    CHECK(call_.lines.size() == call_.entries.size()); // every line can be read back
    Samples last = 0;
    std::set<std::uint64_t> open;
    for (std::size_t i = 0; i < call_.entries.size(); ++i) {
      const journal::Entry& entry = call_.entries[i];
      CHECK(journal::to_line(entry) == call_.lines[i]);
      REQUIRE(entry.at >= last); // media time never runs backwards
      last = entry.at;
      if (const auto* w = std::get_if<journal::Latency>(&entry.what)) {
        CHECK(w->endpoint + w->stt + w->dialogue + w->tts + w->out == w->total);
        CHECK(std::min({w->endpoint, w->stt, w->dialogue, w->tts, w->out}) >= 0);
      }
      if (const auto* begun = std::get_if<journal::SentenceStart>(&entry.what)) {
        CHECK(open.insert(begun->sentence).second);
      }
      if (const auto* ended = std::get_if<journal::SentenceEnd>(&entry.what)) {
        CHECK(open.erase(ended->sentence) == 1); // once, and only what was begun
        CHECK(ended->heard >= 0);
        CHECK(ended->heard <= ended->length);
      }
    }
    if (call_.session().ended()) CHECK(open.empty());
    const auto hangups = call_.sent<out::Hangup>();
    CHECK(hangups.size() <= 1);
  }

  Random random_;
  Conversation call_;
};

} // namespace

TEST_CASE("no silence for ever, whatever callers, engines and bridges do") {
  for (std::uint64_t seed = 1; seed <= 150; ++seed) {
    CAPTURE(seed);
    Chaos chaos(seed);
    chaos.run();
  }
}

TEST_CASE("the same events give the same outputs, byte for byte") {
  for (std::uint64_t seed = 500; seed < 510; ++seed) {
    Chaos a(seed);
    Chaos b(seed);
    a.run();
    b.run();
    CHECK(a.call().lines == b.call().lines);
    CHECK(a.call().audio == b.call().audio);
    CHECK(a.call().audio_at == b.call().audio_at);
  }
}
