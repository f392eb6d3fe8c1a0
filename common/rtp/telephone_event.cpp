#include "rtp/telephone_event.hpp"

#include <algorithm>
#include <string_view>

#include "core/ascii.hpp"
#include "rtp/packet.hpp"

namespace talky::rtp {

namespace {
constexpr std::string_view kDigits = "0123456789*#ABCD";
constexpr std::uint32_t kSegment = 0xffff;
constexpr std::uint8_t kEnds = 3;
} // namespace

std::optional<std::uint8_t> event_of(char digit) {
  const char upper = digit >= 'a' && digit <= 'd' ? static_cast<char>(digit - 'a' + 'A') : digit;
  const auto position = kDigits.find(upper);
  if (position == std::string_view::npos) return std::nullopt;
  return static_cast<std::uint8_t>(position);
}

std::optional<char> digit_of(std::uint8_t event) {
  if (event >= kDigits.size()) return std::nullopt;
  return kDigits[event];
}

Result<EventBlock> parse_event(Bytes payload) {
  if (payload.size() < kEventBlockSize)
    return fail(Errc::truncated, payload.size(), "a telephone-event of 4 bytes");
  const auto octet = [payload](std::size_t i) { return std::to_integer<std::uint8_t>(payload[i]); };
  EventBlock block;
  block.event = octet(0);
  block.end = (octet(1) & 0x80) != 0;
  block.volume = octet(1) & 0x3f;
  block.duration = static_cast<std::uint16_t>(octet(2) << 8 | octet(3));
  return block;
}

std::array<std::byte, kEventBlockSize> build_event(const EventBlock& block) {
  return {std::byte{block.event}, static_cast<std::byte>((block.end ? 0x80 : 0) | (block.volume & 0x3f)),
          static_cast<std::byte>(block.duration >> 8), static_cast<std::byte>(block.duration & 0xff)};
}

Result<> EventReceiver::receive(Bytes payload, std::uint32_t timestamp, bool marker, Time now) {
  auto block = parse_event(payload);
  if (!block) return tl::make_unexpected(block.error());
  while (block) {
    receive(*block, timestamp, marker, now);
    timestamp += block->duration;
    marker = false;
    payload = payload.subspan(kEventBlockSize);
    block = parse_event(payload);
  }
  return {};
}

bool EventReceiver::is_finished(std::uint32_t timestamp) const {
  const auto end =
      finished_.begin() + static_cast<std::ptrdiff_t>(std::min(finished_count_, finished_.size()));
  return std::find(finished_.begin(), end, timestamp) != end;
}

// Does this packet belong to the open press, though its timestamp is another?
bool EventReceiver::continues(const EventBlock& block, std::uint32_t timestamp, bool marker) const {
  if (block.event != open_->event || marker) return false;
  const std::int32_t distance = timestamp_distance(open_->segment, timestamp);
  // A further segment of a long press; a whole segment may have been lost.
  if (distance > 0 && static_cast<std::uint32_t>(distance) % kSegment == 0) return true;
  // Some senders move the timestamp within a press: then the duration goes on growing as well.
  return distance > 0 && static_cast<std::uint32_t>(distance) <= clock_rate_ / 5 &&
         block.duration > open_->duration;
}

void EventReceiver::receive(const EventBlock& block, std::uint32_t timestamp, bool marker, Time now) {
  if (!digit_of(block.event) || is_finished(timestamp)) return;
  if (!open_ && last_ && last_->event == block.event) {
    // Within the press that has just ended: a sender that moves the timestamp repeats its end. Or a further
    // segment of a long press that was given up because nothing came for a while.
    const std::int32_t distance = timestamp_distance(last_->segment, timestamp);
    if (distance > 0 && distance < last_->duration) return;
    if (distance > 0 && !marker && static_cast<std::uint32_t>(distance) % kSegment == 0) return;
  }
  if (open_ && timestamp != open_->segment) {
    const std::int32_t distance = timestamp_distance(open_->segment, timestamp);
    if (continues(block, timestamp, marker)) {
      if (static_cast<std::uint32_t>(distance) % kSegment == 0) {
        finished_[finished_count_++ % finished_.size()] = open_->segment;
        open_->before += static_cast<std::uint32_t>(distance);
        open_->duration = 0;
      }
      open_->segment = timestamp;
    } else if (distance < 0) {
      return; // reordered, of a press before this one whose timestamp is no longer remembered
    } else {
      finish(true);
    }
  }
  if (!open_) open_ = Open{block.event, timestamp, timestamp, 0, 0, now};
  open_->duration = std::max(open_->duration, block.duration);
  open_->last = now;
  if (block.end) finish(false);
}

void EventReceiver::finish(bool end_lost) {
  const std::uint64_t units = open_->before + open_->duration;
  presses_.push_back({*digit_of(open_->event),
                      Duration{static_cast<std::int64_t>(units * 1'000'000 / clock_rate_)}, end_lost});
  finished_[finished_count_++ % finished_.size()] = open_->segment;
  last_ = open_;
  open_.reset();
}

void EventReceiver::expire(Time now) {
  if (open_ && now - open_->last >= lost_end_) finish(true);
}

std::optional<Time> EventReceiver::deadline() const {
  if (!open_) return std::nullopt;
  return open_->last + lost_end_;
}

std::optional<EventReceiver::Press> EventReceiver::poll() {
  if (presses_.empty()) return std::nullopt;
  const Press press = presses_.front();
  presses_.pop_front();
  return press;
}

Result<> EventSender::push(const Digit& digit) {
  if (queue_.size() >= kMaxQueued) return fail(Errc::too_large, 0, "at most 256 digits waiting");
  queue_.push_back(digit);
  return {};
}

void EventSender::cancel() {
  queue_.clear();
  if (current_ && current_->phase == Phase::tone) {
    if (current_->digit.event) {
      current_->digit.duration = static_cast<std::uint32_t>(current_->total);
    } else {
      current_.reset();
    }
  }
}

std::optional<EventPacket> EventSender::next(std::uint32_t now, std::uint32_t step) {
  if (!current_) {
    if (queue_.empty()) return std::nullopt;
    const Digit digit = queue_.front();
    queue_.pop_front();
    current_ = Current{digit, digit.event ? Phase::tone : Phase::gap, now, 0, 0, 0, 0, true};
    if (!digit.event) current_->digit.gap = digit.duration;
  }
  Current& c = *current_;
  if (c.phase == Phase::gap) {
    c.waited += step;
    if (c.waited >= c.digit.gap) current_.reset();
    return std::nullopt;
  }
  EventPacket packet{{}, c.segment, c.first};
  c.first = false;
  EventBlock block{*c.digit.event, false, 10, 0};
  if (c.phase == Phase::tone) {
    c.elapsed += step;
    c.total += step;
    if (c.elapsed > kSegment) {
      // The last word on this segment; the rest is said in the next step, by the segment that follows.
      block.duration = static_cast<std::uint16_t>(kSegment);
      packet.payload = build_event(block);
      c.segment += kSegment;
      c.elapsed -= kSegment;
      return packet;
    }
    if (c.total >= c.digit.duration) c.phase = Phase::end;
  }
  block.duration = static_cast<std::uint16_t>(c.elapsed);
  block.end = c.phase == Phase::end;
  packet.payload = build_event(block);
  if (block.end && ++c.ends == kEnds) {
    c.phase = Phase::gap;
    c.waited = (kEnds - 1) * step; // the repetitions of the end were part of the gap
  }
  return packet;
}

} // namespace talky::rtp
