#include "audio/tone.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <numbers>

#include "audio/level.hpp"
#include "core/ascii.hpp"

namespace talky::audio {

namespace {

constexpr double kTurn = 2.0 * std::numbers::pi;
constexpr double kFullScale = 32767.0;

std::int16_t to_sample(double x) { // of 1.0 = full scale
  return static_cast<std::int16_t>(std::lrint(std::clamp(x * kFullScale, -32768.0, 32767.0)));
}

std::int16_t saturate(int x) {
  return static_cast<std::int16_t>(std::clamp(x, -32768, 32767));
}

} // namespace

Sine::Sine(double hz, std::uint32_t rate, double dbfs) : step_(hz / rate), amplitude_(from_dbfs(dbfs)) {}

double Sine::next() {
  const double x = amplitude_ * std::sin(kTurn * phase_);
  phase_ += step_;
  phase_ -= std::floor(phase_);
  return x;
}

void Sine::generate(std::span<std::int16_t> out) {
  std::generate(out.begin(), out.end(), [this] { return to_sample(next()); });
}

Sweep::Sweep(double from_hz, double to_hz, double seconds, std::uint32_t rate, double dbfs)
    : from_(from_hz),
      growth_(std::log(to_hz / from_hz)),
      seconds_(seconds),
      rate_(rate),
      amplitude_(from_dbfs(dbfs)) {}

void Sweep::generate(std::span<std::int16_t> out) {
  for (std::int16_t& sample : out) {
    const double t = static_cast<double>(n_++) / rate_;
    if (t >= seconds_) {
      sample = 0;
      continue;
    }
    // The integral of from * exp(growth * t / seconds).
    const double turns =
        growth_ == 0.0 ? from_ * t : from_ * seconds_ / growth_ * std::expm1(growth_ * t / seconds_);
    sample = to_sample(amplitude_ * std::sin(kTurn * (turns - std::floor(turns))));
  }
}

Noise::Noise(std::uint64_t seed, double dbfs) : random_(seed), amplitude_(from_dbfs(dbfs)) {}

void Noise::generate(std::span<std::int16_t> out) {
  std::generate(out.begin(), out.end(),
                [this] { return to_sample(amplitude_ * (2.0 * random_.uniform() - 1.0)); });
}

std::optional<DtmfPair> dtmf_pair(char digit) {
  constexpr std::string_view kEys = "123a456b789c*0#d"; // row by row
  constexpr std::array kLow{697.0, 770.0, 852.0, 941.0};
  constexpr std::array kHigh{1209.0, 1336.0, 1477.0, 1633.0};
  const std::size_t key = kEys.find(ascii::to_lower(digit));
  if (key == std::string_view::npos) return std::nullopt;
  return DtmfPair{kLow[key / 4], kHigh[key % 4]};
}

Result<std::vector<std::int16_t>> dtmf(std::string_view digits, std::uint32_t rate, DtmfTiming timing) {
  const auto samples = [rate](std::uint64_t ms) { return static_cast<std::size_t>(ms * rate / 1000); };
  std::vector<std::int16_t> out;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (digits[i] == ',') {
      out.resize(out.size() + samples(500));
      continue;
    }
    const auto pair = dtmf_pair(digits[i]);
    if (!pair) return fail(Errc::malformed, i, "a DTMF digit: 0-9 * # A-D or ','");
    Sine low(pair->low_hz, rate, timing.dbfs);
    Sine high(pair->high_hz, rate, timing.dbfs);
    const std::size_t start = out.size();
    out.resize(start + samples(timing.on_ms));
    std::generate(out.begin() + static_cast<std::ptrdiff_t>(start), out.end(),
                  [&] { return to_sample(low.next() + high.next()); });
    out.resize(out.size() + samples(timing.off_ms));
  }
  return out;
}

void mix(std::span<std::int16_t> into, std::span<const std::int16_t> from) {
  assert(from.size() <= into.size());
  const std::size_t count = std::min(into.size(), from.size());
  for (std::size_t i = 0; i < count; ++i)
    into[i] = saturate(into[i] + from[i]);
}

void scale(std::span<std::int16_t> pcm, double factor) {
  for (std::int16_t& sample : pcm)
    sample = static_cast<std::int16_t>(std::lrint(std::clamp(sample * factor, -32768.0, 32767.0)));
}

void interleave(std::span<const std::int16_t> left, std::span<const std::int16_t> right,
                std::span<std::int16_t> out) {
  assert(left.size() == right.size() && out.size() == 2 * left.size());
  const std::size_t count = std::min({left.size(), right.size(), out.size() / 2});
  for (std::size_t i = 0; i < count; ++i) {
    out[2 * i] = left[i];
    out[2 * i + 1] = right[i];
  }
}

void deinterleave(std::span<const std::int16_t> in, std::span<std::int16_t> left,
                  std::span<std::int16_t> right) {
  assert(in.size() == 2 * left.size() && left.size() == right.size());
  const std::size_t count = std::min({left.size(), right.size(), in.size() / 2});
  for (std::size_t i = 0; i < count; ++i) {
    left[i] = in[2 * i];
    right[i] = in[2 * i + 1];
  }
}

} // namespace talky::audio
