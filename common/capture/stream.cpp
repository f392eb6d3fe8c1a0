#include "capture/stream.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace talky::capture {

namespace {

constexpr int kMaxDropout = 3000;                 // RFC 3550 A.1
constexpr int kMaxMisorder = 100;                 // and the same
constexpr int kBits = 64;                         // of the windows
constexpr std::uint64_t kFirstCycle = 0x10000;    // room for packets from before the first
constexpr double kJumpMs = 5000;                  // the timestamp against arrival: more is a new clock
constexpr int kMaxStep = 20;                      // of the sequence number, for a candidate
constexpr std::int32_t kMaxTicksPerStep = 96'000; // of its timestamp: two seconds at 48 kHz
constexpr std::uint32_t kMaxSegment = 0xffff;     // of an event, RFC 4733 2.5.1.3

bool is_comfort_noise(std::uint8_t payload_type) {
  return payload_type == 13 || payload_type == 19;
}

// RFC 3551 table 4 and 5, and the dynamic ones.
bool is_assigned(std::uint8_t payload_type) {
  return payload_type >= 96 || payload_type == 0 || (payload_type >= 3 && payload_type <= 19) ||
         payload_type == 25 || payload_type == 26 || payload_type == 28 ||
         (payload_type >= 31 && payload_type <= 34);
}

bool is_well_known(std::uint16_t port) {
  return port > 0 && port < 1024;
}

} // namespace

void Stream::set_format(std::uint8_t payload_type, Format format, std::uint32_t generation) {
  generation_ = generation;
  // The timestamp of an event stands still while it lasts (RFC 4733 2.2.1): it tells nothing about jitter.
  const bool timed = format.clock_rate != 0 && !format.telephone_event;
  const double ms_per_tick = timed ? 1000.0 / format.clock_rate : 0;
  if (ms_per_tick != ms_per_tick_) {
    if (ms_per_tick > 0) usual_ms_ = usual_step_ * ms_per_tick;
    ms_per_tick_ = ms_per_tick;
  }
  plain_ = false;
  if (current_type_ < types_.size()) types_[current_type_].packets += packets_ - packets_at_type_;
  packets_at_type_ = packets_;
  const auto same = [payload_type](const PayloadUse& use) { return use.type == payload_type; };
  auto use = std::find_if(types_.begin(), types_.end(), same);
  if (use == types_.end() && types_.size() < kMaxTypes) use = types_.insert(use, {payload_type, {}, 0});
  current_type_ = static_cast<std::size_t>(use - types_.begin());
  last_type_ = payload_type;
  if (!format.telephone_event && !is_comfort_noise(payload_type) && !has_main_) {
    has_main_ = true;
    main_type_ = payload_type;
  }
  if (payload_type == main_type_) main_format_ = format; // SDP may have come later than the first packet
  if (use != types_.end()) use->format = std::move(format);
}

std::vector<PayloadUse> Stream::payload_types() const {
  std::vector<PayloadUse> types = types_;
  if (current_type_ < types.size()) types[current_type_].packets += packets_ - packets_at_type_;
  return types;
}

const Format* Stream::format_of(std::uint8_t payload_type) const {
  for (const PayloadUse& use : types_) {
    if (use.type == payload_type) return &use.format;
  }
  return nullptr;
}

const codec::Entry* Stream::codec() const {
  for (const PayloadUse& use : types_) {
    if (const codec::Entry* entry = codec_of(use.format)) return entry;
  }
  return nullptr;
}

void Stream::start(std::int64_t time_ns, const rtp::Header& header) {
  started_ = true;
  first_ns_ = last_ns_ = time_ns;
  timestamp_ = header.timestamp;
  extended_base_ = extended_high_ = kFirstCycle + header.sequence;
  received_ = heard_ = ~std::uint64_t{0};
  after_noise_ = is_comfort_noise(header.payload_type);
}

// Two packets that follow each other far away from the rest: the sender began afresh with the first of them.
void Stream::restart(std::int64_t time_ns, const rtp::Header& header) {
  if (doubt_) was_pause(); // of who begins afresh right behind a gap; its numbers are those from before
  doubt_.reset();
  settle_all(pattern_);
  expected_before_ += extended_high_ - extended_base_ + 1;
  extended_high_ = kFirstCycle + header.sequence;
  extended_base_ = extended_high_ - 1;
  received_ = heard_ = ~std::uint64_t{0};
  --strays_;
  ++restarts_;
  timestamp_ = header.timestamp;
  const double now_ms = static_cast<double>(time_ns - first_ns_) * 1e-6;
  nominal_ms_ += now_ms - time_ms_;
  time_ms_ = now_ms;
  event_ticks_ = 0;
}

