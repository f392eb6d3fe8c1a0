// Telephones on loudspeakers, made by a seed: voices that are like speech to a canceller (voiced and unvoiced
// syllables, formants, pauses), rooms of decaying reflections, the telephone's band, and G.711's steps.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <vector>

#include "core/random.hpp"

namespace talky::test {

inline constexpr double kRate = 16'000;
using Signal = std::vector<double>;

inline double gauss(Random& random) {
  double sum = -6;
  for (int i = 0; i < 12; ++i)
    sum += random.uniform();
  return sum;
}

inline double between(Random& random, double low, double high) {
  return low + (high - low) * random.uniform();
}

inline double power(const Signal& x, std::size_t from, std::size_t to) {
  double sum = 0;
  for (std::size_t i = from; i < std::min(to, x.size()); ++i)
    sum += x[i] * x[i];
  return sum / static_cast<double>(std::max<std::size_t>(1, std::min(to, x.size()) - from));
}

inline double db(double of, double to) {
  return 10 * std::log10(std::max(of, 1e-9) / std::max(to, 1e-9));
}

// 300 to 3,400 Hz.
inline Signal telephone_band(const Signal& x) {
  constexpr int kHalf = 64;
  static const std::vector<double> kTaps = [] {
    std::vector<double> taps(2 * kHalf + 1);
    const auto sinc = [](double hz, int n) {
      const double w = 2 * hz / kRate;
      return n == 0 ? w : w * std::sin(std::numbers::pi * w * n) / (std::numbers::pi * w * n);
    };
    for (int n = -kHalf; n <= kHalf; ++n) {
      const double window = 0.54 + 0.46 * std::cos(std::numbers::pi * n / kHalf);
      taps[static_cast<std::size_t>(n + kHalf)] = (sinc(3'400, n) - sinc(300, n)) * window;
    }
    return taps;
  }();
  Signal out(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    double sum = 0;
    for (std::size_t k = 0; k < kTaps.size() && k <= i; ++k)
      sum += kTaps[k] * x[i - k];
    out[i] = sum;
  }
  return out;
}

// Somebody speaks, at an RMS of `level` while they do. `share` of the time is speech.
inline Signal voice(std::uint64_t seed, double seconds, double level, double share = 0.85) {
  Random random(seed * 7'919 + 17);
  const auto size = static_cast<std::size_t>(seconds * kRate);
  Signal out(size);
  const double pitch = between(random, 85, 230);
  for (std::size_t at = 0; at < size;) {
    const auto length = static_cast<std::size_t>(between(random, 0.08, 0.25) * kRate);
    if (random.uniform() > share) {
      at += length;
      continue;
    }
    const bool voiced = random.uniform() < 0.75;
    const double from = pitch * between(random, 0.85, 1.25);
    const double to = pitch * between(random, 0.85, 1.25);
    struct Formant {
      double a, b, y1 = 0, y2 = 0;
    };
    std::vector<Formant> formants;
    for (const double center :
         {between(random, 300, 850), between(random, 900, 2'200), between(random, 2'300, 3'200)}) {
      const double r = std::exp(-std::numbers::pi * between(random, 60, 200) / kRate);
      formants.push_back({2 * r * std::cos(2 * std::numbers::pi * center / kRate), -r * r});
    }
    Signal syllable(length);
    double phase = 0;
    for (std::size_t i = 0; i < length; ++i) {
      const double t = static_cast<double>(i) / static_cast<double>(length);
      phase += (from + (to - from) * t) / kRate;
      double x = gauss(random) * (voiced ? 0.03 : 0.3);
      if (voiced && phase >= 1) {
        phase -= 1;
        x += 5;
      }
      double sum = 0;
      for (Formant& f : formants) {
        const double y = x + f.a * f.y1 + f.b * f.y2;
        f.y2 = f.y1;
        f.y1 = y;
        sum += y;
      }
      syllable[i] = sum * std::sin(std::numbers::pi * t);
    }
    const double scale = level * between(random, 0.5, 1.3) / std::sqrt(power(syllable, 0, length) + 1e-9);
    for (std::size_t i = 0; i < length && at + i < size; ++i)
      out[at + i] += syllable[i] * scale;
    at += length;
  }
  return telephone_band(out);
}

// What a microphone hears of a loudspeaker: the direct sound and 50 ms of reflections, `db` in all.
struct Room {
  Room(std::uint64_t seed, double level_db) : taps(800) {
    Random random(seed * 104'729 + 3);
    taps[0] = 1;
    for (std::size_t i = 16; i < taps.size(); ++i)
      taps[i] = gauss(random) * 0.06 * std::exp(-static_cast<double>(i) / 200);
    double sum = 0;
    for (const double tap : taps)
      sum += tap * tap;
    for (double& tap : taps)
      tap *= std::pow(10, level_db / 20) / std::sqrt(sum);
  }
  // `delay` samples later.
  Signal hear(const Signal& x, std::size_t delay) const {
    Signal out(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (x[i] == 0) continue;
      for (std::size_t k = 0; k < taps.size() && i + delay + k < out.size(); ++k)
        out[i + delay + k] += x[i] * taps[k];
    }
    return out;
  }
  std::vector<double> taps;
};

inline Signal operator+(Signal a, const Signal& b) {
  for (std::size_t i = 0; i < a.size() && i < b.size(); ++i)
    a[i] += b[i];
  return a;
}

inline Signal noise(std::uint64_t seed, double seconds, double level) {
  Random random(seed * 31 + 5);
  Signal out(static_cast<std::size_t>(seconds * kRate));
  for (double& x : out)
    x = gauss(random) * level;
  return out;
}

// As 16 bits, in the steps that mu-law has.
inline std::vector<std::int16_t> through_line(const Signal& x) {
  std::vector<std::int16_t> out(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double v = std::clamp(x[i] / 32'768, -1.0, 1.0);
    const double y = std::round(std::log1p(255 * std::abs(v)) / std::log(256.0) * 127) / 127;
    out[i] = static_cast<std::int16_t>(std::lrint(std::copysign((std::pow(256.0, y) - 1) / 255, v) * 32'767));
  }
  return out;
}

} // namespace talky::test
