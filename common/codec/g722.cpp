#include "codec/g722.hpp"

#include <algorithm>

namespace talky::codec::g722 {

namespace {

// Half of the symmetrical filter bank.
constexpr std::array<std::int16_t, 12> kFilter{3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11};

// QUANTL: decision levels, and the code of each interval for differences below and from 0 on.
constexpr std::array<int, 30> kLevels{0,    35,   72,   110,  150,  190,  233,  276,  323,  370,
                                      422,  473,  530,  587,  650,  714,  786,  858,  940,  1023,
                                      1121, 1219, 1339, 1458, 1612, 1765, 1980, 2195, 2557, 2919};
constexpr unsigned low_code(bool negative, std::size_t interval) { // interval 1 to 30
  if (!negative) return static_cast<unsigned>(62 - interval);
  return static_cast<unsigned>(interval < 3 ? 64 - interval : 34 - interval);
}

// What the quantisers give back, for 6, 5 and 4 bits of the lower band and the 2 of the upper.
constexpr std::array<int, 64> kLow6{
    -136,  -136,  -136,  -136,  -24808, -21904, -19008, -16704, -14984, -13512, -12280, -11192, -10232,
    -9360, -8576, -7856, -7192, -6576,  -6000,  -5456,  -4944,  -4464,  -4008,  -3576,  -3168,  -2776,
    -2400, -2032, -1688, -1360, -1040,  -728,   24808,  21904,  19008,  16704,  14984,  13512,  12280,
    11192, 10232, 9360,  8576,  7856,   7192,   6576,   6000,   5456,   4944,   4464,   4008,   3576,
    3168,  2776,  2400,  2032,  1688,   1360,   1040,   728,    432,    136,    -432,   -136};
constexpr std::array<int, 32> kLow5{-280,  -280,  -23352, -17560, -14120, -11664, -9752, -8184,
                                    -6864, -5712, -4696,  -3784,  -2960,  -2208,  -1520, -880,
                                    23352, 17560, 14120,  11664,  9752,   8184,   6864,  5712,
                                    4696,  3784,  2960,   2208,   1520,   880,    280,   -280};
constexpr std::array<int, 16> kLow4{0,     -20456, -12896, -8968, -6288, -4240, -2584, -1200,
                                    20456, 12896,  8968,   6288,  4240,  2584,  1200,  0};
constexpr std::array<int, 4> kHigh2{-7408, -1616, 7408, 1616};

// LOGSCL and LOGSCH: by how much the logarithm of the scale grows, for each 4-bit and 2-bit code.
constexpr std::array<int, 16> kLowSteps{-60,  3042, 1198, 538, 334, 172, 58,  -30,
                                        3042, 1198, 538,  334, 172, 58,  -30, -60};
constexpr std::array<int, 4> kHighSteps{798, -214, 798, -214};
constexpr int kLowLimit = 18432, kHighLimit = 22528;
constexpr int kLowShift = 8, kHighShift = 10;

// SCALEL: the mantissa of 2^(i/32).
constexpr std::array<int, 32> kExponential{2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543,
                                           2599, 2656, 2714, 2774, 2834, 2896, 2960, 3025, 3091, 3158, 3228,
                                           3298, 3371, 3444, 3520, 3597, 3676, 3756, 3838, 3922, 4008};

constexpr std::array<std::int16_t, 12> reversed(std::array<std::int16_t, 12> taps) {
  std::reverse(taps.begin(), taps.end());
  return taps;
}
constexpr auto kReversed = reversed(kFilter);

int filter(const std::int16_t* samples, const std::array<std::int16_t, 12>& taps) {
  int sum = 0;
  for (std::size_t i = 0; i < taps.size(); ++i)
    sum += samples[i] * taps[i];
  return sum;
}

constexpr std::size_t kHistory = 11; // samples of either phase before the newest
constexpr std::size_t kStretch = 160;

constexpr int saturate(int x) {
  return std::clamp(x, -32768, 32767);
}
constexpr int fraction(int a, int b) {
  return a * b >> 15;
}
constexpr int sign(int x) {
  return x < 0 ? -1 : 0;
}

} // namespace

void Band::adapt(int difference) {
  const int signal = saturate(prediction_ + difference);  // RECONS
  const int partial = saturate(from_zeros_ + difference); // PARREC
  update_poles({sign(partial), sign(partial_[0]), sign(partial_[1])});
  update_zeros(difference);
  partial_ = {partial, partial_[0]}; // DELAYA
  signal_ = {signal, signal_[0]};
  const int from_poles = saturate(fraction(poles_[0], saturate(2 * signal_[0])) +
                                  fraction(poles_[1], saturate(2 * signal_[1]))); // FILTEP
  int sum = 0;
  for (std::size_t i = 0; i < zeros_.size(); ++i) // FILTEZ
    sum += fraction(zeros_[i], saturate(2 * differences_[i]));
  from_zeros_ = saturate(sum);
  prediction_ = saturate(from_poles + from_zeros_); // PREDIC
}

// UPPOL2 and UPPOL1
void Band::update_poles(const std::array<int, 3>& signs) {
  const int four = saturate(4 * poles_[0]);
  const int turned = signs[0] == signs[1] ? std::min(-four, 32767) : four;
  const int second = (signs[0] == signs[2] ? 128 : -128) + (turned >> 7) + fraction(poles_[1], 32512);
  poles_[1] = std::clamp(second, -12288, 12288);
  const int first = saturate((signs[0] == signs[1] ? 192 : -192) + fraction(poles_[0], 32640));
  const int limit = saturate(15360 - poles_[1]);
  poles_[0] = std::clamp(first, -limit, limit);
}

// UPZERO
void Band::update_zeros(int difference) {
  const int step = difference == 0 ? 0 : 128;
  for (std::size_t i = 0; i < zeros_.size(); ++i) {
    const int turn = sign(differences_[i]) == sign(difference) ? step : -step;
    zeros_[i] = saturate(turn + fraction(zeros_[i], 32640));
  }
  std::shift_right(differences_.begin(), differences_.end(), 1);
  differences_[0] = difference;
}

void Band::rescale(int step, int limit, int shift) {
  log_scale_ = std::clamp((log_scale_ * 127 >> 7) + step, 0, limit);
  const int mantissa = kExponential[static_cast<std::size_t>(log_scale_ >> 6 & 31)];
  const int exponent = shift - (log_scale_ >> 11);
  scale_ = (exponent < 0 ? mantissa << -exponent : mantissa >> exponent) << 2;
}

std::byte Encoder::encode_pair(int low, int high) {
  // Lower band: SUBTRA, QUANTL, INVQAL
  const int low_error = saturate(low - low_.prediction());
  const int low_size = low_error >= 0 ? low_error : ~low_error;
  std::size_t interval = 1;
  while (interval < kLevels.size() && low_size >= kLevels[interval] * low_.scale() >> 12)
    ++interval;
  const unsigned low_bits = low_code(low_error < 0, interval);
  const unsigned coarse = low_bits >> 2;
  const int low_difference = fraction(low_.scale(), kLow4[coarse]);
  low_.rescale(kLowSteps[coarse], kLowLimit, kLowShift);
  low_.adapt(low_difference);
  // Upper band: SUBTRA, QUANTH, INVQAH
  const int high_error = saturate(high - high_.prediction());
  const int high_size = high_error >= 0 ? high_error : ~high_error;
  const bool outer = high_size >= 564 * high_.scale() >> 12;
  const unsigned high_bits = (high_error < 0 ? 0U : 2U) | (outer ? 0U : 1U);
  const int high_difference = fraction(high_.scale(), kHigh2[high_bits]);
  high_.rescale(kHighSteps[high_bits], kHighLimit, kHighShift);
  high_.adapt(high_difference);
  return static_cast<std::byte>(high_bits << 6 | low_bits);
}

void Encoder::encode(std::span<const std::int16_t> in, std::span<std::byte> out) {
  std::array<std::int16_t, kHistory + kStretch> first, second; // the two samples of each pair
  std::copy(first_.begin(), first_.end(), first.begin());
  std::copy(second_.begin(), second_.end(), second.begin());
  for (std::size_t at = 0; at < out.size(); at += kStretch) {
    const std::size_t count = std::min(kStretch, out.size() - at);
    for (std::size_t i = 0; i < count; ++i) {
      first[kHistory + i] = in[2 * (at + i)];
      second[kHistory + i] = in[2 * (at + i) + 1];
    }
    for (std::size_t i = 0; i < count; ++i) {
      const int odd = filter(&first[i], kFilter), even = filter(&second[i], kReversed);
      // The filters have a gain of 4096; the bands have 15 bits.
      out[at + i] = encode_pair((even + odd) >> 14, (even - odd) >> 14);
    }
    std::copy_n(first.begin() + static_cast<std::ptrdiff_t>(count), kHistory, first.begin());
    std::copy_n(second.begin() + static_cast<std::ptrdiff_t>(count), kHistory, second.begin());
  }
  std::copy_n(first.begin(), kHistory, first_.begin());
  std::copy_n(second.begin(), kHistory, second_.begin());
}

void Decoder::decode(std::span<const std::byte> in, std::span<std::int16_t> out) {
  std::array<std::int16_t, kHistory + kStretch> sums, differences; // of the two bands
  std::copy(sums_.begin(), sums_.end(), sums.begin());
  std::copy(differences_.begin(), differences_.end(), differences.begin());
  for (std::size_t at = 0; at < in.size(); at += kStretch) {
    const std::size_t count = std::min(kStretch, in.size() - at);
    for (std::size_t i = 0; i < count; ++i) {
      const auto [low, high] = decode_pair(in[at + i]);
      sums[kHistory + i] = static_cast<std::int16_t>(low + high);
      differences[kHistory + i] = static_cast<std::int16_t>(low - high);
    }
    for (std::size_t i = 0; i < count; ++i) {
      out[2 * (at + i)] = static_cast<std::int16_t>(saturate(filter(&differences[i], kReversed) >> 11));
      out[2 * (at + i) + 1] = static_cast<std::int16_t>(saturate(filter(&sums[i], kFilter) >> 11));
    }
    std::copy_n(sums.begin() + static_cast<std::ptrdiff_t>(count), kHistory, sums.begin());
    std::copy_n(differences.begin() + static_cast<std::ptrdiff_t>(count), kHistory, differences.begin());
  }
  std::copy_n(sums.begin(), kHistory, sums_.begin());
  std::copy_n(differences.begin(), kHistory, differences_.begin());
}

std::pair<int, int> Decoder::decode_pair(std::byte bits) {
  const auto code = std::to_integer<unsigned>(bits);
  const unsigned low_bits = code & 0x3f, coarse = low_bits >> 2, high_bits = code >> 6;
  const int level = mode_ == Mode::k64   ? kLow6[low_bits]
                    : mode_ == Mode::k56 ? kLow5[low_bits >> 1]
                                         : kLow4[coarse];
  const int low = std::clamp(low_.prediction() + fraction(low_.scale(), level), -16384, 16383);
  const int low_difference = fraction(low_.scale(), kLow4[coarse]);
  low_.rescale(kLowSteps[coarse], kLowLimit, kLowShift);
  low_.adapt(low_difference);

  const int high_difference = fraction(high_.scale(), kHigh2[high_bits]);
  const int high = std::clamp(high_.prediction() + high_difference, -16384, 16383);
  high_.rescale(kHighSteps[high_bits], kHighLimit, kHighShift);
  high_.adapt(high_difference);
  return {low, high};
}

namespace {

class G722 final : public Codec {
 public:
  explicit G722(const Info& info) : info_(info) {}

