// The inside of a Session. Not public.
//
// The ear:  idle --speech--> talking --speech ends--> pausing --pause long enough--> deciding --words--> idle
//                               ^-----speech goes on-----'-----------speech goes on-----'
// The answer: none --perform()--> synthesised and sent by the Speaker --all of it played--> finish() --> none
// Everything that can be waited for has a time-out in deadline(); what none of them covers is the silence
// timer.
#pragma once
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "voice/detector.hpp"
#include "voice/outbox.hpp"
#include "voice/session.hpp"
#include "voice/speaker.hpp"

namespace talky::voice {

// A bridge that was told to transfer and is still here after this long has not done it.
inline constexpr Samples kTransferLimit = from_ms(30'000);

class Session::Impl {
 public:
  Impl(Config config, std::unique_ptr<Dialogue> dialogue, VoiceActivity& vad, Random random);

  void receive(std::span<const std::int16_t> frame);
  void control(const Control& control);
  void answer(const Answer& answer);
  std::optional<Output> poll();
  Samples now() const { return out_.now; }
  std::optional<Samples> deadline() const;
  bool ended() const { return ended_; }

 private:
  enum class Ear : std::uint8_t { idle, talking, pausing, deciding };

  // What the recogniser was asked about the open utterance, and what it said.
  struct Recognition {
    RequestId id = 0;
    Samples asked = 0;
    Samples due = 0;
    bool speculative = false;
    std::optional<SttResult> result;
    bool failed = false;
  };
  // The caller's open utterance.
  struct Heard {
    Samples begin = 0;
    Samples end = 0;          // of its speech so far
    Samples spoken = 0;       // speech in it, without pauses, up to the last pause
    Samples stretch = 0;      // where its present stretch of speech began
    bool early = false;       // began before a greeting was heard: must not cut it off
    bool interrupted = false; // has stopped the agent
    bool forced = false;      // ended by max_utterance
    Samples endpoint = 0;     // when the turn was taken as ended
    std::optional<Recognition> recognition;
  };
  // What the caller's going on takes back, as long as nothing of the answer was sent.
  struct Undo {
    std::unique_ptr<Dialogue> before;
    Reply reply;
    int silences = 0;
    std::uint64_t turn = 0;
    std::optional<Samples> begin; // of the turn's audio
    Samples spoken = 0;
  };
  struct Thinking { // a language model
    RequestId id = 0;
    Samples asked = 0;
    Samples due = 0;
    bool said = false; // a sentence of it was given to the speaker
    std::string text;  // not yet a whole sentence
  };
  struct Waterfall {
    std::uint64_t turn = 0;
    Samples speech_end = 0, endpoint = 0, stt = 0;
    std::optional<Samples> dialogue;
  };
  struct Pending { // an answer that has not taken effect yet
    Samples effect = 0;
    RequestId id = 0;
    std::uint64_t order = 0;
    voice::Answer answer;
  };

  // session.cpp: what comes in
  void act_on_answers();
  void act(const SttResult& result);
  void act(const TtsChunk& chunk);
  void act(const LlmDelta& delta);
  void act(const Failure& failure);
  void on(const in::Start& start);
  void on(const in::Dtmf& dtmf);
  void on(const in::Mark& mark);
  void on(const in::Cleared& cleared);
  void on(const in::Hold& hold);
  void on(const in::Resume&);
  void on(const in::Say& say);
  void on(const in::Stop& stop);
  void expire();
  void trim_history();

  // session_ear.cpp: the caller's turn
  void listen(std::span<const std::int16_t> frame);
  void speech_started();
  void speech_ended();
  void open_utterance(Samples begin);
  void close_utterance();
  void check_barge_in();
  void check_pause();
  void recognise(bool speculative);
  void drop_recognition();
  Samples pause_needed() const;
  void decide();
  void decide_nothing(const Heard& heard);
  void decide_words(const Heard& heard, const SttResult& result);
  void barge_in(const char* by, Samples begin);
  void resume_answer();
  void undo_answer();
  bool guarded() const; // may the present answer not be interrupted?

  // session_answer.cpp: the agent's turn
  void take_turn(const std::string& text, float confidence, const Heard& heard);
  void take_digits();
  void silence_prompt();
  void trouble();
  void say_prompt();
  void perform(Reply reply, std::uint64_t turn);
  void begin_answer(Reply reply);
  void ask_llm(const Reply& reply);
  void llm_text(bool last);
  void drop_answer();
  void finish();
  void note_latency();
  void hang_up(const std::string& reason);
  void end();

  Config config_;
  std::unique_ptr<Dialogue> dialogue_;
  VoiceActivity& vad_;
  Random random_;
  Outbox out_;
  Speaker speaker_;
  SpeechDetector detector_;

  std::vector<Pending> pending_; // kept in order of (effect, id, arrival)
  std::uint64_t arrivals_ = 0;

  std::vector<float> probabilities_;
  Samples heard_until_ = 0; // end of the last window of voice activity
  Pcm history_;             // of the caller, from history_begin_ to now
  Samples history_begin_ = 0;

  Ear ear_ = Ear::idle;
  Heard heard_;
  bool noise_ = false; // the detector has not fallen silent since an utterance was cut off

  std::string digits_;
  Samples digits_due_ = 0;

  std::deque<in::Say> prompts_; // that wait until nobody speaks
  std::string voice_;           // of the dialogue's last reply

  Reply reply_;
  bool answering_ = false; // from perform() to finish()
  bool stopped_ = false;   // it was interrupted, and it is not yet known by what
  bool greeting_ = false;  // the present answer is the greeting
  std::optional<Undo> undo_;
  std::optional<Thinking> thinking_;
  std::optional<Waterfall> waterfall_;
  std::vector<Speaker::Unsaid>
      unsaid_; // of the answer that was interrupted, to be said again if nothing comes of it
  std::optional<std::pair<std::string, float>> deferred_; // a turn taken after a guarded answer
  Heard deferred_heard_;
  int false_interruptions_ = 0;

  std::uint64_t turn_ = 0;
  int silences_ = 0;
  int failures_ = 0;
  Samples listening_since_ = 0;
  std::optional<Samples> held_since_;
  std::optional<Samples> transfer_due_;
  bool started_ = false;
  bool ended_ = false;
};

} // namespace talky::voice
