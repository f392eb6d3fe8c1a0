// How late our own sound comes back from the caller: the delay of the echo path, measured by correlating what
// was sent with what is heard.
//
// Both are brought down to 8 kHz and whitened, each by a linear predictor of its own that follows it frame by
// frame (a generalised cross-correlation: what is left of voice and room is nearly white, so that an echo is
// one sharp peak), and every frame is brought to the same level, so that loud speech of the caller counts no
// more than quiet echo. Each frame in which both sides have sound is correlated with all that was sent in the
// 600 ms before; the sums are forgotten exponentially, twice: quickly, to find an echo within 200 ms and to
// follow jumps, and slowly, to find a faint one below noise or double talk.
//
// A peak is measured in standard deviations of what two unrelated signals give (score). Voiced speech of two
// people can agree for a moment; what tells an echo is that the same delay comes again and again.
//
// Pure and deterministic. Some 30 us a frame, and nothing where one side is silent. No allocation after the
// constructor, which takes about 60 kB.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "audio/frame.hpp"
#include "audio/half_rate.hpp"

namespace talky::echo {

inline constexpr std::size_t kFrame = audio::kBridgeFrameSamples; // 20 ms at 16 kHz
using FrameView = std::span<const std::int16_t, kFrame>;

// Mean square of a frame, in squares of sample values.
double energy(FrameView frame);

class DelayEstimator {
 public:
  // Delays that can be found, in samples of 16 kHz: what was sent a frame before and all of 600 ms earlier.
  static constexpr std::size_t kShortest = kFrame;
  static constexpr std::size_t kLongest = kFrame + 9'600;

  struct Estimate {
    std::size_t delay;  // samples of 16 kHz from sending to hearing
    double score;       // standard deviations above what unrelated signals give; its sign is dropped
    double correlation; // 0 to 1: of the whitened signals
  };

  DelayEstimator();

  // The next 20 ms of the caller, and what was sent in the 20 ms before them.
  void receive(FrameView caller, FrameView sent_before);

  // The best delay by what was heard lately (about 300 ms of sound on both sides) and in longer memory (2 s).
  // nullopt: no frame of both sides' sound has been correlated yet.
  std::optional<Estimate> quick() const { return quick_.best; }
  std::optional<Estimate> steady() const { return steady_.best; }
  // The best of the quick scores from one delay to another.
  double quick_score(std::size_t from, std::size_t to) const;
  std::size_t frames() const { return frames_; } // that were correlated, so far

 private:
  static constexpr std::size_t kRate = 8'000;
  static constexpr std::size_t kHalf = kFrame / 2; // samples of a frame at 8 kHz
  static constexpr std::size_t kLags = 4'800;      // 600 ms
  static constexpr std::size_t kBlocks = kLags / kHalf;
  static constexpr std::size_t kOrder = 8; // of the linear predictor

  // One side: 8 kHz, whitened, every frame at the same level.
  class Whitener {
   public:
    // Writes kHalf samples; false: there is next to nothing in the frame (all are 0).
    bool process(FrameView frame, double floor, std::int16_t* out);

   private:
    audio::Downsampler2 down_;
    std::array<float, 2 * kHalf> history_{}; // the frame before and this one
  };

  // Sums over all that was correlated, forgotten at one rate.
  struct Memory {
    explicit Memory(double keep_a_frame) : keep(keep_a_frame), sums(kLags) {}
    double keep;
    std::vector<float> sums;                      // by lag
    std::array<double, kBlocks + 1> variances{};  // of a sum, by frames of lag
    std::array<double, kBlocks + 1> magnitudes{}; // what full agreement would have given
    std::optional<Estimate> best;
  };

  void forget(Memory& memory) const;
  void correlate(const std::int16_t* caller);
  static void search(Memory& memory);
  static double variance(const Memory& memory, std::size_t lag);

  Whitener caller_, sent_;
  std::vector<std::int16_t> far_;              // kLags + kHalf, the newest last
  std::array<bool, kBlocks + 1> far_active_{}; // by frame, the newest first
  std::vector<std::int32_t> products_;         // of this frame, by lag
  Memory quick_{0.93}, steady_{0.99};
  std::size_t frames_ = 0;
};

} // namespace talky::echo
