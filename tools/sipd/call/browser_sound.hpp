// The sound of a browser as the RTP that media::Media takes: 20 ms of L16 a packet. A browser that sends
// nothing while its microphone is muted goes on where it stopped, as if no time had passed; one whose network
// stalled catches up. Only the first stays behind the clock, and is set forward. Pure.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "core/bytes.hpp"
#include "core/random.hpp"
#include "core/time.hpp"
#include "rtp/sender.hpp"

namespace talky::sipd {

inline constexpr std::uint8_t kWebPayloadType = 96; // of the RTP between a browser's leg and its Media

class BrowserSound {
 public:
  explicit BrowserSound(Random& random) : sender_(random) {}

  // Mono at 16 kHz, of any length. Packets are borrowed.
  void push(std::span<const std::int16_t> samples, Time now, const std::function<void(Bytes)>& packet);

 private:
  void keep_in_step(std::size_t samples, Time now);

  rtp::Sender sender_;
  std::vector<std::int16_t> rest_; // less than a packet
  std::vector<std::byte> payload_, packet_;
  std::optional<Time> first_;
  std::uint64_t samples_ = 0; // so far, gaps filled in
  Duration behind_{0};        // the least that the browser was behind the clock since behind_since_
  Time behind_since_{}, last_{};
};

} // namespace talky::sipd
