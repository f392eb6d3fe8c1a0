#include "rtp/jitter_buffer.hpp"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace talky::rtp {

namespace {
constexpr std::int32_t kMaxDropout = 3000; // RFC 3550 A.1
constexpr std::int32_t kMaxMisorder = 100;
constexpr Duration kJump = std::chrono::milliseconds(500); // timestamps that are off by more have jumped
constexpr double kQuantile = 0.99;
constexpr std::uint32_t kWindow = 50; // packets
constexpr std::int64_t kMaxOwed = std::int64_t{1} << 40;
} // namespace

JitterBuffer::JitterBuffer(const Config& config)
    : config_(config), ring_(kFirstCapacity), target_(std::max(config.min_delay, config.start_delay)) {}

void JitterBuffer::reset() {
  for (Packet& packet : ring_) {
    release_payload(packet);
    packet.content = Content::none;
    packet.sequence = -1;
  }
  seen_.begin();
  count_ = 0;
  state_ = State::empty;
  resumed_.reset();
  owed_ = owed_over_waiting_ = 0;
  shift_ = Duration{0};
  lateness_.forget_base();
  window_count_ = 0;
  previous_valid_ = false;
}

void JitterBuffer::restart(const PacketView& packet) {
  if (state_ != State::empty) ++counters_.restarts;
  counters_.discarded += count_;
  reset();
  state_ = State::waiting;
  ssrc_ = packet.ssrc();
  highest_ = 0x10000 + packet.sequence();
  last_ = highest_ - 1;
  newest_sequence_ = last_;
  newest_timestamp_ = packet.timestamp();
  newest_units_ = 0;
  newest_duration_ = 0;
}

void JitterBuffer::Seen::advance(std::int64_t steps) {
  constexpr std::int64_t kWord = 64;
  if (steps >= 2 * kWord) return begin();
  if (steps >= kWord) {
    words_ = {0, words_[0]};
    steps -= kWord;
  }
  if (steps == 0) return;
  words_[1] = words_[1] << steps | words_[0] >> (kWord - steps);
  words_[0] <<= steps;
}

bool JitterBuffer::Seen::insert(std::size_t back) {
  const std::uint64_t bit = std::uint64_t{1} << back % 64;
  if ((words_[back / 64] & bit) != 0) return false;
  words_[back / 64] |= bit;
  return true;
}

// Takes note of a packet; nullopt if it is of no use.
std::optional<JitterBuffer::Packet> JitterBuffer::insert(const PacketView& packet, Content content) {
  ++counters_.pushed;
  if (state_ == State::empty || packet.ssrc() != ssrc_) restart(packet);
  std::int32_t distance = sequence_distance(static_cast<std::uint16_t>(highest_), packet.sequence());
  if (distance > kMaxDropout || distance < -kMaxMisorder) {
    if (resumed_ != packet.sequence()) {
      resumed_ = static_cast<std::uint16_t>(packet.sequence() + 1);
      ++counters_.discarded;
      return std::nullopt;
    }
    restart(packet);
    distance = 0;
  }
  resumed_.reset();
  const std::int64_t sequence = highest_ + distance;
  if (distance > 0) {
    seen_.advance(distance);
    highest_ = sequence;
  }
  if (!seen_.insert(static_cast<std::size_t>(highest_ - sequence))) {
    ++counters_.duplicates;
    return std::nullopt;
  }
  if (state_ == State::waiting) last_ = std::min(last_, sequence - 1); // the first packets were reordered
  Packet taken;
  taken.content = content;
  taken.sequence = sequence;
  taken.timestamp = packet.timestamp();
  taken.payload_type = packet.payload_type();
  taken.marker = packet.marker();
  return taken;
}

// The place in the ring of that packet.
JitterBuffer::Packet& JitterBuffer::make_room(std::int64_t sequence) {
  while (occupies(at(sequence)) && ring_.size() < kCapacity) {
    std::vector<Packet> larger(2 * ring_.size());
    for (Packet& packet : ring_) {
      if (occupies(packet))
        larger[static_cast<std::size_t>(packet.sequence) % larger.size()] = std::move(packet);
    }
    ring_ = std::move(larger);
  }
  Packet& slot = at(sequence);
  if (slot.content == Content::audio) { // 128 packets behind: nobody has popped for seconds
    pass(slot);
    ++counters_.discarded;
  }
  return slot;
}

void JitterBuffer::push_other(const PacketView& packet, Time /*arrival*/) {
  const auto taken = insert(packet, Content::other);
  if (!taken) return;
  Packet& slot = make_room(taken->sequence);
  if (taken->sequence > last_) slot = *taken;
}

