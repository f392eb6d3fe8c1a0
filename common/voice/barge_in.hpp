// Barge-in: when the caller's speech stops the agent's, and when it does not. Not public.
//
// By sound: speech over the agent's that lasts Config::barge_in stops it before anything is understood. By
// words: once a turn of the caller is over and its words are known, they say whether it was a turn at all. If
// it was not (a noise, "mm-hm"), the interruption was a false one: the agent says the interrupted sentence
// again, and the next noise must last longer.
#pragma once
#include <cstdint>

#include "voice/agent_turn.hpp"
#include "voice/config.hpp"
#include "voice/dialogue.hpp"
#include "voice/listener.hpp"

namespace talky::voice {

class BargeIn {
 public:
  explicit BargeIn(const Config& config) : config_(config) {} // borrowed

  // By sound: does the caller's present speech stop what the agent is saying?
  bool by_speech(const Listener& caller, const AgentTurn& agent) const;

  // By words: what becomes of a turn that is over and was recognised.
  enum class Verdict : std::uint8_t {
    nothing,    // no words, signs of listening, or our own words (an echo)
    ignored,    // words, but not worth an answer: "hello?" into the greeting, "bye" over our goodbye
    deferred,   // answered once the agent has finished what may not be interrupted
    interrupts, // stops the agent now, and is answered
    answered,   // the agent is silent, or was stopped before
  };
  Verdict by_words(const CallerTurn& turn, const Dialogue& dialogue, const AgentTurn& agent) const;

  // Does a turn that began at `begin` fall into the first words of the greeting?
  static bool into_greeting(Samples begin, const AgentTurn& agent);

  // An interruption of the present answer was a false one.
  void was_false() { ++false_interruptions_; }
  // There is another answer.
  void reset() { false_interruptions_ = 0; }

 private:
  const Config& config_;
  int false_interruptions_ = 0; // of the present answer
};

} // namespace talky::voice