// The packet that leaves the window was never heard.
void Stream::settle() {
  const std::uint64_t position = extended_high_ - kBits;
  if (position < extended_base_) return;
  const std::uint64_t lost = expected_before_ + position - extended_base_;
  pattern_.lose(lost);
  if (doubt_ && !doubt_->has_late(position)) doubt_->pattern.lose(lost);
}

void Stream::settle_all(LossPattern& pattern) const {
  for (std::uint64_t back = kBits; back-- > 0;) {
    if ((heard_ >> back & 1) == 0 && extended_high_ - back >= extended_base_)
      pattern.lose(expected_before_ + extended_high_ - back - extended_base_);
  }
}

Stream::Order Stream::order(std::uint16_t sequence) {
  const int distance = rtp::sequence_distance(static_cast<std::uint16_t>(extended_high_), sequence);
  if (distance > 0 && distance < kMaxDropout) {
    for (int i = 1; i < distance; ++i) {
      advance();
      received_ &= ~std::uint64_t{1};
      heard_ &= ~std::uint64_t{1};
    }
    advance();
    suspect_.reset();
    return distance == 1 ? Order::next : Order::ahead;
  }
  if (distance <= 0 && distance > -kBits) {
    const auto back = static_cast<unsigned>(-distance);
    const std::uint64_t bit = std::uint64_t{1} << back;
    if (back > extended_high_ - extended_base_) { // from before what we took for the first
      for (auto missing = static_cast<unsigned>(extended_high_ - extended_base_) + 1; missing < back;
           ++missing) {
        received_ &= ~(std::uint64_t{1} << missing);
        heard_ &= ~(std::uint64_t{1} << missing);
      }
      extended_base_ = extended_high_ - back;
    } else if ((received_ & bit) != 0) {
      ++duplicates_;
      return Order::duplicate;
    }
    received_ |= bit;
    heard_ |= bit;
    ++reordered_;
    return Order::behind;
  }
  if (distance < 0 && distance > -kMaxMisorder) { // its place is lost already
    ++strays_;
    ++reordered_;
    return Order::stray;
  }
  if (suspect_ && *suspect_ == sequence) {
    suspect_.reset();
    return Order::restart;
  }
  suspect_ = static_cast<std::uint16_t>(sequence + 1);
  ++strays_;
  return Order::stray;
}

void Stream::probation(const rtp::Header& header, Bytes payload, Order order, int distance,
                       std::int32_t step) {
  if (order == Order::duplicate && step == 0) return; // a capture of two interfaces holds every packet twice
  const bool goes_on = (order == Order::next || order == Order::ahead) && distance <= kMaxStep;
  if (!goes_on || step < 0 || step > distance * kMaxTicksPerStep || payload.empty()) {
    run_ = 0;
    moved_ = false;
    return;
  }
  if (run_ < 0xff) ++run_;
  moved_ = moved_ || step > 0;
  int needed = 2;
  if (!is_assigned(header.payload_type) || ssrc == 0) needed = 10;
  if (is_well_known(from.port) || is_well_known(to.port)) needed = 50;
  confirmed_ = moved_ && run_ >= needed;
}

// What a packet usually holds, and where the sender was silent. `media`: ms since the packet of audio before.
void Stream::pace(double media, int distance, bool noise) {
  const double pause = after_noise_ ? media : media - distance * usual_ms_;
  counted_pause_ms_ = 0;
  if ((usual_ms_ > 0 && pause > usual_ms_ / 2) || after_noise_) {
    counted_pause_ms_ = std::max(0.0, pause);
    pause_ms_ += counted_pause_ms_;
    if (!noise) ++pauses_;
  }
}

void Stream::too_late(std::uint64_t bit) {
  if (bit == 0) return;
  ++late_;
  heard_ &= ~bit;
  if (doubt_ && doubt_->late_count < kDoubt)
    doubt_->late_at[doubt_->late_count++] = extended_high_ - static_cast<unsigned>(std::countr_zero(bit));
}

// To be called before the packet is tracked.
void Stream::begin_doubt(double gap_ms, double now_ms) {
  doubt_ = std::make_unique<Doubt>();
  Doubt& doubt = *doubt_;
  doubt.gap_ms = gap_ms;
  doubt.begin_ms = now_ms;
  doubt.high = extended_high_;
  doubt.pattern = pattern_;
  doubt.late = late_;
  doubt.timed = timed_;
  doubt.sum_t = sum_t_;
  doubt.sum_d = sum_d_;
  doubt.sum_tt = sum_tt_;
  doubt.sum_td = sum_td_;
  doubt.jitter_high = jitter_high_;
}

