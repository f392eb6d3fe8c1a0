// Test signals and tones: sines, sweeps, noise, DTMF; and mixing. Generators keep their phase, so blocks of
// any sizes join. Levels are peak levels in dBFS.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "core/random.hpp"

namespace talky::audio {

class Sine {
 public:
  Sine(double hz, std::uint32_t rate, double dbfs = -10.0);
  void generate(std::span<std::int16_t> out); // overwrites
  double next();                              // one sample, of 1.0 = full scale

 private:
  double step_, amplitude_; // step in turns a sample
  double phase_ = 0;        // turns, 0 to 1
};

// Logarithmic sweep from one frequency to another: the same time for every octave. Silence behind its end.
class Sweep {
 public:
  Sweep(double from_hz, double to_hz, double seconds, std::uint32_t rate, double dbfs = -10.0);
  void generate(std::span<std::int16_t> out);

 private:
  double from_, growth_, seconds_, rate_, amplitude_;
  std::uint64_t n_ = 0;
};

// White, uniformly distributed between the peaks; the same for the same seed.
class Noise {
 public:
  Noise(std::uint64_t seed, double dbfs = -10.0);
  void generate(std::span<std::int16_t> out);

 private:
  Random random_;
  double amplitude_;
};

struct DtmfPair {
  double low_hz, high_hz;
};
// ITU-T Q.23: 0-9 * # A-D (any case).
std::optional<DtmfPair> dtmf_pair(char digit);

struct DtmfTiming {
  std::uint32_t on_ms = 100;
  std::uint32_t off_ms = 100; // after each digit
  double dbfs = -10.0;        // peak of each of the two sines; at most -6.1 or they clip together
};
// The digits one after the other; ',' is a pause of 0.5 s. `malformed` with the offset of a character that is
// not a digit.
Result<std::vector<std::int16_t>> dtmf(std::string_view digits, std::uint32_t rate, DtmfTiming timing = {});

// into[i] += from[i], saturating; from.size() <= into.size().
void mix(std::span<std::int16_t> into, std::span<const std::int16_t> from);
// x[i] *= factor, rounded and saturating.
void scale(std::span<std::int16_t> pcm, double factor);
// Two channels of one length to one interleaved stream and back; sizes as they must be.
void interleave(std::span<const std::int16_t> left, std::span<const std::int16_t> right,
                std::span<std::int16_t> out);
void deinterleave(std::span<const std::int16_t> in, std::span<std::int16_t> left,
                  std::span<std::int16_t> right);

} // namespace talky::audio
