#include "capture/schedule.hpp"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace talky::capture {

std::int64_t Schedule::due(std::int64_t time_ns, const Stream* stream, const rtp::Header& header,
                           std::uint32_t clock_rate, bool paced) {
  if (timing_ == Timing::capture || stream == nullptr || clock_rate == 0) return time_ns;
  Clock& clock = clocks_[stream];
  const bool fresh = !clock.started;
  if (!fresh) {
    clock.extended += rtp::timestamp_distance(static_cast<std::uint32_t>(clock.extended), header.timestamp);
  } else {
    clock.extended = header.timestamp;
    clock.started = true;
  }
  // In two steps, so that no recording is long enough for an overflow.
  const std::int64_t ticks = clock.extended - clock.anchor;
  const std::int64_t seconds = ticks / clock_rate;
  std::int64_t due_ns =
      clock.anchor_ns + seconds * 1'000'000'000 + (ticks - seconds * clock_rate) * 1'000'000'000 / clock_rate;
  if (fresh || std::abs(due_ns - time_ns) > kMaxDrift) {
    clock.anchor = clock.extended;
    due_ns = clock.anchor_ns = time_ns;
  } else if (!paced) {
    due_ns = std::max(due_ns, clock.due_ns + time_ns - clock.time_ns);
  }
  clock.due_ns = due_ns;
  clock.time_ns = time_ns;
  return due_ns;
}

void Schedule::add(std::int64_t time_ns, const Stream* stream, const rtp::Header& header,
                   std::uint32_t clock_rate, bool paced, Bytes packet) {
  reached_ns_ = std::max(reached_ns_, time_ns);
  Entry entry;
  entry.order = count_++;
  entry.item.due_ns = due(time_ns, stream, header, clock_rate, paced);
  entry.item.rtcp = stream == nullptr;
  entry.item.bytes.assign(packet.begin(), packet.end());
  waiting_.push(std::move(entry));
}

std::optional<Schedule::Item> Schedule::next() {
  if (waiting_.empty()) return std::nullopt;
  const bool sure =
      ended_ || timing_ == Timing::capture || waiting_.top().item.due_ns + kHorizon <= reached_ns_;
  if (!sure) return std::nullopt;
  Item item = waiting_.top().item;
  waiting_.pop();
  return item;
}

void Renumber::apply(const Stream* stream, std::vector<std::byte>& packet) {
  if (packet.size() < rtp::kHeaderSize) return;
  const auto u8 = [&](std::size_t at) { return std::to_integer<std::uint32_t>(packet[at]); };
  const auto sequence = static_cast<std::uint16_t>(u8(2) << 8 | u8(3));
  const std::uint32_t timestamp = u8(4) << 24 | u8(5) << 16 | u8(6) << 8 | u8(7);
  State& state = streams_[stream];
  if (!state.started) {
    state.started = true;
    state.first_sequence = state.last_sequence = sequence;
    state.first_timestamp = state.last_timestamp = timestamp;
  }
  const std::int32_t ahead = rtp::sequence_distance(state.last_sequence, sequence);
  if (ahead > 0) {
    const std::int32_t ticks = rtp::timestamp_distance(state.last_timestamp, timestamp);
    if (ahead == 1 && ticks > 0) state.step = ticks;
    state.sequence_span += ahead;
    state.timestamp_span += std::max(ticks, 0);
    state.last_sequence = sequence;
    state.last_timestamp = timestamp;
  }
  const std::uint32_t new_sequence = sequence + state.sequence_shift;
  const std::uint32_t new_timestamp = timestamp + state.timestamp_shift;
  const auto put = [&](std::size_t at, std::uint32_t value) {
    packet[at] = static_cast<std::byte>(value & 0xff);
  };
  put(2, new_sequence >> 8);
  put(3, new_sequence);
  for (std::size_t i = 0; i < 4; ++i)
    put(4 + i, new_timestamp >> (24 - 8 * i));
}

void Renumber::next_round() {
  for (auto& [stream, state] : streams_) {
    state.sequence_shift += static_cast<std::uint32_t>(state.sequence_span + 1);
    state.timestamp_shift += static_cast<std::uint32_t>(state.timestamp_span + state.step);
    state.sequence_span = state.timestamp_span = 0;
    state.last_sequence = state.first_sequence;
    state.last_timestamp = state.first_timestamp;
  }
}

} // namespace talky::capture