// To be called behind the packet that was tracked: whoever paused goes on at their pace; behind a stall of
// the network packets come all at once.
void Stream::doubt(double now_ms, bool regular) {
  Doubt& doubt = *doubt_;
  doubt.jitter = doubt.packets == 0 ? doubt.gap_ms / 16 : doubt.jitter * 15 / 16;
  if (doubt.packets == 0) doubt.nominal_ms = nominal_ms_;
  if (regular) {
    doubt.jitter_sum += doubt.jitter;
    doubt.jitter_high = std::max(doubt.jitter_high, current_jitter_ - doubt.jitter);
  }
  if (++doubt.packets < kDoubt) return;
  if (now_ms - doubt.begin_ms >= 0.7 * (nominal_ms_ - doubt.nominal_ms)) was_pause();
  doubt_.reset();
}

// The timestamp stood still: what came behind the pause is not late, and the gap is no jitter.
void Stream::was_pause() {
  const Doubt& doubt = *doubt_;
  late_ = doubt.late;
  pattern_ = doubt.pattern;
  const std::uint64_t since = extended_high_ - doubt.high; // positions, the first of them included
  heard_ |= received_ & (since + 1 < kBits ? (std::uint64_t{1} << (since + 1)) - 1 : ~std::uint64_t{0});
  nominal_ms_ += doubt.gap_ms;
  pause_ms_ += doubt.gap_ms;
  ++pauses_;
  current_jitter_ -= doubt.jitter;
  jitter_sum_ -= doubt.jitter_sum;
  jitter_high_ = doubt.jitter_high;
  timed_ = doubt.timed;
  sum_t_ = doubt.sum_t;
  sum_d_ = doubt.sum_d;
  sum_tt_ = doubt.sum_tt;
  sum_td_ = doubt.sum_td;
}

void Stream::next_window() {
  if (!has_early_min_) early_min_ms_ = window_min_ms_;
  has_early_min_ = true;
  window_min_ms_ = current_min_ms_;
  current_min_ms_ = std::numeric_limits<double>::infinity();
  window_left_ = kWindow;
}

void Stream::event(std::int64_t time_ns, const rtp::Header& header, Bytes payload) {
  if (payload.size() < 4) return; // RFC 4733 2.3: event, E R volume, duration
  const auto code = std::to_integer<unsigned>(payload[0]);
  if (code > 16) return;
  const bool end = (std::to_integer<unsigned>(payload[1]) & 0x80) != 0;
  const auto duration = static_cast<std::uint32_t>(std::to_integer<unsigned>(payload[2]) << 8 |
                                                   std::to_integer<unsigned>(payload[3]));
  const char digit = "0123456789*#ABCD!"[code];
  for (auto old = digits_.rbegin(); old != digits_.rend() && old < digits_.rbegin() + 4; ++old) {
    if (old->digit != digit) continue;
    // The segment that follows a full one begins where that ended.
    const bool goes_on = !old->ended && old->duration - old->before > kMaxSegment / 2 &&
                         old->timestamp + (old->duration - old->before) == header.timestamp;
    if (goes_on) {
      old->before = old->duration;
      old->timestamp = header.timestamp;
    }
    if (old->timestamp != header.timestamp) continue;
    old->duration = std::max(old->duration, old->before + duration);
    old->ended = old->ended || end;
    return;
  }
  if (digits_.size() >= kMaxDigits) return;
  const std::uint32_t rate = current_type_ < types_.size() ? types_[current_type_].format.clock_rate : 0;
  digits_.push_back({digit, time_ns, header.timestamp, 0, duration, rate, end});
}