void JitterBuffer::push(const PacketView& packet, std::uint32_t units, Time arrival) {
  auto taken = insert(packet, Content::audio);
  if (!taken) return;
  taken->units = units;
  taken->arrival = arrival;
  Packet& slot = make_room(taken->sequence);
  place(*taken, arrival);
  if (taken->sequence <= last_) {
    ++counters_.late;
    return;
  }
  if (!spare_payloads_.empty()) {
    taken->payload = std::move(spare_payloads_.back());
    spare_payloads_.pop_back();
  }
  taken->payload.assign(packet.payload().begin(), packet.payload().end());
  slot = std::move(*taken);
  ++count_;
}

// Puts the packet on the timeline and learns from its arrival.
void JitterBuffer::place(Packet& packet, Time arrival) {
  const std::int64_t units = newest_units_ + timestamp_distance(newest_timestamp_, packet.timestamp);
  const auto steps = packet.sequence - newest_sequence_;
  packet.media_time = to_duration(units) + shift_;
  Duration transit = arrival.time_since_epoch() - packet.media_time;
  if (steps > 0 && lateness_.base()) {
    const Duration late = transit - *lateness_.base();
    const bool follows = units == newest_units_ + steps * newest_duration_;
    if (!follows && std::abs(late.count()) > kJump.count()) {
      // The timestamp claims a pause (or a leap back) that has not taken place.
      shift_ += late;
      packet.media_time += late;
      transit -= late;
      ++counters_.restarts;
    } else if (follows && late > config_.max_delay) {
      // The peer has paused without saying so, or the network stood still: in the second case the packets
      // that come now are ever less late, and pull the base back down.
      lateness_.rebase(transit, arrival);
    }
  }
  if (steps > 0) {
    newest_sequence_ = packet.sequence;
    newest_timestamp_ = packet.timestamp;
    newest_units_ = units;
    newest_duration_ = packet.units;
  }
  lateness_.observe(transit, arrival);
  if (until_target_-- == 0) {
    until_target_ = 3;
    target_ =
        std::clamp(lateness_.quantile(kQuantile) + config_.margin, config_.min_delay, config_.max_delay);
  }
}

Duration JitterBuffer::delay_of(const Packet& packet, Time now) const {
  return now.time_since_epoch() - packet.media_time - lateness_.base().value_or(Duration{0});
}

JitterBuffer::Head JitterBuffer::head() {
  Head result;
  std::int64_t sequence = std::max(last_ + 1, highest_ - static_cast<std::int64_t>(kCapacity) + 1);
  result.known = sequence <= highest_;
  for (; sequence <= highest_; ++sequence) {
    Packet& packet = at(sequence);
    if (packet.sequence != sequence) {
      ++result.missing;
      result.known = false;
    } else if (packet.content == Content::audio) {
      result.packet = &packet;
      return result;
    }
  }
  return result;
}

void JitterBuffer::release_payload(Packet& packet) {
  if (packet.payload.capacity() == 0) return;
  spare_payloads_.push_back(std::move(packet.payload));
  packet.payload = {};
}

void JitterBuffer::pass(Packet& packet) {
  release_payload(packet);
  packet.content = Content::none;
  --count_;
  last_ = std::max(last_, packet.sequence);
}

// The end of the newest audio that had come by then.
Duration JitterBuffer::end_of_waiting(const Packet& first, Time now) {
  const Packet* newest = &first;
  for (std::int64_t sequence = highest_; sequence > first.sequence; --sequence) {
    const Packet& packet = at(sequence);
    if (packet.sequence != sequence || packet.content != Content::audio || packet.arrival > now) continue;
    newest = &packet;
    break;
  }
  return newest->media_time + to_duration(newest->units);
}

// After a burst there may be more waiting than is ever wanted: one cut, down to the target, is the smallest
// evil. Where the consumer was kept from running and makes up for its pops, what came after `now` is no
// burst.
void JitterBuffer::drop_overflow(Time now) {
  if (count_ < 2) return;
  Head first = head();
  if (first.packet == nullptr) return;
  const Duration end = end_of_waiting(*first.packet, now);
  if (end - first.packet->media_time <= config_.max_delay) return;
  const Duration keep = target_ + to_duration(first.packet->units);
  while (count_ > 1 && end - first.packet->media_time > keep) {
    next_timestamp_ = first.packet->timestamp + first.packet->units;
    pass(*first.packet);
    ++counters_.discarded;
    owed_ = owed_over_waiting_ = 0;
    first = head();
  }
  window_count_ = 0;
  previous_valid_ = false;
}

