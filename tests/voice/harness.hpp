// A conversation in a test: a caller who speaks by a script, engines that answer from it, a bridge that plays
// and reports, all in media time. Nothing here is random or knows a clock.
#pragma once
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "voice/journal.hpp"
#include "voice/session.hpp"

namespace talky::voice::test {

// Speech of the caller in media time; `text` is what the recogniser hears in it ("" for a noise).
struct Speech {
  Samples begin = 0;
  Samples end = 0;
  std::string text;
};

// Voice activity by annotation: a window is speech if half of it is.
class ScriptedVad final : public VoiceActivity {
 public:
  explicit ScriptedVad(const std::vector<Speech>& script) : script_(script) {}
  Samples window() const override { return 512; }
  void process(std::span<const std::int16_t> frame, std::vector<float>& probabilities) override;
  void reset() override { position_ = done_ = 0; }

 private:
  const std::vector<Speech>& script_;
  Samples position_ = 0;
  Samples done_ = 0;
};

// A dialogue that says back what it heard, unless told otherwise.
class EchoDialogue final : public Dialogue {
 public:
  Reply start(const in::Start& start, Random& random) override;
  Reply answer(const Heard& heard, Random& random) override;
  language::Completeness completeness(const Utterance& utterance) const override;
  language::Completeness completeness(const Digits& digits) const override;
  Expectation expectation() const override { return expected; }
  // One slot: the words that were heard last.
  std::vector<SlotValue> slots() const override {
    return last_heard.empty() ? std::vector<SlotValue>{} : std::vector<SlotValue>{{"heard", last_heard}};
  }
  std::unique_ptr<Dialogue> clone() const override { return std::make_unique<EchoDialogue>(*this); }

  Reply greeting;
  std::map<std::string, Reply> answers; // by what was heard
  Expectation expected;
  std::string last_heard;
  int turns = 0;
};

struct Options {
  Config config;
  Samples stt_service = from_ms(120);
  Samples tts_service = from_ms(20);
  Samples tts_per_character = 1000; // samples of audio
  bool reports = true;              // does the bridge send them?
  Samples report_delay = 0;
  std::vector<Speech> caller;
};

class Conversation {
 public:
  explicit Conversation(Options options, std::unique_ptr<Dialogue> dialogue = nullptr);

  void start();
  // Runs to this media time.
  void run_until_ms(std::int64_t ms);
  void control(const Control& control);

  // Called for a request before it is answered; true: the test answers it itself (or not at all).
  std::function<bool(const Request&)> intercept;
  // Called before each frame.
  std::function<void(Samples now)> before_frame;

  Session& session() { return *session_; }
  EchoDialogue& echo() { return *echo_; }
  std::vector<Speech>& caller() { return options_.caller; }

  // What came out.
  std::vector<journal::Entry> entries;
  std::vector<std::string> lines;
  std::vector<std::pair<Samples, Output>> outputs; // all but audio and journal, with the time
  std::vector<Samples> audio_at;                   // time of each frame of audio that left the session
  Pcm audio;                                       // of the agent, as sent
  std::vector<Request> requests;

  template <class T>
  std::vector<std::pair<Samples, T>> noted() const {
    std::vector<std::pair<Samples, T>> out;
    for (const journal::Entry& entry : entries)
      if (const T* what = std::get_if<T>(&entry.what)) out.emplace_back(entry.at, *what);
    return out;
  }
  template <class T>
  std::vector<std::pair<Samples, T>> sent() const {
    std::vector<std::pair<Samples, T>> out;
    for (const auto& [at, output] : outputs)
      if (const T* what = std::get_if<T>(&output)) out.emplace_back(at, *what);
    return out;
  }
  // Texts of the agent's answers.
  std::vector<std::string> said() const;
  std::vector<std::string> turns() const;
  // Is the bridge playing agent audio?
  bool playing() const { return !queue_.empty() && !stopped_; }
  Samples played() const { return played_; }
  bool lockstep() const { return options_.config.lockstep; }
  // Samples of synthesised speech that came out whole (tests count them against what was asked).
  static bool loud(std::int16_t sample) { return sample != 0; }

  // One frame.
  void step();
  void drain();
  void answer_request(const Request& request);
  std::string heard_text(const SttRequest& request) const;

 private:
  struct Queued {
    std::int16_t sample = 0;
    std::string mark; // not empty: a mark, no sample
  };
  void play();
  void report(const Control& control);

  Options options_;
  EchoDialogue* echo_ = nullptr;
  std::unique_ptr<ScriptedVad> vad_;
  std::unique_ptr<Session> session_;
  std::deque<Queued> queue_;
  std::deque<std::pair<Samples, Control>> reports_;
  Samples played_ = 0;
  bool stopped_ = false;
};

inline Speech speech(std::int64_t begin_ms, std::int64_t end_ms, std::string text) {
  return {from_ms(begin_ms), from_ms(end_ms), std::move(text)};
}

inline in::Start a_start() {
  in::Start start;
  start.call_id = "0b2c7a34-7f5e-4f57-8a70-0d6f5f0ce111";
  start.from = "sip:anna@127.0.0.1";
  start.to = "sip:100@127.0.0.1";
  start.moment = {2026, 11, 23, 10, 15}; // a Monday
  return start;
}

// What a dialogue says when it does something afterwards; nobody talks over it.
inline Reply reply_that(std::string text, Reply::Action action) {
  Reply reply;
  reply.text = std::move(text);
  reply.action = std::move(action);
  reply.interruptible = false;
  return reply;
}

} // namespace talky::voice::test
