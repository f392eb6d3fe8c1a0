// Measuring what came out of a filter: least-squares fits of sines, exact for any length.
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <span>
#include <vector>

namespace signal {

inline constexpr double kPi = std::numbers::pi;

// amplitude * cos(w * n), w = 2 pi hz / rate, rounded to s16.
inline std::vector<std::int16_t> cosine(double hz, double rate, double amplitude, std::size_t samples) {
  std::vector<std::int16_t> out(samples);
  for (std::size_t n = 0; n < samples; ++n)
    out[n] = static_cast<std::int16_t>(
        std::lrint(amplitude * std::cos(2 * kPi * hz / rate * static_cast<double>(n))));
  return out;
}

struct Component {
  double amplitude = 0;
  double phase = 0; // radians, of a cosine at the first sample
};

// The component of `x` at `hz`, under a Blackman-Harris window, whose sidelobes are 92 dB down: what is left
// of a strong tone a few hundred hertz away does not disturb. Needs some thousand samples.
inline Component component(std::span<const std::int16_t> x, double hz, double rate) {
  double re = 0;
  double im = 0;
  double weight = 0;
  const auto size = static_cast<double>(x.size());
  for (std::size_t n = 0; n < x.size(); ++n) {
    const double t = 2 * kPi * static_cast<double>(n) / size;
    const double w = 0.35875 - 0.48829 * std::cos(t) + 0.14128 * std::cos(2 * t) - 0.01168 * std::cos(3 * t);
    const double angle = 2 * kPi * hz / rate * static_cast<double>(n);
    re += w * x[n] * std::cos(angle);
    im -= w * x[n] * std::sin(angle);
    weight += w;
  }
  return {2 * std::hypot(re, im) / weight, std::atan2(im, re)};
}

// RMS of what is left when the sine at `hz` and the mean are taken away by least squares, relative to the
// sine: THD+N.
inline double thd_plus_noise_db(std::span<const std::int16_t> x, double hz, double rate) {
  // Normal equations of [cos, sin, 1].
  double a[3][4] = {};
  for (std::size_t n = 0; n < x.size(); ++n) {
    const double angle = 2 * kPi * hz / rate * static_cast<double>(n);
    const double basis[3] = {std::cos(angle), std::sin(angle), 1};
    for (std::size_t i = 0; i < 3; ++i) {
      for (std::size_t j = 0; j < 3; ++j)
        a[i][j] += basis[i] * basis[j];
      a[i][3] += basis[i] * x[n];
    }
  }
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t k = 0; k < 3; ++k) {
      if (k == i) continue;
      const double factor = a[k][i] / a[i][i];
      for (std::size_t j = 0; j < 4; ++j)
        a[k][j] -= factor * a[i][j];
    }
  }
  const double c = a[0][3] / a[0][0];
  const double s = a[1][3] / a[1][1];
  const double m = a[2][3] / a[2][2];
  double rest = 0;
  for (std::size_t n = 0; n < x.size(); ++n) {
    const double angle = 2 * kPi * hz / rate * static_cast<double>(n);
    const double left = x[n] - c * std::cos(angle) - s * std::sin(angle) - m;
    rest += left * left;
  }
  return 10 * std::log10(rest / static_cast<double>(x.size()) / ((c * c + s * s) / 2));
}

inline double db(double ratio) {
  return 20 * std::log10(std::max(ratio, 1e-9));
}

} // namespace signal
