// Voice activity with hysteresis: from probabilities of windows to stretches of speech. Times in samples.
#pragma once
#include <cstdint>

#include "voice/engine.hpp"

namespace talky::voice {

class SpeechDetector {
 public:
  struct Config {
    float on = 0.5F;
    float off = 0.35F;
    Samples min_speech = from_ms(50);
    Samples window = 512;
  };
  enum class Event : std::uint8_t { none, started, ended };

  explicit SpeechDetector(const Config& config) : config_(config) {}

  // The next window, which ends at `end`. `started` when a run of windows at or above `on` (and then not
  // below `off`) has lasted min_speech: it began at begin(). `ended` with the first window below `off`:
  // speech ended at end().
  Event push(float probability, Samples end);
  // Whatever is going on is forgotten; a run under way is not speech.
  void reset() { state_ = State::quiet; }

  bool speaking() const { return state_ == State::speech; }
  // A run that may become speech.
  bool rising() const { return state_ == State::rising; }
  Samples begin() const { return begin_; }
  Samples end() const { return end_; }

 private:
  enum class State : std::uint8_t { quiet, rising, speech };

  Config config_;
  State state_ = State::quiet;
  Samples begin_ = 0;
  Samples end_ = 0;
};

} // namespace talky::voice
