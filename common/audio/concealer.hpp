// Packet loss concealment on decoded PCM after ITU-T G.711 Appendix I, for any rate from 8 to 48 kHz, without
// its 3.75 ms of delay: a gap is filled by repeating the last pitch periods, one more after each 10 ms; after
// 10 ms it fades, and is silent from 60 ms on. The first samples after a gap are merged into what was made
// up.
//
//   good(frame) for every frame that came, conceal(n, out) for n samples that did not.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace talky::audio {

class Concealer {
 public:
  explicit Concealer(std::uint32_t rate); // Hz

  // Takes note of the frame; after a gap, smooths its first 4 to 10 ms in place. Any size.
  void good(std::span<std::int16_t> frame);
  // Appends `samples` samples that continue what was heard. Silence if nothing was heard yet.
  void conceal(std::size_t samples, std::vector<std::int16_t>& out);
  // Samples made up since the last good frame.
  std::size_t gap() const { return gap_; }
  // A new talk spurt or stream: forgets the past.
  void reset();

 private:
  void remember(std::span<const std::int16_t> pcm);
  void start_gap();
  std::size_t find_pitch() const;
  float next_sample();

  std::uint32_t rate_;
  std::size_t min_pitch_, max_pitch_; // samples: 5 to 15 ms, as in Appendix I (200 to 66 Hz)
  std::vector<std::int16_t> history_; // the last 48.75 ms that were heard or made up, oldest first
  std::size_t heard_ = 0;             // valid samples at the end of history_
  std::vector<float> cycle_;          // what is being repeated
  std::size_t pitch_ = 0, position_ = 0, periods_ = 0;
  std::size_t gap_ = 0;
};

} // namespace talky::audio
