// Barge-in: when the caller's speech stops the agent's, and when it does not. Not public.
//
// The first sound ducks the agent: it speaks on more quietly. What then stops it is the words of the speech
// under way, as soon as any is no back-channel; or its length, shorter as long as no words are known, longer
// where nothing but back-channels was heard. Once a turn of the caller is over its words say whether it was a
// turn at all. If it was not (a noise, "mm-hm"), an interruption was a false one: the agent goes on with the
// clause where it was stopped, and from then on only words interrupt it soon.
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

  // What the caller's turn under way does to what the agent is saying.
  enum class Effect : std::uint8_t {
    none,
    duck,
    stop_speech, // stops it: long enough
    stop_words,  // stops it: these words are meant for us
  };
  Effect effect(const Listener& caller, const Dialogue& dialogue, const AgentTurn& agent) const;

  // What becomes of a turn that is over and was recognised.
  enum class Verdict : std::uint8_t {
    nothing,    // no words, signs of listening, or our own words (an echo)
    ignored,    // words, but not worth an answer: "hello?" into the greeting, "bye" over our goodbye
    deferred,   // answered once the agent has finished what may not be interrupted
    interrupts, // stops the agent now, and is answered
    answered,   // the agent is silent, or was stopped before
  };
  Verdict by_words(const CallerTurn& turn, const Dialogue& dialogue, const AgentTurn& agent) const;

  // Of a turn that goes on from one which is being answered: does it say more than that one did?
  static bool adds_nothing(const CallerTurn& turn, const Undo& before, const AgentTurn& agent);

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
