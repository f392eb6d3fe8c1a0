// ITU-T G.722, 7 kHz of audio in 64 kbit/s, to the bit of the ITU-T vectors (G.191) in all three modes. A
// filter bank halves the band; each half is coded as the difference from a prediction (ADPCM) by an adaptive
// quantiser, 6 bits for the lower half, 2 for the upper. The names below are those of the Recommendation's
// blocks.
//
// In RTP its clock runs at 8 kHz, though it has 16,000 samples a second: an error of RFC 1890 that RFC 3551
// 4.5.2 keeps. A byte is two samples, so a payload has an even number of them.
//
// Own code, because spandsp's archive crashes in its MMX assembly and its shared library takes several
// milliseconds to load.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "codec/codec.hpp"

namespace talky::codec::g722 {

// The decoder can leave the lowest bit or two of each byte aside, into which a network may have put data.
enum class Mode : std::uint8_t { k64, k56, k48 };

// One half band's predictor and quantiser scale (blocks 3 and 4). Fixed-point fractions, 16 bits wide.
class Band {
 public:
  explicit Band(int scale) : scale_(scale) {}

  int prediction() const { return prediction_; }
  int scale() const { return scale_; }
  // Takes note of the quantised difference.
  void adapt(int difference);
  // The next scale: `step` is the logarithm's increment, `limit` its largest value, `shift` the band's.
  void rescale(int step, int limit, int shift);

 private:
  void update_poles(const std::array<int, 3>& signs);
  void update_zeros(int difference);

  std::array<int, 2> poles_{};       // a1, a2
  std::array<int, 6> zeros_{};       // b1 to b6
  std::array<int, 6> differences_{}; // the last six, the newest first
  std::array<int, 2> partial_{};     // p: the last two
  std::array<int, 2> signal_{};      // r: the last two
  int from_zeros_ = 0;               // sz
  int prediction_ = 0;               // s
  int log_scale_ = 0;                // nb
  int scale_;                        // det
};

class Encoder {
 public:
  // in.size() == 2 * out.size()
  void encode(std::span<const std::int16_t> in, std::span<std::byte> out);

 private:
  std::byte encode_pair(int low, int high);

  Band low_{32}, high_{8};
  std::array<std::int16_t, 11> first_{},
      second_{}; // the filter bank's past, each second sample, oldest first
};

class Decoder {
 public:
  explicit Decoder(Mode mode = Mode::k64) : mode_(mode) {}
  // out.size() == 2 * in.size()
  void decode(std::span<const std::byte> in, std::span<std::int16_t> out);

 private:
  std::pair<int, int> decode_pair(std::byte bits); // lower and upper band

  Mode mode_;
  Band low_{32}, high_{8};
  std::array<std::int16_t, 11> sums_{}, differences_{}; // the filter bank's past, of both bands
};

std::unique_ptr<Codec> create(const Info& info, const Options& options);

} // namespace talky::codec::g722
