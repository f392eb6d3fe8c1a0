// Whose samples wait in the playout queue of a call. It is filled by the agent, by a program in its place and
// by whoever plays a file; each is told of its own samples only (media/playout_ledger.hpp). Also while the
// queue passes from one leg to the next.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "call/events.hpp"
#include "core/fifo.hpp"
#include "ipc/control.hpp"
#include "media/playout_ledger.hpp"
#include "sipd/call/leg.hpp"

namespace talky::sipd {

class PlayoutOwner {
 public:
  using Owner = media::PlayoutLedger::Owner;

  // How many samples the leg has taken; null: none.
  std::size_t play(Leg* leg, Owner whose, std::span<const std::int16_t> samples);

  // What each is to be told of samples that were thrown away; nullopt: nothing.
  struct Answer {
    std::optional<ipc::Cleared> agent, program;
  };
  // Throws away what waits in the leg, whoever gave it; null: nothing waits. nullopt: cleared() has the
  // answer later. Several may be under way; their answers come in their order.
  std::optional<Answer> clear(Leg* leg, Owner asked_by, Time now);
  Answer cleared(const ipc::Cleared& cleared);

  // A mark of the agent (number 0) or of the program of that number, as the leg carries it.
  static std::string mark_name(std::uint64_t number, const std::string& name);
  struct Passed {
    std::uint64_t number = 0;
    ipc::MarkPlayed mark; // `played` is of its owner's samples
  };
  // `played_before`: Leg::played_before of the leg that it passed in.
  std::optional<Passed> passed(const call::MarkPassed& mark, std::uint64_t played_before);

  // ---- While a program has the agent's part
  void begin_takeover() { program_before_ = ledger_.total(Owner::program); }
  void agent_unheard(std::uint64_t samples) {
    agent_untold_ += samples;
  } // of the agent, that nobody will hear
  // The agent is to be told of those: it asked (clear), or its part is given back. nullopt: nothing now; what
  // it lost when the program came is not known yet (Leg::clear), and it is told of both at once.
  std::optional<ipc::Cleared> clear_unheard(bool asked);
  std::uint64_t agent_total() const { return ledger_.total(Owner::agent); }

 private:
  media::PlayoutLedger ledger_;
  Fifo<Owner> clears_;               // who asked for those that have not been answered
  std::uint64_t last_total_ = 0;     // of samples played
  std::uint64_t program_before_ = 0; // samples of programs before the one that is there
  std::uint64_t agent_untold_ = 0;   // samples of the agent's that nobody heard, and it does not know
  bool agent_asked_ = false;         // it asked for a clear() meanwhile
};

} // namespace talky::sipd
