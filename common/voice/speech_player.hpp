// What the agent says: sentences are synthesised one ahead, cut into frames, and followed until it is known
// how much of each the caller heard. Not public; the parts of a session talk through an OutputQueue.
#pragma once
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "audio/ducking.hpp"
#include "voice/config.hpp"
#include "voice/control.hpp"
#include "voice/output_queue.hpp"
#include "voice/own_voice.hpp"

namespace talky::voice {

class SpeechPlayer {
 public:
  // What is left of an answer that was stopped: the sentence that was interrupted comes first.
  struct Unsaid {
    std::uint64_t number; // of the sentence
    std::string text;
  };

  SpeechPlayer(const Config& config, OutputQueue& out) : config_(config), out_(out) {}

  // A new answer begins: the next sample sent is its first.
  void begin_answer();
  void say(const std::vector<std::string>& sentences, const std::string& voice);
  // Sentences of the same answer may still follow: a language model is at it.
  void expect_more(bool more) { more_ = more; }
  // Nothing more is sent, and what the bridge has not played is thrown away.
  std::vector<Unsaid> stop();
  // Speaks more quietly, or not.
  void duck(bool on);
  // The call is over: nothing more is asked for, and what was heard is accounted for by estimate. The bridge
  // may play what it has.
  void close();
  // While paused nothing is sent; synthesis goes on.
  void pause(bool paused) { paused_ = paused; }

  // Sends what is due: called once for each received frame, after `now` has moved on.
  void send();
  // Time-outs of synthesis and of the bridge's reports.
  void expire();
  std::optional<Samples> deadline() const;

  // When the request was made, if its answer is still wanted.
  std::optional<Samples> asked(RequestId id) const;
  void chunk(const TtsChunk& chunk);
  void failed(const Failure& failure);
  void mark(const in::Mark& mark);
  void cleared(const in::Cleared& cleared);

  // Is anything still to be synthesised, sent or played?
  bool busy() const { return !queue_.empty() || !playing_.empty() || more_; }
  // Has the first sample of the answer been sent, and the last one not been played?
  bool audible() const { return begun_at_ && busy(); }
  std::optional<Samples> begun_at() const { return begun_at_; }       // first sample sent
  Samples begun_sent() const { return begun_sent_; }                  // how many had been sent before it
  std::optional<Samples> first_audio() const { return first_audio_; } // first sample synthesised
  const OwnVoice& own_voice() const { return own_voice_; }
  // Synthesis has failed twice for one sentence.
  bool broken() const { return broken_; }
  // Did the caller hear all that matters of a sentence that was stopped?
  bool nearly_heard(std::uint64_t sentence) const { return sentence <= nearly_heard_; }
  // How much of the sentence that was stopped last was heard, 0 (nothing) to 1.
  double heard_share(std::uint64_t sentence) const;
  // How long what is still to be heard lasts, if all of it is synthesised.
  std::optional<Samples> remaining() const;

 private:
  struct Sentence {
    std::uint64_t number = 0;
    std::string text;
    std::string voice;
    RequestId request = 0; // 0: not asked for yet
    Samples asked = 0;
    bool retried = false;
    bool complete = false;          // all of its audio is here
    std::optional<Samples> service; // of the first chunk
    Samples due = 0;                // time-out: of the next chunk, then of the report that it was played
    Pcm pcm;                        // released when it is no longer needed
    Samples length = 0;             // of pcm
    std::size_t next = 0;           // first sample not sent yet
    std::optional<Samples> begin;   // position of its first sample among all samples sent
  };
  // Cut off by a `clear`, and waiting to hear from the bridge how much was played.
  struct Cut {
    std::vector<Sentence> sentences;
    Samples estimate = 0; // position that was heard, if the bridge does not say
    Samples due = 0;
  };

  void ask_ahead();
  void ask(Sentence& sentence);
  void retry(Sentence& sentence, const std::string& reason);
  void complete(Sentence& sentence);
  bool ready() const;
  void send_frame();
  void sent_whole(Sentence& sentence);
  void account(const Sentence& sentence, Samples heard);
  void account_drained();
  const Sentence* find(RequestId id) const;
  Sentence* find(RequestId id);
  void account_cut();
  Samples heard_estimate() const { return sent_ - backlog_; }

  const Config& config_;
  OutputQueue& out_;
  std::deque<Sentence> queue_;   // not yet sent whole; at most the first two are asked for
  std::deque<Sentence> playing_; // sent whole, not yet known to be heard
  std::deque<Cut> cuts_;
  OwnVoice own_voice_;
  std::uint64_t last_sentence_ = 0;
  std::uint64_t nearly_heard_ = 0;
  Samples sent_ = 0;      // samples given to the bridge
  Samples discarded_ = 0; // of these, thrown away by it
  Samples backlog_ = 0;   // estimate of what the bridge has not played yet
  std::optional<Samples> begun_at_;
  Samples begun_sent_ = 0;
  std::optional<Samples> first_audio_;
  bool paused_ = false;
  bool more_ = false;
  bool broken_ = false;
  bool closed_ = false;
  audio::Ducking ducking_; // by ourselves only where the bridge does not report
  struct {
    std::uint64_t sentence = 0;
    double share = 0;
  } cut_; // the last that was cut
};

} // namespace talky::voice
