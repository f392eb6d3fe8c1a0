// Whose samples are these? The playout queue of a call may be filled by several owners: the agent, a program
// that takes its part for a while, a file that somebody plays. Each counts its own samples only, so what was
// played and what was thrown away is told to each as if the queue were his alone.
//
// Totals are those of Media: samples that have been played since the start of the call, whoever gave them;
// what was discarded is never counted.
#pragma once
#include <array>
#include <cstdint>

#include "core/fifo.hpp"
#include "media/media_types.hpp"

namespace talky::media {

class PlayoutLedger {
 public:
  enum class Owner : std::uint8_t { agent, program, others };
  static constexpr std::size_t kOwners = 3;

  void given(Owner whose, std::uint64_t samples); // the queue has taken them
  // The queue is being cleared; what is given from here on is not meant. Then what it says of it, which may
  // come later: gives each one's part, by Owner.
  void clearing() { fences_.push_back(end_); }
  std::array<Cleared, kOwners> cleared(const Cleared& all);
  // Of what had been played when the total was `played`, how much was his. Exact for at least the last 64
  // changes of hands.
  std::uint64_t played(Owner whose, std::uint64_t played) const;
  std::uint64_t total(Owner whose) const { return played(whose, end_); } // given, less what was cleared

 private:
  static constexpr std::size_t kKept = 64;
  using Counts = std::array<std::uint64_t, kOwners>;
  struct Run {
    Owner whose;
    std::uint64_t begin; // the total before its first sample
  };
  Counts at(std::uint64_t total) const;

  Fifo<Run> runs_;             // without gaps, up to end_
  Fifo<std::uint64_t> fences_; // of each clearing() without its cleared(): end_ as it was then
  Counts before_{};            // of each, before the first of runs_
  std::uint64_t end_ = 0;
};

} // namespace talky::media
