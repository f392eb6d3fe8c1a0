// The agent's side of a session: the answer that is being said, from the dialogue's reply to its last word.
// Not public.
//
//   none --answer()/prompt()--> synthesised and sent by the SpeechPlayer --all of it played--> finish()
//             interrupt() --> stopped: resume() says it again, drop() gives it up
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "voice/config.hpp"
#include "voice/dialogue.hpp"
#include "voice/output_queue.hpp"
#include "voice/speech_player.hpp"

namespace talky::voice {

// What the caller's going on takes back: the end of a turn is a bet, until the answer has been heard for a
// while.
struct Undo {
  std::unique_ptr<Dialogue> before; // as it was before the turn
  Reply reply;                      // the last one before it
  int silences = 0;
  std::uint64_t turn = 0;
  std::optional<Samples> begin = std::nullopt; // of the turn's audio; a prompt into silence has none
  Samples spoken = 0;
  Samples end = 0;       // of its speech
  std::string text = {}; // its words
};

class AgentTurn {
 public:
  AgentTurn(const Config& config, OutputQueue& out) : config_(config), out_(out), player_(config, out) {}

  // The dialogue's reply to turn number `turn` (0: to none) is said, in place of whatever was there.
  void answer(Reply reply, std::uint64_t turn);
  // Said like an answer of the dialogue, which knows nothing of it and stays where it is.
  void prompt(const in::Say& say);
  void mark_greeting() { greeting_ = true; }

  // What it says is stopped: it is not yet known by what.
  void interrupt();
  // The same at the beginning of a hold, if anything is audible.
  void hold();
  // What interrupted it was nothing: it goes on with the clause in which it was stopped. After a hold: with
  // the sentence.
  void resume(bool whole_sentence = false);
  // It is given up, whether anything of it was sent or not.
  void drop();
  // Was the last word played, and can it not be taken back any more?
  bool finished() const { return spoken() && (!undo_ || idle_reply()); }
  // It is over; what is to be done after it.
  Reply::Action finish();
  // The call is over.
  void close();

  bool answering() const { return answering_; } // from answer() to finish() or drop()
  bool stopped() const { return stopped_; }     // interrupted
  bool greeting() const { return greeting_; }   // is the call's first
  bool audible() const { return player_.audible(); }
  // May what is audible not be interrupted?
  bool guarded() const { return answering_ && !reply_.interruptible && audible(); }
  bool hangs_up() const { return std::holds_alternative<Reply::Hangup>(reply_.action); }
  // The first sentence that is to be said again, 0 if there is none.
  std::uint64_t interrupted_sentence() const { return unsaid_.empty() ? 0 : unsaid_.front().number; }
  const Reply& reply() const { return reply_; } // the last one, also when it was said

  void set_undo(Undo undo) { undo_ = std::move(undo); }
  const std::optional<Undo>& undo() const { return undo_; }
  // Does speech of the caller that began at `begin` take it back?
  bool taken_back_by(Samples begin) const { return undo_ && (!undo_until() || begin <= *undo_until()); }
  // The bet is safe once its time is over; called for each frame in which the caller does not go on.
  void settle();
  // Has its last question been asked, all but the last syllable?
  bool question_asked() const;
  // Drops the answer and gives back what it takes to go on as if it had not been.
  Undo take_back();

  // The time to the answer is measured for turn number `turn`, whose speech ended at `speech_end`.
  void measure(std::uint64_t turn, Samples speech_end, Samples endpoint);
  // Reports it as soon as the first sample was sent; called after each send().
  void note_latency();

  // The language model. True: it has ended, in whatever way, and there is nothing to say.
  bool llm_answered(const LlmDelta& delta);
  bool llm_failed(const Failure& failure);
  bool llm_expired();

  // When the request was made, if its answer is still wanted.
  std::optional<Samples> asked(RequestId id) const;
  std::optional<Samples> deadline() const;
  SpeechPlayer& player() { return player_; }
  const SpeechPlayer& player() const { return player_; }

 private:
  struct Thinking { // a language model
    RequestId id = 0;
    Samples asked = 0;
    Samples due = 0;
    bool said = false; // a sentence of it was given to the player
    std::string text;  // not yet a whole sentence
  };
  struct Waterfall {
    std::uint64_t turn = 0;
    Samples speech_end = 0, endpoint = 0, stt = 0;
    std::optional<Samples> dialogue;
  };

  void begin(Reply reply);
  bool spoken() const { return answering_ && !stopped_ && !thinking_ && !player_.busy(); }
  bool idle_reply() const { return reply_.text.empty() && reply_.action.index() == 0; }
  std::optional<Samples> undo_until() const;
  void ask_llm();
  std::vector<std::string> whole_sentences(bool last);
  void stop_thinking();

  const Config& config_;
  OutputQueue& out_;
  SpeechPlayer player_;

  Reply reply_;
  std::string voice_; // of the dialogue's last reply
  bool answering_ = false;
  bool stopped_ = false;
  bool greeting_ = false;
  std::vector<SpeechPlayer::Unsaid> unsaid_; // of the answer that was interrupted
  std::optional<Undo> undo_;
  std::optional<Samples> begun_at_; // its first sample, whatever has stopped it since
  std::optional<Thinking> thinking_;
  std::optional<Waterfall> waterfall_;
};

} // namespace talky::voice
