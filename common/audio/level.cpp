#include "audio/level.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace talky::audio {

namespace {

constexpr double kS16Scale = 32768.0;
// 32-bit partial sums of this many samples cannot overflow 64 bits, and the loops over them vectorise.
constexpr std::size_t kStretch = 4096;

} // namespace

double to_dbfs(double amplitude) {
  return amplitude > 1e-6 ? 20.0 * std::log10(amplitude) : kSilenceDbfs;
}

double from_dbfs(double dbfs) {
  return std::pow(10.0, dbfs / 20.0);
}

void LevelMeter::add(std::span<const std::int16_t> pcm) {
  samples_ += pcm.size();
  while (!pcm.empty()) {
    const auto part = pcm.first(std::min(kStretch, pcm.size()));
    pcm = pcm.subspan(part.size());
    std::int64_t sum = 0;
    std::int64_t squares = 0;
    std::uint32_t clipped = 0;
    int low = 0;
    int high = 0;
    for (const std::int16_t sample : part) {
      const int x = sample;
      sum += x;
      squares += std::int64_t{x} * x;
      low = std::min(low, x);
      high = std::max(high, x);
      clipped += x == 32767 || x == -32768 ? 1u : 0u;
    }
    sum_ += static_cast<double>(sum) / kS16Scale;
    squares_ += static_cast<double>(squares) / (kS16Scale * kS16Scale);
    peak_ = std::max(peak_, std::max(-low, high) / kS16Scale);
    clipped_ += clipped;
  }
}

void LevelMeter::add(std::span<const float> pcm) {
  samples_ += pcm.size();
  for (const float sample : pcm) {
    const double x = std::isfinite(sample) ? static_cast<double>(sample) : 0.0;
    sum_ += x;
    squares_ += x * x;
    peak_ = std::max(peak_, std::abs(x));
    clipped_ += std::abs(x) >= 1.0 ? 1u : 0u;
  }
}

double LevelMeter::rms_dbfs() const {
  return samples_ == 0 ? kSilenceDbfs : to_dbfs(std::sqrt(squares_ / static_cast<double>(samples_)));
}

double LevelMeter::peak_dbfs() const {
  return to_dbfs(peak_);
}

double LevelMeter::dc() const {
  return samples_ == 0 ? 0.0 : sum_ / static_cast<double>(samples_);
}

double rms_dbfs(std::span<const std::int16_t> pcm) {
  LevelMeter meter;
  meter.add(pcm);
  return meter.rms_dbfs();
}

} // namespace talky::audio
