// How loud a signal is. Levels are in dBFS where 0 is the largest sample value: a full-scale sine has a peak
// of 0 and an RMS of -3.01 dBFS, as sox and ffmpeg say it.
#pragma once
#include <cstdint>
#include <span>

namespace talky::audio {

inline constexpr double kSilenceDbfs = -120.0; // what digital silence reads as, and the least of all levels

double to_dbfs(double amplitude); // of 1.0 = full scale
double from_dbfs(double dbfs);    // 0 dBFS -> 1.0

class LevelMeter {
 public:
  void add(std::span<const std::int16_t> pcm);
  void add(std::span<const float> pcm); // 1.0 = full scale
  void reset() { *this = LevelMeter(); }

  std::uint64_t samples() const { return samples_; }
  double rms_dbfs() const;
  double peak() const { return peak_; } // of 1.0 = full scale
  double peak_dbfs() const;
  double dc() const;                                 // mean, of 1.0 = full scale
  std::uint64_t clipped() const { return clipped_; } // samples at either end of the scale

 private:
  std::uint64_t samples_ = 0, clipped_ = 0;
  double sum_ = 0, squares_ = 0, peak_ = 0; // of 1.0 = full scale
};

// One block at once: the RMS of a frame, in dBFS.
double rms_dbfs(std::span<const std::int16_t> pcm);

} // namespace talky::audio
