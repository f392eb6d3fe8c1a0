// What a listener would have heard: the packets of one leg go through talky's own media::Media, jitter
// buffer, decoder, concealment and all, in the time at which they were captured.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "capture/stream.hpp"
#include "core/random.hpp"
#include "file/link.hpp"
#include "media/media.hpp"

namespace talky::capture {

class Playout {
 public:
  // 16 kHz, mono; `position` counts from the start.
  using Play = std::function<void(std::int64_t position, std::span<const std::int16_t> samples)>;

  // `streams`: whose payload types can come. `start_ns`: of the clock, and so of the first sample. Errors:
  // unsupported (no codec of theirs can be decoded).
  static Result<Playout> create(std::span<const Stream* const> streams, std::int64_t start_ns, Play play);

  void receive(const file::Segment& segment);
  // Plays on up to this time without a packet.
  void advance(std::int64_t time_ns);
  // Plays what is still in the buffer.
  void finish();

 private:
  Playout(media::Media media, std::int64_t start_ns, Play play);
  Time at(std::int64_t time_ns) const { return Time(Duration((time_ns - start_ns_) / 1000)); }
  void run(Time until);
  void play();

  media::Media media_;
  std::int64_t start_ns_;
  Play play_;
  Time last_{};
};

} // namespace talky::capture
