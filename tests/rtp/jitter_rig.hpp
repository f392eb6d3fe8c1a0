// A stream through a jitter buffer: the sender, the network, and a player that obeys.
#pragma once
#include <algorithm>
#include <functional>
#include <map>
#include <vector>

#include "rtp/jitter_buffer.hpp"
#include "rtp/network.hpp"

namespace talky::rtp {

using namespace std::chrono_literals;
using Kind = JitterBuffer::Kind;

inline constexpr std::uint32_t kUnits = 160;

struct Wire {
  std::vector<std::byte> bytes;
};

inline Wire packet(std::uint16_t sequence, std::uint32_t timestamp, std::uint32_t id, std::uint32_t ssrc = 1,
                   bool marker = false) {
  std::vector<std::byte> payload;
  Writer(payload).u32(id);
  Wire wire;
  build({0, marker, sequence, timestamp, ssrc}, payload, wire.bytes);
  return wire;
}

inline void push(JitterBuffer& buffer, const Wire& wire, Time at, std::uint32_t units = kUnits) {
  buffer.push(*PacketView::parse(wire.bytes), units, at);
}

inline std::uint32_t id_of(const JitterBuffer::Slot& slot) {
  return Reader(slot.payload).u32().value_or(0xffffffff);
}

// A sender of 20 ms packets, a network, and a player that asks every 20 ms and obeys excess() at once.
struct Stream {
  explicit Stream(test::Network<Wire>::Config config, std::uint64_t seed = 1, double drift = 0)
      : network(config, seed), step(Duration{static_cast<std::int64_t>(20'000 * (1 + drift))}) {}

  test::Network<Wire> network;
  JitterBuffer buffer{JitterBuffer::Config{}};
  Duration step; // between packets, on our clock
  Time send_at = Time{5ms};
  Time play_at = Time{0ms};
  std::uint32_t sent = 0;
  std::uint16_t first_sequence = 65'500; // wraps soon
  std::uint32_t first_timestamp = 0xfffff000;
  bool sending = true;
  std::map<Kind, std::uint32_t> slots;
  std::vector<std::uint32_t> played; // ids
  std::int64_t backlog = 0; // units that excess() asked to remove and that must come from further pops

  void run(Duration time) {
    const Time end = play_at + time;
    while (play_at < end) {
      while (send_at <= play_at) {
        if (sending) {
          network.send(packet(static_cast<std::uint16_t>(first_sequence + sent),
                              first_timestamp + sent * kUnits, sent),
                       send_at);
          ++sent;
        }
        send_at += step;
      }
      while (auto arrived = network.receive(play_at))
        push(buffer, arrived->second, arrived->first);
      take();
      play_at += 20ms;
    }
  }

  void take() {
    if (const std::int32_t excess = buffer.excess(); excess != 0) {
      backlog += excess;
      buffer.adjusted(excess);
    }
    std::int64_t need = kUnits + std::max<std::int64_t>(backlog, -static_cast<std::int64_t>(kUnits));
    backlog -= need - kUnits;
    have -= need;
    while (have < 0) {
      const auto slot = buffer.pop(play_at, kUnits);
      ++slots[slot.kind];
      have += slot.units;
      if (slot.kind == Kind::packet) played.push_back(id_of(slot));
    }
  }
  std::int64_t have = 0;

  bool in_order() const {
    return std::adjacent_find(played.begin(), played.end(), std::greater_equal<>()) == played.end();
  }
};

} // namespace talky::rtp
