// The active speech level of ITU-T P.56, method B: how loud speech is while somebody speaks, whatever the
// pauses, and how much of the time that is.
//
// The envelope is the rectified signal, smoothed twice with a time constant of 30 ms. For each of a row of
// thresholds, 6 dB apart, the time is counted for which the envelope stood above it or had done so within the
// last 200 ms (the hangover, which bridges the gaps between syllables). A threshold that lies 15.9 dB (the
// margin) below the level that follows from its own count is the right one; between two thresholds the level
// is interpolated.
//
// Levels are in dB of full scale as everywhere in level.hpp, which is P.56's dBov: a full-scale sine has
// -3.01.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace talky::audio {

struct SpeechLevel {
  double active_dbfs;    // the active speech level
  double long_term_dbfs; // the level of all of it, pauses included
  double activity;       // the share of the time that is active, 0 to 1
};

class SpeechLevelMeter {
 public:
  explicit SpeechLevelMeter(std::uint32_t rate); // Hz, of one channel

  void add(std::span<const std::int16_t> pcm);
  void add(std::span<const float> pcm); // 1.0 = full scale; NaN and infinity count as 0

  // Of all so far. nullopt: there was nothing, or nothing that stood out of silence (-138 dBFS).
  std::optional<SpeechLevel> result() const;

 private:
  static constexpr std::size_t kThresholds = 23; // 2^-23 to 2^-1

  // When the envelope was above one threshold, hangover included, in samples.
  struct Time {
    std::uint64_t before = 0;         // of the stretches that are over
    std::uint64_t start = 0, end = 0; // the last stretch; `end` counts once the envelope is below
  };

  void add(double sample);
  void cross(std::size_t above); // the envelope is now above so many thresholds

  double keep_;            // of the envelope from sample to sample
  std::uint64_t hangover_; // samples
  double once_ = 0, twice_ = 0;
  double squares_ = 0;
  std::uint64_t samples_ = 0;
  std::size_t above_ = 0;              // thresholds that the envelope has reached
  double lower_ = 0, upper_ = 0;       // between which `above_` stays
  std::array<Time, kThresholds> time_; // of the lowest threshold first
};

} // namespace talky::audio