void Stream::add_other(std::int64_t time_ns, const rtp::Header& header, Bytes payload) {
  ++packets_;
  bytes_ += payload.size();
  if (header.marker) ++marked_;
  const bool event_type = current_type_ < types_.size() && types_[current_type_].format.telephone_event;
  if (event_type) event(time_ns, header, payload);
  if (!started_) {
    start(time_ns, header);
    return;
  }
  last_ns_ = std::max(last_ns_, time_ns);
  const int distance = rtp::sequence_distance(static_cast<std::uint16_t>(extended_high_), header.sequence);
  const std::int32_t step = rtp::timestamp_distance(timestamp_, header.timestamp);
  const Order place = order(header.sequence);
  if (!confirmed_) probation(header, payload, place, distance, step);

  // The means of tshark go over all packets but the first, and stand still at those that are left out.
  const auto skip_mean = [n = static_cast<double>(packets_ - 1)](double& sum) {
    if (n > 1) sum *= n / (n - 1);
  };
  if (place == Order::restart) {
    restart(time_ns, header);
    skip_mean(delta_sum_);
    skip_mean(jitter_sum_);
    return;
  }
  const double now_ms = static_cast<double>(time_ns - first_ns_) * 1e-6;
  const double delta = now_ms - time_ms_;
  const bool noise = is_comfort_noise(header.payload_type);
  const bool regular = !header.marker && !noise && !after_noise_;
  if (ms_per_tick_ > 0) {
    double nominal = step * ms_per_tick_;
    double media = static_cast<double>(step + static_cast<std::int64_t>(event_ticks_)) * ms_per_tick_;
    // More than that is another clock: it is set by arrival. Where it only makes up for what the packet
    // before was late by, that one was from before a pause, and this is the first behind it.
    const double leap = delta - nominal;
    if (std::abs(leap) > kJumpMs) nominal = media = delta;
    const bool made_up = place == Order::next && leap < -kJumpMs && packets_ == candidate_at_ + 1 &&
                         std::abs(leap - candidate_ms_) < kLateMs;
    if (made_up) too_late(2);
    // Pauses and the length of packets are told from the newest packet on, whatever came behind it.
    const double since_newest = media - static_cast<double>(ahead_ticks_) * ms_per_tick_;
    const bool newest = place == Order::next || place == Order::ahead;
    if (newest) pace(since_newest, distance, noise);
    ahead_ticks_ = newest ? 0 : ahead_ticks_ - step;
    event_ticks_ = 0;
    const double gap = delta - nominal;
    const bool late_start = place == Order::next && !noise && !after_noise_ && step >= 0 && gap > kStallMs;
    if (late_start && !doubt_ && confirmed()) begin_doubt(gap, now_ms);
    const bool in_window = place != Order::stray && place != Order::duplicate;
    const std::uint64_t bit = in_window ? std::uint64_t{1} << std::max(0, -distance) : 0;
    track(now_ms, delta, nominal, media, bit);
    if (place == Order::next && !noise && !after_noise_ && step > 0 && step != usual_step_ &&
        since_newest == media) {
      // Twice in a row: so it was no pause.
      if (nominal == candidate_ms_ && packets_ == candidate_at_ + 1) {
        if (pauses_ > 0 && counted_pause_ms_ > 0) {
          pause_ms_ -= 2 * counted_pause_ms_;
          pauses_ -= std::min<std::uint64_t>(pauses_, 2);
        }
        usual_step_ = step;
        usual_ms_ = nominal;
      }
      candidate_ms_ = nominal;
      candidate_at_ = packets_;
    } else {
      candidate_ms_ = leap > kJumpMs ? -leap : 0; // below 0: no length
      candidate_at_ = packets_;
    }
  } else if (event_type && step > 0) {
    event_ticks_ += static_cast<std::uint32_t>(step);
  }
  if (regular) {
    delta_sum_ += delta;
    delta_low_ = std::min(delta_low_, delta);
    delta_high_ = std::max(delta_high_, delta);
  } else {
    skip_mean(delta_sum_);
  }
  if (regular && ms_per_tick_ > 0) {
    jitter_sum_ += current_jitter_;
    jitter_low_ = std::min(jitter_low_, current_jitter_);
    jitter_high_ = std::max(jitter_high_, current_jitter_);
  } else {
    skip_mean(jitter_sum_);
  }
  if (doubt_) doubt(now_ms, regular && ms_per_tick_ > 0);
  time_ms_ = now_ms;
  timestamp_ = header.timestamp;
  after_noise_ = noise;
  plain_ = confirmed() && ms_per_tick_ > 0 && !noise && !doubt_;
}

std::int64_t Stream::lost() const {
  return static_cast<std::int64_t>(expected()) - static_cast<std::int64_t>(packets_);
}

std::uint64_t Stream::missing() const {
  const std::uint64_t wanted = expected();
  const std::uint64_t unique = packets_ - duplicates_ - strays_;
  return wanted > unique ? wanted - unique : 0;
}

double Stream::unheard() const {
  const std::uint64_t wanted = expected();
  return wanted == 0 ? 0 : static_cast<double>(missing() + late_) / static_cast<double>(wanted);
}

LossPattern::Summary Stream::losses() const {
  LossPattern pattern = pattern_;
  settle_all(pattern);
  return pattern.summary(expected());
}

Spread Stream::delta_ms() const {
  const double mean = packets_ > 1 ? delta_sum_ / static_cast<double>(packets_ - 1) : 0;
  return {delta_low_, mean, delta_high_};
}

Spread Stream::jitter_ms() const {
  const double mean = packets_ > 1 ? jitter_sum_ / static_cast<double>(packets_ - 1) : 0;
  return {jitter_low_, mean, jitter_high_};
}

double Stream::sending_ms() const {
  return std::max(0.0, nominal_ms_ - pause_ms_ + usual_ms_);
}

std::optional<double> Stream::skew_ppm() const {
  if (timed_ < 100) return std::nullopt;
  const auto n = static_cast<double>(timed_);
  const double spread = n * sum_tt_ - sum_t_ * sum_t_;
  if (spread <= 0) return std::nullopt;
  // The transit time shrinks where the sender's clock is too fast.
  return -(n * sum_td_ - sum_t_ * sum_d_) / spread * 1e6;
}

} // namespace talky::capture
