// Packet loss concealment on decoded PCM after ITU-T G.711 Appendix I, for any rate from 8 to 48 kHz, and
// without its delay of 3.75 ms. A gap is filled by repeating the last pitch period, after 10 ms the last two,
// after 20 ms the last three; from 10 ms on it fades, and from 60 ms on it is silence. The first samples
// behind a gap are faded into what was made up. In integers: the same bytes everywhere.
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

  // Takes note of the frame; behind a gap, smooths its first 1.25 to 10 ms in place. Any size.
  void good(std::span<std::int16_t> frame);
  // Appends `samples` samples that continue what was heard. Silence if nothing was heard yet.
  void conceal(std::size_t samples, std::vector<std::int16_t>& out);
  // Samples made up since the last good frame.
  std::size_t gap() const { return gap_; }
  // A new stream: forgets the past.
  void reset();

 private:
  void remember(std::span<const std::int16_t> pcm);
  void start_gap();
  void repeat(std::size_t periods); // from now on the last so many periods, faded over from the present ones
  std::vector<std::int16_t> cycle_of(std::size_t periods) const;
  std::size_t find_pitch() const;
  std::int16_t next_sample(); // of what is made up, with its fade

  std::uint32_t rate_;
  std::size_t min_pitch_, max_pitch_; // samples: 5 to 15 ms (200 to 66 Hz), as in Appendix I
  std::vector<std::int16_t> history_; // the last 48.75 ms that were heard or made up, oldest first
  // The gap: what was heard before it, the periods of it that are being repeated, and where.
  std::vector<std::int16_t> before_;
  std::vector<std::int16_t> cycle_;
  std::vector<std::int16_t> leaving_; // the next samples of the cycle that was repeated until now
  std::size_t pitch_ = 0, periods_ = 0, position_ = 0, left_ = 0;
  int jump_ = 0;         // from the last sample heard to the one that preceded the cycle
  std::size_t made_ = 0; // samples made up, for a merge those too
  std::size_t gap_ = 0;
  std::size_t merge_ = 0, merged_ = 0; // length of the fade behind the gap, and how much of it is done
};

} // namespace talky::audio
