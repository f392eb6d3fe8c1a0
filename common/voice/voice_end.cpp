#include "voice/voice_end.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace talky::voice {
namespace {

constexpr std::size_t kHop = 80;                      // 10 ms at 8 kHz
constexpr std::size_t kWindow = 256;                  // 32 ms, of which the pitch is taken
constexpr std::size_t kShortest = 20, kLongest = 114; // periods: 400 to 70 Hz
constexpr float kVoiced = 0.5F;                       // normalised autocorrelation
constexpr std::size_t kPitchFrames = 150;
constexpr float kAboveNoise = 8, kBelowPeak = 32, kStandsOut = 12; // dB

float quantile(std::vector<float> values, double at) {
  const auto n = static_cast<std::size_t>(at * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(n), values.end());
  return values[n];
}

float mean(std::span<const float> values) {
  float sum = 0;
  for (const float value : values)
    sum += value;
  return values.empty() ? 0 : sum / static_cast<float>(values.size());
}

// Of a least-squares line through equidistant values.
float slope(std::span<const float> values) {
  const auto n = static_cast<float>(values.size());
  if (values.size() < 3) return 0;
  float numerator = 0;
  const float middle = (n - 1) / 2;
  for (std::size_t i = 0; i < values.size(); ++i)
    numerator += (static_cast<float>(i) - middle) * values[i];
  return numerator / (n * (n * n - 1) / 12);
}

// The pitch of a window in semitones above 70 Hz, if it is voiced.
std::optional<float> pitch(std::span<const float> x) {
  float zero = 0;
  for (std::size_t i = 0; i + kLongest < x.size(); ++i)
    zero += x[i] * x[i];
  if (zero <= 0) return std::nullopt;
  float best = 0;
  std::size_t period = 0;
  for (std::size_t lag = kShortest; lag <= kLongest; ++lag) {
    float sum = 0;
    float energy = 0;
    for (std::size_t i = 0; i + kLongest < x.size(); ++i) {
      sum += x[i] * x[i + lag];
      energy += x[i + lag] * x[i + lag];
    }
    // The shorter of two periods that are as good.
    const float r = energy > 0 ? sum / std::sqrt(zero * energy) : 0;
    if (r > best + 0.03F) {
      best = r;
      period = lag;
    }
  }
  if (best < kVoiced) return std::nullopt;
  return 12 * std::log2(8000.0F / static_cast<float>(period) / 70);
}

} // namespace

std::optional<VoiceEnd> voice_end(std::span<const std::int16_t> pcm) {
  std::vector<float> x(pcm.size() / 2); // 8 kHz
  for (std::size_t i = 0; i < x.size(); ++i)
    x[i] = 0.5F * (static_cast<float>(pcm[2 * i]) + static_cast<float>(pcm[2 * i + 1]));
  std::vector<float> level; // dB, of each 10 ms
  for (std::size_t at = 0; at + kHop <= x.size(); at += kHop) {
    float sum = 0;
    for (std::size_t i = at; i < at + kHop; ++i)
      sum += x[i] * x[i];
    level.push_back(10 * std::log10(sum / kHop + 1));
  }
  if (level.size() < 10) return std::nullopt;
  const float peak = quantile(level, 0.9);
  const float noise = quantile(level, 0.05);
  if (peak - noise < kStandsOut) return std::nullopt;
  const float threshold = std::max(noise + kAboveNoise, peak - kBelowPeak);
  std::size_t end = level.size(); // behind the last two loud frames
  while (end >= 2 && (level[end - 1] < threshold || level[end - 2] < threshold))
    --end;
  if (end < 10) return std::nullopt;
  std::size_t begin = 0;
  while (level[begin] < threshold)
    ++begin;

  VoiceEnd result;
  result.end = static_cast<Samples>(end * 2 * kHop);
  result.length = static_cast<float>(end - begin) / 100;
  const std::span<const float> levels(level);
  result.energy = std::min(
      0.0F,
      mean(levels.subspan(end - std::min<std::size_t>(end, 12), std::min<std::size_t>(end, 12))) - peak);
  result.energy *= kBelowPeak / (peak - threshold); // as it would be in quiet
  result.decay = slope(levels.subspan(end - 10, 10));

  std::vector<float> pitches;
  std::size_t last_voiced = 0, run = 0;
  for (std::size_t frame = end > kPitchFrames ? end - kPitchFrames : 0; frame < end; ++frame) {
    const std::size_t at = frame * kHop;
    if (level[frame] < peak - 22 || at + kWindow > x.size()) continue;
    const auto p = pitch(std::span<const float>(x).subspan(at, kWindow));
    if (!p) continue;
    run = frame - last_voiced <= 2 ? run + (frame - last_voiced) : 1;
    last_voiced = frame;
    pitches.push_back(*p);
  }
  result.lengthening = std::min(static_cast<float>(run) / 10, 6.0F);
  if (pitches.size() < 12) return result;
  result.voiced = true;
  const std::span<const float> all(pitches);
  const float middle = quantile(pitches, 0.5);
  result.pitch = std::clamp(quantile({pitches.end() - 6, pitches.end()}, 0.5) - middle, -12.0F, 12.0F);
  const std::size_t tail = std::min<std::size_t>(20, pitches.size());
  result.slope = std::clamp(10 * slope(all.subspan(all.size() - tail)), -6.0F, 6.0F);
  return result;
}

} // namespace talky::voice