  const Info& info() const override { return info_; }
  bool packs(std::size_t frames) const override { return frames > 0 && frames % 2 == 0; }
  std::size_t delay() const override { return 22; } // of both filter banks

  Result<> encode(std::span<const std::int16_t> pcm, std::vector<std::byte>& out) override {
    if (pcm.size() % 2 != 0) return fail(Errc::unsupported, 0, "an even number of samples for G.722");
    const std::size_t start = out.size();
    out.resize(start + pcm.size() / 2);
    encoder_.encode(pcm, std::span(out).subspan(start));
    return {};
  }

  Result<> decode(Bytes payload, std::vector<std::int16_t>& out) override {
    const std::size_t start = out.size();
    out.resize(start + 2 * payload.size());
    decoder_.decode(payload, std::span(out).subspan(start));
    return {};
  }

  std::optional<std::size_t> frames_in(Bytes payload) const override { return 2 * payload.size(); }

 private:
  Info info_;
  Encoder encoder_;
  Decoder decoder_;
};

} // namespace

std::unique_ptr<Codec> create(const Info& info, const Options& options) {
  if (options.sample_rate != 0 && options.sample_rate != info.sample_rate) return nullptr;
  if (options.channels > 1) return nullptr;
  return std::make_unique<G722>(info);
}

} // namespace talky::codec::g722
