// What a receiver knows about one RTP stream: RFC 3550 A.1, A.3, A.8, and how its losses cluster.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>

#include "core/time.hpp"
#include "rtp/packet.hpp"

namespace talky::rtp {

class Statistics {
 public:
  explicit Statistics(std::uint32_t clock_rate) : clock_rate_(clock_rate) {}

  struct Snapshot {
    std::uint64_t received = 0; // packets, without duplicates
    std::uint64_t payload_bytes = 0;
    std::uint64_t expected = 0;
    std::uint64_t lost = 0; // expected but not received; 0 if duplicates make it negative
    std::uint64_t duplicates = 0;
    std::uint64_t reordered = 0;   // came after a newer one
    std::uint64_t loss_bursts = 0; // runs of packets lost one after the other
    double loss = 0;               // lost / expected, 0 to 1
    // Mean length of a run of losses over what it would be if losses were independent (G.107); 1 without
    // loss.
    double burst_ratio = 1;
    Duration jitter{0}; // RFC 3550 6.4.1
  };

  // Every valid packet of the stream. `timed` is false for those whose timestamp is not their time
  // (telephone-event): they do not count for jitter. A new SSRC begins a new stream; totals go on.
  void received(const PacketView& packet, Time arrival, bool timed = true);

  Snapshot snapshot() const;
  std::uint32_t ssrc() const { return ssrc_; }
  bool any() const { return started_; }

  // What a report block says, and for fraction_lost(): since the call before it.
  std::uint8_t fraction_lost();
  std::int32_t cumulative_lost() const;   // of this SSRC, clamped to 24 bits signed
  std::uint32_t extended_highest() const; // sequence number with its cycles
  std::uint32_t jitter_units() const { return static_cast<std::uint32_t>(jitter_); }
  std::uint64_t received_now() const { return received_; } // of this SSRC, with duplicates

  void set_clock_rate(std::uint32_t clock_rate);

 private:
  struct Runs { // of losses, over packets whose fate is sealed
    std::uint64_t sealed = 0, lost = 0, bursts = 0;
    bool in_burst = false;
    void seal(bool arrived);
  };
  void start(const PacketView& packet);
  std::uint64_t expected() const;

  std::uint32_t clock_rate_;
  std::uint32_t ssrc_ = 0;
  bool started_ = false;
  std::int64_t base_ = 0, highest_ = 0; // extended sequence numbers
  std::optional<std::uint16_t> resumed_;
  std::uint64_t received_ = 0;
  std::uint64_t window_ = 0; // bit n: packet highest_ - n has come
  Runs runs_;
  std::uint64_t reported_expected_ = 0, reported_received_ = 0;
  std::uint64_t bytes_ = 0, duplicates_ = 0, reordered_ = 0;
  std::uint64_t past_expected_ = 0, past_received_ = 0; // of former SSRCs

  double jitter_ = 0; // timestamp units
  bool timed_ = false;
  std::uint32_t last_timestamp_ = 0;
  Time last_arrival_;
};

} // namespace talky::rtp
