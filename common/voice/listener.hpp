// The caller's side of a session: what is heard, when a turn of the caller begins, and when it is over.
// Not public.
//
//   idle --speech--> talking --speech ends--> pausing --pause long enough--> deciding --words--> idle
//                       ^-----speech goes on-----'-----------speech goes on-----'
//
// End of turn: in a pause the recogniser is asked on suspicion (Config::speculate_after), and its words say
// how long the pause must be: pause_needed(). Whether the turn then counts, and whether it interrupts the
// agent, is decided elsewhere (barge_in.hpp).
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "voice/config.hpp"
#include "voice/detector.hpp"
#include "voice/dialogue.hpp"
#include "voice/output_queue.hpp"
#include "voice/voice_end.hpp"

namespace talky::voice {

// What the recogniser was asked about a turn, and what it said.
struct Recognition {
  RequestId id = 0;
  Samples asked = 0;
  Samples due = 0;
  bool speculative = false;
  std::optional<SttResult> result;
  bool failed = false;

  bool open() const { return !result && !failed; }
};

// One turn of the caller, under way or over.
struct CallerTurn {
  Samples begin = 0;
  Samples end = 0;          // of its speech so far
  Samples spoken = 0;       // speech in it, without pauses, up to the last pause
  Samples stretch = 0;      // where its present stretch of speech began
  bool early = false;       // began before a greeting was heard: must not cut it off
  bool interrupted = false; // has stopped the agent
  bool joined = false;      // goes on from a turn that was answered already
  bool forced = false;      // ended by max_utterance
  Samples endpoint = 0;     // when it was taken as ended
  std::optional<Recognition> recognition;
  std::optional<VoiceEnd> voice; // how its last stretch sounded in the end
};

class Listener {
 public:
  // All are borrowed.
  Listener(const Config& config, VoiceActivity& vad, OutputQueue& out);

  // The call starts: voice activity is counted from here.
  void start() { vad_.reset(); }
  // The frame that ends at the queue's `now`: a short one is padded with silence, a long one is cut. Then
  // turn_opens() until it says no.
  void receive(std::span<const std::int16_t> frame);
  // Goes through the windows of voice activity that ended in the frame, and stops (true) behind one that
  // opens a turn. `deaf`: nothing is taken for speech. `agent_audible` is for the journal.
  bool turn_opens(bool deaf, bool agent_audible);
  // After a hold: a run of speech under way is forgotten.
  void forget_run() { detector_.reset(); }
  // Audio older than the open turn, or than `keep`, and its pre-roll is no longer needed.
  void trim(std::optional<Samples> keep);

  bool idle() const { return state_ == State::idle; }
  bool deciding() const { return state_ == State::deciding; }
  const CallerTurn& turn() const { return turn_; } // under way unless idle()
  void mark_early(bool early) { turn_.early = early; }
  void mark_interrupting() { turn_.interrupted = true; }
  // The turn before was no whole one, and this one goes on from it.
  void join(Samples begin, Samples spoken);
  // Asks the recogniser for the words of the speech under way, each time so much more has been said.
  void overhear(const Dialogue& dialogue, Samples every);
  // The words that are known of the turn under way: of all of it in a pause, else of its present speech.
  // Null: none are known, or not yet.
  const SttResult* words() const;
  // How long the caller has spoken without a pause, if that may interrupt: not into the greeting's beginning,
  // nor as the rest of an endless noise.
  std::optional<Samples> speaking_for() const;

  // The turn, once its pause is long enough and its words are known (or the recogniser has failed). Called
  // whenever time has passed or the recogniser has answered.
  std::optional<CallerTurn> ended(const Dialogue& dialogue);
  // Whoever was cut off by max_utterance and still speaks is in another turn.
  void reopen();
  // The turn under way is forgotten.
  void drop();

  // The recogniser. answered() and failed() say whether the turn under way was waiting for it.
  std::optional<Samples> asked(RequestId id) const;
  bool answered(const SttResult& result);
  bool failed(const Failure& failure);
  void expire(); // its time-out
  std::optional<Samples> deadline(const Dialogue& dialogue) const;

 private:
  enum class State : std::uint8_t { idle, talking, pausing, deciding };

  std::optional<VoiceEnd> hear_end() const;
  bool speech_started(bool agent_audible);
  void speech_ended();
  void recognise(const Dialogue& dialogue, bool speculative);
  void drop_recognition();
  void drop_overheard();
  Recognition ask(const Dialogue& dialogue, Samples from, bool speculative);
  void give_up(Recognition& recognition);
  Samples pause_needed(const Dialogue& dialogue) const;
  Recognition* waiting(RequestId id);

  const Config& config_;
  VoiceActivity& vad_;
  OutputQueue& out_;
  SpeechDetector detector_;

  std::vector<float> probabilities_; // of the windows that ended in the last frame
  std::size_t next_window_ = 0;      // of these, the first that was not looked at
  Samples heard_until_ = 0;          // end of the last window of voice activity
  Pcm history_;                      // of the caller, from history_begin_ to now
  Samples history_begin_ = 0;

  State state_ = State::idle;
  CallerTurn turn_;
  std::optional<Recognition> overheard_;     // of the speech under way, asked last
  std::optional<SttResult> overheard_words_; // what is known of it
  bool noise_ = false;                       // the detector has not fallen silent since a turn was cut off
};

} // namespace talky::voice
