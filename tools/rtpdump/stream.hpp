// One RTP stream: its packets counted and timed, in constant memory.
//
// Delta and jitter are defined as tshark's `rtp,streams` defines them, so that the figures can be held side
// by side: jitter is that of RFC 3550 A.8, in milliseconds, over all packets in the order of arrival; packets
// with the marker and those around comfort noise are left out of the minima, means and maxima. `lost` is what
// tshark and RFC 3550 call so: expected less received, duplicates included; `missing` are the sequence
// numbers that never came.
#pragma once
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "core/bytes.hpp"
#include "core/endpoint.hpp"
#include "rtp/packet.hpp"

namespace talky::rtpdump {

// What a payload type means, from SDP or RFC 3551.
struct Format {
  std::string name; // "PCMU"; "" if unknown
  std::uint32_t clock_rate = 0;
  bool telephone_event = false;
};

struct DtmfDigit {
  char digit = 0;
  std::int64_t time_ns = 0;
  std::uint32_t timestamp = 0;
  std::uint32_t duration = 0; // in timestamp units
  bool ended = false;
};

// Smallest, mean and largest of a series of milliseconds.
struct Spread {
  double low = std::numeric_limits<double>::infinity();
  double mean = 0;
  double high = 0;
};

class Stream {
 public:
  static constexpr std::size_t kMaxDigits = 1000;

  Endpoint from, to;
  std::uint32_t ssrc = 0;
  bool announced = false; // by SDP: it counts from the first packet

  void add(std::int64_t time_ns, const rtp::Header& header, Bytes payload);
  // What the payload type of the packets means; to be set before add() when knows() says no. `generation` is
  // that of the announcements it was taken from.
  void set_format(std::uint8_t payload_type, Format format, std::uint32_t generation);
  bool knows(std::uint8_t payload_type, std::uint32_t generation) const {
    return started_ && payload_type == last_type_ && generation == generation_;
  }

  // A stream and not chance: three packets whose numbers go on, or SDP told of it.
  bool confirmed() const { return announced || steps_ >= 2; }

  std::uint64_t packets() const { return packets_; }
  std::uint64_t bytes() const { return bytes_; } // of payload
  std::uint64_t expected() const { return expected_before_ + (extended_high_ - extended_base_ + 1); }
  std::int64_t lost() const; // expected - packets; negative with more duplicates than losses
  std::uint64_t missing() const;
  std::uint64_t duplicates() const { return duplicates_; }
  std::uint64_t reordered() const { return reordered_; }
  std::uint64_t restarts() const { return restarts_; } // jumps of the sequence number
  std::uint64_t marked() const { return marked_; }
  double burst_ratio() const; // 1: losses fall at random; above: in bursts (G.107)
  const Spread& delta_ms() const { return delta_; }
  const Spread& jitter_ms() const { return jitter_; }
  bool has_jitter() const { return jitter_.low != std::numeric_limits<double>::infinity(); }
  std::optional<double> skew_ppm() const; // above 0: the sender's clock is too fast
  std::int64_t first_ns() const { return first_ns_; }
  std::int64_t last_ns() const { return last_ns_; }
  std::uint8_t payload_type() const { return main_type_; } // of the audio: the first that was no event
  const Format& format() const { return main_format_; }
  const std::vector<DtmfDigit>& digits() const { return digits_; }

 private:
  void start(std::int64_t time_ns, const rtp::Header& header);
  bool order(std::uint16_t sequence); // false: a restart
  void settle(bool received);
  void event(std::int64_t time_ns, const rtp::Header& header, Bytes payload);

  bool started_ = false;
  std::uint32_t generation_ = 0;
  std::uint8_t last_type_ = 0;
  std::uint8_t main_type_ = 0;
  bool has_main_ = false;
  Format format_, main_format_;
  double ms_per_tick_ = 0; // 0: the clock is not known
  bool after_noise_ = false;

  std::uint64_t packets_ = 0, bytes_ = 0, duplicates_ = 0, reordered_ = 0, restarts_ = 0, marked_ = 0,
                steps_ = 0;
  std::int64_t first_ns_ = 0, last_ns_ = 0;

  // Sequence numbers, extended; bit n of the window: high - n was received.
  std::uint64_t extended_base_ = 0, extended_high_ = 0, expected_before_ = 0, unique_ = 0;
  std::uint64_t window_ = 0;
  std::optional<std::uint16_t> suspect_; // after a jump: the number that would confirm it
  std::uint64_t settled_lost_ = 0, loss_runs_ = 0, settled_ = 0;
  bool last_lost_ = false;

  // Timing of the packet before, in ms since the first one.
  double time_ms_ = 0;
  std::int64_t previous_timestamp_ = 0; // extended
  double current_jitter_ = 0;
  Spread delta_, jitter_;
  // Least squares of the sender's clock against arrival.
  double nominal_ms_ = 0, sum_t_ = 0, sum_ts_ = 0, sum_tt_ = 0, sum_tts_ = 0;
  std::uint64_t timed_ = 0;

  std::vector<DtmfDigit> digits_;
};

} // namespace talky::rtpdump
