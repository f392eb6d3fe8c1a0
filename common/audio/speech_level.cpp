#include "audio/speech_level.hpp"

#include <algorithm>
#include <cmath>

namespace talky::audio {

namespace {

// P.56, clause on method B: the constants.
constexpr double kTimeConstantS = 0.03;
constexpr double kHangoverS = 0.2;
constexpr double kMarginDb = 15.9;

double power_db(double power) {
  return 10.0 * std::log10(power);
}

} // namespace

SpeechLevelMeter::SpeechLevelMeter(std::uint32_t rate)
    : keep_(std::exp(-1.0 / (rate * kTimeConstantS))),
      hangover_(static_cast<std::uint64_t>(std::ceil(rate * kHangoverS))) {
  cross(0);
}

void SpeechLevelMeter::add(std::span<const std::int16_t> pcm) {
  for (const std::int16_t sample : pcm)
    add(sample / 32768.0);
}

void SpeechLevelMeter::add(std::span<const float> pcm) {
  for (const float sample : pcm)
    add(std::isfinite(sample) ? static_cast<double>(sample) : 0.0);
}

void SpeechLevelMeter::add(double sample) {
  squares_ += sample * sample;
  once_ = std::abs(sample) + keep_ * (once_ - std::abs(sample));
  twice_ = once_ + keep_ * (twice_ - once_);
  if (twice_ < lower_ || twice_ >= upper_) {
    int exponent = 0; // twice_ is in [2^(exponent-1), 2^exponent)
    std::frexp(twice_, &exponent);
    const int above = twice_ > 0 ? exponent + static_cast<int>(kThresholds) : 0;
    cross(static_cast<std::size_t>(std::clamp(above, 0, static_cast<int>(kThresholds))));
  }
  ++samples_;
}

// At the sample that comes now, number samples_.
void SpeechLevelMeter::cross(std::size_t above) {
  for (std::size_t j = above_; j < above; ++j) {
    Time& time = time_[j];
    if (samples_ <= time.end && time.end > 0) continue; // within the hangover: the stretch goes on
    time.before += time.end - time.start;
    time.start = samples_;
  }
  for (std::size_t j = above; j < above_; ++j)
    time_[j].end = samples_ + hangover_;
  above_ = above;
  const auto threshold = [](std::size_t j) {
    return std::ldexp(1.0, static_cast<int>(j) - static_cast<int>(kThresholds));
  };
  lower_ = above == 0 ? 0.0 : threshold(above - 1);
  upper_ = above == kThresholds ? HUGE_VAL : threshold(above);
}

std::optional<SpeechLevel> SpeechLevelMeter::result() const {
  if (samples_ == 0 || squares_ <= 0) return std::nullopt;
  const double long_term = power_db(squares_ / static_cast<double>(samples_));
  std::optional<double> level_before; // as the threshold before says it
  double excess_before = 0;
  for (std::size_t j = 0; j < kThresholds; ++j) {
    const Time& time = time_[j];
    const std::uint64_t end = j < above_ ? samples_ : std::min(time.end, samples_);
    const std::uint64_t active = time.before + end - time.start;
    if (active == 0) break;
    const double level = power_db(squares_ / static_cast<double>(active));
    const double threshold =
        20.0 * std::log10(2.0) * (static_cast<double>(j) - static_cast<double>(kThresholds));
    const double excess = level - threshold - kMarginDb;
    if (excess <= 0) {
      double active_level = level;
      if (level_before)
        active_level = *level_before + (level - *level_before) * excess_before / (excess_before - excess);
      return SpeechLevel{active_level, long_term,
                         std::min(1.0, std::pow(10.0, (long_term - active_level) / 10.0))};
    }
    level_before = level;
    excess_before = excess;
  }
  // Too peaky for the margin to be reached (a few clicks): the highest threshold that was reached at all.
  if (!level_before) return std::nullopt;
  return SpeechLevel{*level_before, long_term,
                     std::min(1.0, std::pow(10.0, (long_term - *level_before) / 10.0))};
}

} // namespace talky::audio
