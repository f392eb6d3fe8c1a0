// The agent's audio on its way out: a bounded queue of 16 kHz samples, marks between them, and an exact
// account of what has left. Positions count the agent's samples, without those that were cleared and without
// fill silence.
//
// Where the queue runs dry in the middle of what the agent says, silence fills the hole: an underrun if the
// audio goes on within kLongestUnderrun, else the agent had paused. What clear() cut off is neither.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/fifo.hpp"

namespace talky::media {

class MediaPlayout {
 public:
  static constexpr std::size_t kLongestUnderrun = 8'000; // samples: half a second

  struct Counters {
    std::uint64_t underruns = 0;
    std::uint64_t underrun_samples = 0; // of silence in their place
    std::uint64_t pauses = 0;           // longer ones
  };

  struct Mark {
    std::string name;
    std::uint64_t position;
    bool discarded;
  };

  explicit MediaPlayout(std::size_t max_samples) : max_samples_(max_samples) {}

  std::size_t push(std::span<const std::int16_t> samples); // returns how many fitted
  // Fills `out`, with silence behind the last sample of the queue, and returns how many samples were the
  // agent's.
  std::size_t take(std::span<std::int16_t> out);
  std::size_t clear(); // returns how many samples were discarded
  void mark(std::string name);
  // What is queued, and every mark that has not been told, goes to the end of another queue.
  void hand_over(MediaPlayout& to);

  // What has entered the encoder leaves `delay` samples later, and only when its packet leaves.
  void sent(
      std::size_t delay); // everything taken so far is in packets that have left, but for the encoder's delay

  std::optional<Mark> poll(); // marks reached or discarded, in order

  std::size_t queued() const { return queue_.size() - head_; }
  std::uint64_t taken() const { return taken_; }
  std::uint64_t played() const { return played_; }
  bool idle() const { return queued() == 0 && played_ == taken_; }
  const Counters& counters() const { return counters_; }

 private:
  void count_holes(std::size_t taken, std::size_t wanted);

  std::size_t max_samples_;
  std::vector<std::int16_t> queue_;
  std::size_t head_ = 0;
  std::uint64_t taken_ = 0;
  std::uint64_t played_ = 0;
  std::uint64_t input_ = 0;      // samples given to the encoder, fill silence included
  std::uint64_t last_input_ = 0; // of these, up to the agent's last sample
  std::uint64_t run_ = 0;        // agent samples in a row up to there
  Fifo<Mark> marks_;
  bool speaking_ = false; // the agent has spoken since the start or the last clear()
  std::size_t dry_ = 0;   // samples of silence since its last one
  Counters counters_;
};

} // namespace talky::media
