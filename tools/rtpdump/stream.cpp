#include "stream.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace talky::rtpdump {

namespace {

constexpr int kMaxDropout = 3000; // RFC 3550 A.1
constexpr int kWindow = 64;
constexpr std::uint64_t kFirstCycle = 0x10000; // room for packets from before the first

bool is_comfort_noise(std::uint8_t payload_type) {
  return payload_type == 13 || payload_type == 19;
}

} // namespace

void Stream::set_format(std::uint8_t payload_type, Format format, std::uint32_t generation) {
  generation_ = generation;
  last_type_ = payload_type;
  format_ = std::move(format);
  // The timestamp of an event stands still while it lasts (RFC 4733 2.2.1): it tells nothing about jitter.
  const bool timed = format_.clock_rate != 0 && !format_.telephone_event;
  ms_per_tick_ = timed ? 1000.0 / format_.clock_rate : 0;
  if (!has_main_ && !format_.telephone_event && !is_comfort_noise(payload_type)) {
    has_main_ = true;
    main_type_ = payload_type;
    main_format_ = format_;
  } else if (payload_type == main_type_) {
    main_format_ = format_; // SDP may have come later than the first packet
  }
}

void Stream::start(std::int64_t time_ns, const rtp::Header& header) {
  started_ = true;
  first_ns_ = time_ns;
  previous_timestamp_ = header.timestamp;
  extended_base_ = extended_high_ = kFirstCycle + header.sequence;
  window_ = 1;
  unique_ = 1;
}

// A sequence number has left the window: whether it was received is final.
void Stream::settle(bool received) {
  ++settled_;
  if (!received) {
    ++settled_lost_;
    if (!last_lost_) ++loss_runs_;
  }
  last_lost_ = !received;
}

bool Stream::order(std::uint16_t sequence) {
  const int distance = rtp::sequence_distance(static_cast<std::uint16_t>(extended_high_), sequence);
  if (distance == 1) { // nearly always
    if (extended_high_ - extended_base_ >= kWindow - 1) settle((window_ >> (kWindow - 1)) != 0);
    window_ = window_ << 1 | 1;
    ++extended_high_;
    ++unique_;
    ++steps_;
    suspect_.reset();
    return true;
  }
  if (distance > 0 && distance < kMaxDropout) {
    for (int i = 0; i < distance; ++i) {
      if (extended_high_ - extended_base_ >= kWindow - 1) settle((window_ >> (kWindow - 1)) != 0);
      window_ <<= 1;
      ++extended_high_;
    }
    window_ |= 1;
    ++unique_;
    if (distance < 20) ++steps_;
    suspect_.reset();
    return true;
  }
  if (distance <= 0 && distance > -kWindow) {
    const auto back = static_cast<unsigned>(-distance);
    if (back > extended_high_ - extended_base_) { // from before what we took for the first
      extended_base_ = extended_high_ - back;
    }
    if ((window_ >> back & 1) != 0) {
      ++duplicates_;
    } else {
      window_ |= std::uint64_t{1} << back;
      ++unique_;
      ++reordered_;
    }
    return true;
  }
  // Far away. Two in a row mean that the sender started afresh; one alone is a stray.
  if (suspect_ && *suspect_ == sequence) {
    suspect_.reset();
    return false;
  }
  suspect_ = static_cast<std::uint16_t>(sequence + 1);
  ++reordered_;
  return true;
}

void Stream::event(std::int64_t time_ns, const rtp::Header& header, Bytes payload) {
  if (payload.size() < 4) return; // RFC 4733 2.3: event, E R volume, duration
  const auto code = std::to_integer<unsigned>(payload[0]);
  if (code > 15) return;
  const bool end = (std::to_integer<unsigned>(payload[1]) & 0x80) != 0;
  const auto duration = static_cast<std::uint32_t>(std::to_integer<unsigned>(payload[2]) << 8 |
                                                   std::to_integer<unsigned>(payload[3]));
  const char digit = "0123456789*#ABCD"[code];
  for (auto old = digits_.rbegin(); old != digits_.rend() && old < digits_.rbegin() + 4; ++old) {
    if (old->timestamp == header.timestamp && old->digit == digit) {
      old->duration = std::max(old->duration, duration);
      old->ended = old->ended || end;
      return;
    }
  }
  if (digits_.size() < kMaxDigits) digits_.push_back({digit, time_ns, header.timestamp, duration, end});
}

