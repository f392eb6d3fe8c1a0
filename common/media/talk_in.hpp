// A second voice in what is sent: a person who talks into a running call. It comes live, from a network that
// does not keep its pace, and is added to the agent's audio tick by tick; the agent's queue, its marks and
// the account of what was heard of it know nothing of this.
//
// After silence it waits until 60 ms are there (or nothing more has come for as long), so that an uneven
// arrival is not heard as holes. At most a second waits: beyond that the oldest goes, because what is said
// now matters.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "audio/frame.hpp"

namespace talky::media {

class TalkIn { // mono s16 at 16 kHz
 public:
  static constexpr std::size_t kStart = 960;
  static constexpr std::size_t kMost = audio::kBridgeRate;

  std::size_t push(std::span<const std::int16_t> samples); // gives how many of the oldest were thrown away
  // Once for each tick: adds what is there to `frame`, from its first sample on, limited to what s16 holds.
  // Gives how many samples that were.
  std::size_t mix(std::span<std::int16_t> frame);
  void pass(std::size_t samples); // in place of mix(): so much time has passed, and nothing is sent
  void clear();

  std::size_t queued() const { return queue_.size() - head_; }
  std::uint64_t mixed() const { return mixed_; } // in all

 private:
  bool may_begin();
  void drop(std::size_t count);

  std::vector<std::int16_t> queue_; // from head_ on
  std::size_t head_ = 0;
  bool speaking_ = false;
  std::size_t seen_ = 0;   // of queued(), at the last tick
  unsigned unchanged_ = 0; // ticks since more came
  std::uint64_t mixed_ = 0;
};

} // namespace talky::media
