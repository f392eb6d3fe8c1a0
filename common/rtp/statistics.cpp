#include "rtp/statistics.hpp"

#include <algorithm>
#include <cmath>

namespace talky::rtp {

namespace {
constexpr std::int32_t kMaxDropout = 3000; // RFC 3550 A.1
constexpr std::int32_t kMaxMisorder = 100;
constexpr std::int64_t kWindow = 64;
} // namespace

void Statistics::Runs::seal(bool arrived) {
  ++sealed;
  if (!arrived) {
    ++lost;
    if (!in_burst) ++bursts;
  }
  in_burst = !arrived;
}

void Statistics::start(const PacketView& packet) {
  if (started_) {
    past_expected_ += expected();
    past_received_ += received_;
    // What the window still held is sealed; the new stream does not follow from the old one.
    const std::int64_t known = std::min<std::int64_t>(highest_ - base_ + 1, kWindow);
    for (std::int64_t n = known; n-- > 0;)
      runs_.seal((window_ >> n & 1) != 0);
    runs_.in_burst = false;
  }
  started_ = true;
  ssrc_ = packet.ssrc();
  base_ = highest_ = 0x10000 + packet.sequence();
  received_ = 0;
  window_ = 0;
  reported_expected_ = reported_received_ = 0;
  resumed_.reset();
  timed_ = false;
}

void Statistics::received(const PacketView& packet, Time arrival, bool timed) {
  if (!started_ || packet.ssrc() != ssrc_) start(packet);
  std::int64_t distance = sequence_distance(static_cast<std::uint16_t>(highest_), packet.sequence());
  if (distance > kMaxDropout || distance < -kMaxMisorder) {
    if (resumed_ != packet.sequence()) {
      resumed_ = static_cast<std::uint16_t>(packet.sequence() + 1);
      return;
    }
    start(packet);
    distance = 0;
  }
  resumed_.reset();

  if (distance > 0) {
    for (std::int64_t n = 0; n < distance; ++n) {
      if (highest_ + n - base_ + 1 >= kWindow) runs_.seal((window_ >> (kWindow - 1)) != 0);
      window_ <<= 1;
    }
    window_ |= 1;
    highest_ += distance;
  } else {
    const std::int64_t age = -distance;
    const std::uint64_t bit = age < kWindow ? std::uint64_t{1} << age : 0;
    if ((window_ & bit) != 0) {
      ++duplicates_;
      return;
    }
    if (received_ > 0) ++reordered_;
    window_ |= bit;
    base_ = std::min(base_, highest_ - age);
  }
  ++received_;
  bytes_ += packet.payload().size();

  if (!timed) return;
  if (timed_) {
    const double moved = static_cast<double>((arrival - last_arrival_).count()) * clock_rate_ / 1e6;
    const double d = std::abs(moved - timestamp_distance(last_timestamp_, packet.timestamp()));
    // A leap of more than a second is a new time base, not jitter.
    if (d < clock_rate_) jitter_ += (d - jitter_) / 16;
  }
  timed_ = true;
  last_timestamp_ = packet.timestamp();
  last_arrival_ = arrival;
}

std::uint64_t Statistics::expected() const {
  return started_ ? static_cast<std::uint64_t>(highest_ - base_ + 1) : 0;
}

Statistics::Snapshot Statistics::snapshot() const {
  Snapshot result;
  result.received = past_received_ + received_;
  result.payload_bytes = bytes_;
  result.expected = past_expected_ + expected();
  result.lost = result.expected > result.received ? result.expected - result.received : 0;
  result.duplicates = duplicates_;
  result.reordered = reordered_;
  result.jitter = Duration{static_cast<std::int64_t>(jitter_ * 1e6 / clock_rate_)};
  if (result.expected > 0) {
    result.loss = static_cast<double>(result.lost) / static_cast<double>(result.expected);
  }
  Runs runs = runs_;
  if (started_) {
    for (std::int64_t n = std::min<std::int64_t>(highest_ - base_ + 1, kWindow); n-- > 0;)
      runs.seal((window_ >> n & 1) != 0);
  }
  result.loss_bursts = runs.bursts;
  if (runs.bursts > 0 && runs.lost < runs.sealed) {
    const double share = static_cast<double>(runs.lost) / static_cast<double>(runs.sealed);
    const double mean = static_cast<double>(runs.lost) / static_cast<double>(runs.bursts);
    result.burst_ratio = std::max(1.0, mean * (1 - share));
  }
  return result;
}

std::uint8_t Statistics::fraction_lost() {
  const std::uint64_t now_expected = expected();
  const std::uint64_t expected_since = now_expected - reported_expected_;
  const std::uint64_t received_since = received_ - reported_received_;
  reported_expected_ = now_expected;
  reported_received_ = received_;
  if (expected_since == 0 || received_since >= expected_since) return 0;
  return static_cast<std::uint8_t>(
      std::min<std::uint64_t>(255, ((expected_since - received_since) << 8) / expected_since));
}

std::int32_t Statistics::cumulative_lost() const {
  const std::int64_t lost = static_cast<std::int64_t>(expected()) - static_cast<std::int64_t>(received_);
  return static_cast<std::int32_t>(std::clamp<std::int64_t>(lost, -0x800000, 0x7fffff));
}

std::uint32_t Statistics::extended_highest() const {
  return started_ ? static_cast<std::uint32_t>(highest_ - 0x10000) : 0;
}

void Statistics::set_clock_rate(std::uint32_t clock_rate) {
  jitter_ = jitter_ * clock_rate / clock_rate_;
  clock_rate_ = clock_rate;
  timed_ = false;
}

} // namespace talky::rtp