void Stream::add(std::int64_t time_ns, const rtp::Header& header, Bytes payload) {
  bytes_ += payload.size();
  last_ns_ = std::max(last_ns_, time_ns);
  if (header.marker) ++marked_;
  if (format_.telephone_event) event(time_ns, header, payload);
  if (packets_++ == 0) {
    start(time_ns, header);
    after_noise_ = is_comfort_noise(header.payload_type);
    return;
  }
  if (!order(header.sequence)) {
    expected_before_ += extended_high_ - extended_base_ + 1;
    ++restarts_;
    extended_base_ = extended_high_ = kFirstCycle + header.sequence;
    window_ = 1;
    ++unique_;
    previous_timestamp_ = header.timestamp;
    time_ms_ = static_cast<double>(time_ns - first_ns_) * 1e-6;
    return;
  }

  const double now_ms = static_cast<double>(time_ns - first_ns_) * 1e-6;
  const std::int64_t timestamp =
      previous_timestamp_ +
      rtp::timestamp_distance(static_cast<std::uint32_t>(previous_timestamp_), header.timestamp);
  const double delta = now_ms - time_ms_;
  const double nominal = static_cast<double>(timestamp - previous_timestamp_) * ms_per_tick_;
  const double count = static_cast<double>(packets_ - 1);
  const bool noise = is_comfort_noise(header.payload_type);
  const bool regular = !header.marker && !noise && !after_noise_;
  after_noise_ = noise;
  if (ms_per_tick_ > 0) {
    current_jitter_ += (std::abs(delta - nominal) - current_jitter_) / 16;
    nominal_ms_ += nominal;
    sum_t_ += now_ms;
    sum_ts_ += nominal_ms_;
    sum_tt_ += now_ms * now_ms;
    sum_tts_ += now_ms * nominal_ms_;
    ++timed_;
  }
  if (regular) {
    delta_.low = std::min(delta_.low, delta);
    delta_.high = std::max(delta_.high, delta);
    delta_.mean += (delta - delta_.mean) / count;
    if (ms_per_tick_ > 0) {
      jitter_.low = std::min(jitter_.low, current_jitter_);
      jitter_.high = std::max(jitter_.high, current_jitter_);
      jitter_.mean += (current_jitter_ - jitter_.mean) / count;
    }
  }
  time_ms_ = now_ms;
  previous_timestamp_ = timestamp;
}

std::int64_t Stream::lost() const {
  return static_cast<std::int64_t>(expected()) - static_cast<std::int64_t>(packets_);
}

std::uint64_t Stream::missing() const {
  const std::uint64_t wanted = expected();
  return wanted > unique_ ? wanted - unique_ : 0;
}

double Stream::burst_ratio() const {
  std::uint64_t lost = settled_lost_;
  std::uint64_t runs = loss_runs_;
  std::uint64_t settled = settled_;
  bool last = last_lost_;
  const auto open = std::min<std::uint64_t>(extended_high_ - extended_base_ + 1, kWindow);
  for (std::uint64_t i = open; i-- > 0;) {
    const bool gone = (window_ >> i & 1) == 0;
    ++settled;
    if (gone) ++lost;
    if (gone && !last) ++runs;
    last = gone;
  }
  if (runs == 0 || settled == 0) return 1;
  // G.107 8.4: the mean length of the bursts, over that of random loss at the same rate.
  const double rate = static_cast<double>(lost) / static_cast<double>(settled);
  return std::max(1.0, static_cast<double>(lost) / static_cast<double>(runs) * (1 - rate));
}

std::optional<double> Stream::skew_ppm() const {
  if (timed_ < 100) return std::nullopt;
  const auto n = static_cast<double>(timed_);
  const double spread = n * sum_tt_ - sum_t_ * sum_t_;
  if (spread <= 0) return std::nullopt;
  return ((n * sum_tts_ - sum_t_ * sum_ts_) / spread - 1) * 1e6;
}

} // namespace talky::rtpdump