JitterBuffer::Slot JitterBuffer::pop(Time now, std::uint32_t units) {
  if (state_ == State::empty) return {Kind::silence, units, 0, false, false, 0, {}};
  drop_overflow(now);
  Head first = head();
  if (state_ == State::waiting) {
    if (first.packet == nullptr || delay_of(*first.packet, now) < std::max(config_.start_delay, target_)) {
      return {Kind::silence, units, 0, false, false, 0, {}};
    }
    next_timestamp_ = first.packet->timestamp;
    last_ = first.packet->sequence - 1;
    first.missing = 0;
    return play(first, now, true);
  }

  while (first.packet != nullptr) {
    Packet& packet = *first.packet;
    const std::int64_t distance = timestamp_distance(next_timestamp_, packet.timestamp);
    const Duration delay = delay_of(packet, now);
    const bool paused = owed_ > to_units(config_.dtx_after);

    if (first.missing == 0 && distance == 0 && !paused) {
      // The next one. If its place was concealed while later packets waited, playing it would cost delay for
      // nothing.
      if (owed_over_waiting_ > 0 && count_ > 1 && delay > target_ + config_.hysteresis) {
        next_timestamp_ += packet.units;
        owed_ = std::max<std::int64_t>(0, owed_ - packet.units);
        owed_over_waiting_ = std::max<std::int64_t>(0, owed_over_waiting_ - packet.units);
        pass(packet);
        ++counters_.late;
        first = head();
        continue;
      }
      return play(first, now, false);
    }
    if (first.missing == 0) { // a talkspurt, or a timestamp that went back
      if (distance >= 0 && delay < target_) return gap(Kind::silence, units);
      return play(first, now, true);
    }
    const std::int64_t remaining = distance - owed_;
    if (remaining <= 0) return play(first, now, paused);
    const std::int64_t lost_units = std::int64_t{first.missing} * std::max(newest_duration_, 1U);
    if (owed_ < lost_units || delay < target_) {
      const auto part = static_cast<std::uint32_t>(std::min<std::int64_t>(units, remaining));
      if (owed_ >= lost_units) return gap(Kind::silence, part);
      owed_over_waiting_ += part;
      return gap(Kind::lost, part);
    }
    return play(first, now, true);
  }
  // Nothing is there: late or lost, unless the peer said that it is silent, or has been for long.
  const bool silent = first.known || owed_ >= to_units(config_.dtx_after);
  return gap(silent ? Kind::silence : Kind::lost, units);
}

JitterBuffer::Slot JitterBuffer::gap(Kind kind, std::uint32_t units) {
  owed_ = std::min(owed_ + units, kMaxOwed);
  if (kind == Kind::lost) counters_.concealed_units += units;
  return {kind, units, 0, false, false, 0, {}};
}

JitterBuffer::Slot JitterBuffer::play(const Head& head, Time now, bool discontinuity) {
  Packet& packet = *head.packet;
  if (discontinuity) {
    window_count_ = 0;
    previous_valid_ = false;
  }
  observe_delay(delay_of(packet, now));
  counters_.lost += head.missing;
  ++counters_.played;
  state_ = State::playing;
  next_timestamp_ = packet.timestamp + packet.units;
  owed_ = owed_over_waiting_ = 0;
  std::swap(playing_, packet.payload);
  pass(packet);
  return {Kind::packet,     packet.units, packet.payload_type, packet.marker, discontinuity,
          packet.timestamp, playing_};
}

void JitterBuffer::observe_delay(Duration delay) {
  if (window_count_ == 0) {
    window_min_ = delay;
  } else {
    window_min_ = std::min(window_min_, delay);
  }
  if (counters_.played == 0) delay_ = delay;
  delay_ += (delay - delay_) / 8;
  if (++window_count_ >= kWindow) {
    previous_min_ = window_min_;
    previous_valid_ = true;
    window_count_ = 0;
  }
}

std::int32_t JitterBuffer::excess() const {
  if (!previous_valid_) return 0;
  const Duration had = window_count_ == 0 ? previous_min_ : std::min(previous_min_, window_min_);
  if (had > target_ + config_.hysteresis) {
    return static_cast<std::int32_t>(to_units(had - target_ - config_.hysteresis / 2));
  }
  if (had < target_ - config_.margin) return -static_cast<std::int32_t>(to_units(target_ - had));
  return 0;
}

void JitterBuffer::adjusted(std::int32_t units) {
  const Duration change = to_duration(units);
  previous_min_ -= change;
  window_min_ -= change;
  delay_ -= change;
}

Duration JitterBuffer::to_duration(std::int64_t units) const {
  return Duration{units * 1'000'000 / config_.clock_rate};
}

std::int64_t JitterBuffer::to_units(Duration duration) const {
  return duration.count() * config_.clock_rate / 1'000'000;
}

} // namespace talky::rtp
