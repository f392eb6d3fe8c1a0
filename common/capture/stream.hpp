// One RTP stream: its packets counted and timed, in constant memory.
//
// Delta and jitter are defined as tshark's `rtp,streams` defines them, so that the figures can be held side
// by side; talky-rtpdump(7) tells every figure and where it differs. A packet that follows in sequence and in
// time, which is nearly every one, takes a short way without a division; all else goes through add_other().
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "capture/format.hpp"
#include "capture/loss_pattern.hpp"
#include "core/bytes.hpp"
#include "core/endpoint.hpp"
#include "rtp/packet.hpp"

namespace talky::capture {

// One payload type within a stream.
struct PayloadUse {
  std::uint8_t type = 0;
  Format format;
  std::uint64_t packets = 0;
};

struct DtmfDigit {
  char digit = 0;               // '!' is the flash of a hook
  std::int64_t time_ns = 0;     // of its first packet
  std::uint32_t timestamp = 0;  // of its last segment (RFC 4733 2.5.1.3)
  std::uint32_t before = 0;     // timestamp units in the segments before that
  std::uint32_t duration = 0;   // of all segments
  std::uint32_t clock_rate = 0; // of these units
  bool ended = false;           // false: no packet said that it was over

  double duration_ms() const { return clock_rate == 0 ? 0 : duration * 1000.0 / clock_rate; }
};

// Smallest, mean and largest of a series of milliseconds.
struct Spread {
  double low = std::numeric_limits<double>::infinity();
  double mean = 0;
  double high = 0;
};

// Members stand together by when they are used, not by size.
class Stream { // NOLINT(clang-analyzer-optin.performance.Padding)
 public:
  static constexpr std::size_t kMaxDigits = 1000;
  static constexpr std::size_t kMaxTypes = 16;
  // Later than this after the fastest packets of the last seconds: a jitter buffer would have gone on without
  // it.
  static constexpr double kLateMs = 60;
  static constexpr std::uint32_t kWindow = 128; // packets
  // A packet that comes so much later than its timestamp says stands behind a stall of the network, or behind
  // a pause in which the timestamp stood still, as that of some telephones does on hold. The next packets
  // show which.
  static constexpr double kStallMs = 300;
  static constexpr std::uint32_t kDoubt = 10; // packets after which it is known

  Endpoint from, to;
  std::uint32_t ssrc = 0;
  bool announced = false;    // by SDP: it counts from the first packet
  std::uint32_t refused = 0; // packets that came before there was room for it

  void add(std::int64_t time_ns, const rtp::Header& header, Bytes payload) {
    const auto step = static_cast<std::int32_t>(header.timestamp - timestamp_);
    const bool follows = header.sequence == static_cast<std::uint16_t>(extended_high_ + 1);
    const double now_ms = static_cast<double>(time_ns - first_ns_) * 1e-6;
    if (!follows || step != usual_step_ || header.marker || !plain_ || now_ms - time_ms_ > kStallMs)
        [[unlikely]] {
      add_other(time_ns, header, payload);
      return;
    }
    ++packets_;
    bytes_ += payload.size();
    if (time_ns > last_ns_) last_ns_ = time_ns;
    advance();
    timestamp_ = header.timestamp;
    time(now_ms, usual_ms_);
  }
  // What the payload type of the packets means; to be set before add() when knows() says no. `generation` is
  // that of the announcements it was taken from.
  void set_format(std::uint8_t payload_type, Format format, std::uint32_t generation);
  bool knows(std::uint8_t payload_type, std::uint32_t generation) const {
    return payload_type == last_type_ && generation == generation_;
  }

  // For a stream of a source that holds nothing but RTP.
  void confirm() { confirmed_ = true; }
  // A stream and not chance: SDP told of it, or three packets in a row went on as those of a stream do, and
  // more of them where the payload type, the SSRC or a port is not what RTP uses.
  bool confirmed() const { return confirmed_ || announced; }

  std::uint64_t packets() const { return packets_; }
  std::uint64_t bytes() const { return bytes_; } // of payload
  std::uint64_t expected() const { return expected_before_ + (extended_high_ - extended_base_ + 1); }
  std::int64_t lost() const; // expected - packets; negative with more duplicates than losses
  std::uint64_t missing() const;
  std::uint64_t duplicates() const { return duplicates_; }
  std::uint64_t reordered() const { return reordered_; }
  std::uint64_t late() const { return late_; }         // came, but too late to be heard
  std::uint64_t restarts() const { return restarts_; } // the sequence number began afresh
  std::uint64_t strays() const { return strays_; }     // single packets far off the sequence
  std::uint64_t marked() const { return marked_; }
  double unheard() const; // share of the expected packets that are missing or late
  LossPattern::Summary losses() const;
  Spread delta_ms() const;
  Spread jitter_ms() const;
  bool has_jitter() const { return jitter_low_ != std::numeric_limits<double>::infinity(); }
  std::optional<double> skew_ppm() const; // above 0: the sender's clock is too fast
  std::int64_t first_ns() const { return first_ns_; }
  std::int64_t last_ns() const { return last_ns_; }
  // What the first packet took longer than the fastest of the first seconds: its place in time is so much
  // earlier.
  double first_late_ms() const { return -(has_early_min_ ? early_min_ms_ : window_min_ms_); }
  // Of the audio that came or should have come, without the pauses of a sender that is silent (DTX, comfort
  // noise).
  double sending_ms() const;
  std::uint64_t pauses() const { return pauses_; }
  double packet_ms() const { return usual_ms_; }           // of audio in a packet; 0 if unknown
  std::uint8_t payload_type() const { return main_type_; } // of the audio: the first that was no event
  const Format& format() const { return main_format_; }
  // Every payload type in the order of its first packet, events and comfort noise too.
  std::vector<PayloadUse> payload_types() const;
  const Format* format_of(std::uint8_t payload_type) const;
  // The first of them that can be decoded; nullptr: none can.
  const codec::Entry* codec() const;
  const std::vector<DtmfDigit>& digits() const { return digits_; }

 private:
  // One packet further in the sequence, and it came.
  void advance() {
    ++extended_high_;
    if ((heard_ >> 63) == 0) [[unlikely]]
      settle();
    received_ = received_ << 1 | 1;
    heard_ = heard_ << 1 | 1;
  }
  // A packet that counts for the figures of time. `nominal`: ms since the packet before by the timestamps.
  void time(double now_ms, double nominal) {
    const double delta = now_ms - time_ms_;
    time_ms_ = now_ms;
    track(now_ms, delta, nominal, nominal, 1);
    delta_sum_ += delta;
    jitter_sum_ += current_jitter_;
    if (delta < delta_low_) delta_low_ = delta;
    if (delta > delta_high_) delta_high_ = delta;
    if (current_jitter_ < jitter_low_) jitter_low_ = current_jitter_;
    if (current_jitter_ > jitter_high_) jitter_high_ = current_jitter_;
  }
  // `media`: as `nominal`, since the packet of audio before it; `bit`: its place in the windows, 0 for a
  // duplicate.
  void track(double now_ms, double delta, double nominal, double media, std::uint64_t bit) {
    const double difference = delta - nominal;
    current_jitter_ += ((difference < 0 ? -difference : difference) - current_jitter_) * (1.0 / 16);
    nominal_ms_ += media;
    ++timed_;
    const double transit = now_ms - nominal_ms_;
    if (transit < current_min_ms_) {
      current_min_ms_ = transit;
      if (transit < window_min_ms_) window_min_ms_ = transit;
    }
    if (transit > window_min_ms_ + kLateMs) [[unlikely]]
      too_late(bit);
    if (--window_left_ == 0) [[unlikely]]
      next_window();
    sum_t_ += now_ms;
    sum_d_ += transit;
    sum_tt_ += now_ms * now_ms;
    sum_td_ += now_ms * transit;
  }
  void add_other(std::int64_t time_ns, const rtp::Header& header, Bytes payload);
  void start(std::int64_t time_ns, const rtp::Header& header);
  void restart(std::int64_t time_ns, const rtp::Header& header);
  enum class Order : std::uint8_t { next, ahead, behind, duplicate, stray, restart };
  Order order(std::uint16_t sequence);
  void probation(const rtp::Header& header, Bytes payload, Order order, int distance, std::int32_t step);
  void pace(double media, int distance, bool noise);
  void settle();
  void settle_all(LossPattern& pattern) const;
  void too_late(std::uint64_t bit);
  void begin_doubt(double gap_ms, double now_ms);
  void doubt(double now_ms, bool regular);
  void was_pause();
  void next_window();
  void event(std::int64_t time_ns, const rtp::Header& header, Bytes payload);

  // The order of the members follows add(): what every packet needs lies together.
  std::uint64_t extended_high_ = 0; // sequence number with its cycles
  std::uint32_t timestamp_ = 0;
  std::int32_t usual_step_ = 0; // of the timestamp between packets that follow each other
  double usual_ms_ = 0;
  bool plain_ = false; // confirmed, the clock is known, neither noise nor events, nor just behind noise
  bool confirmed_ = false;
  bool started_ = false;
  bool after_noise_ = false;
  std::uint8_t last_type_ = 0xff;
  std::uint32_t generation_ = 0;
  std::uint64_t packets_ = 0, bytes_ = 0;
  std::int64_t first_ns_ = 0, last_ns_ = 0;
  // Bit n: packet high - n was received; was heard, that is, was received and not late. Before the base:
  // ones.
  std::uint64_t received_ = 0, heard_ = 0;
  double time_ms_ = 0, current_jitter_ = 0, nominal_ms_ = 0;
  double window_min_ms_ = 0;  // the fastest transit of this window of packets and the last
  double current_min_ms_ = 0; // of this one
  std::uint32_t window_left_ = kWindow;
  double delta_sum_ = 0, jitter_sum_ = 0; // over (packets - 1): the mean
  double delta_low_ = std::numeric_limits<double>::infinity(), delta_high_ = 0;
  double jitter_low_ = std::numeric_limits<double>::infinity(), jitter_high_ = 0;
  // Least squares of the transit time against arrival.
  double sum_t_ = 0, sum_d_ = 0, sum_tt_ = 0, sum_td_ = 0;
  std::uint64_t timed_ = 0;

  std::uint64_t extended_base_ = 0, expected_before_ = 0;
  std::uint64_t duplicates_ = 0, reordered_ = 0, late_ = 0, strays_ = 0, restarts_ = 0, marked_ = 0;
  std::optional<std::uint16_t> suspect_; // after a jump: the number that would confirm it
  std::uint8_t run_ = 0;                 // of packets that go on, before it is confirmed
  bool moved_ = false;                   // and their timestamp did
  double ms_per_tick_ = 0;               // 0: the clock is not known, or does not run (events)
  std::int64_t ahead_ticks_ = 0;         // of the newest packet's timestamp before that of the last
  std::uint32_t event_ticks_ = 0;        // that the timestamp went on through events
  double candidate_ms_ = 0; // a length of packets that was seen once; below 0: how late the packet before was
  std::uint64_t candidate_at_ = 0; // packets_ then
  double counted_pause_ms_ = 0;    // by the packet before
  double pause_ms_ = 0;
  std::uint64_t pauses_ = 0;
  double early_min_ms_ = 0; // the fastest transit of the first window
  bool has_early_min_ = false;
  LossPattern pattern_;

  // What a stall would have changed, from the first doubtful packet on, so that it can be taken back.
  struct Doubt {
    std::uint32_t packets = 0;
    double gap_ms = 0;                   // without a packet, beyond what the timestamps say
    double begin_ms = 0, nominal_ms = 0; // at the first of them
    std::uint64_t high = 0, late = 0;
    std::uint64_t timed = 0;
    double sum_t = 0, sum_d = 0, sum_tt = 0, sum_td = 0;
    double jitter = 0, jitter_sum = 0; // the gap's share in the current jitter, and in the sum of all
    double jitter_high = 0;            // without it
    LossPattern pattern;               // as it would be without the late packets, which have these places
    std::array<std::uint64_t, kDoubt> late_at{};
    std::uint32_t late_count = 0;

    bool has_late(std::uint64_t position) const {
      return std::find(late_at.begin(), late_at.begin() + late_count, position) !=
             late_at.begin() + late_count;
    }
  };
  std::unique_ptr<Doubt> doubt_; // few streams ever are in any

  std::uint8_t main_type_ = 0;
  bool has_main_ = false;
  Format main_format_;
  std::vector<PayloadUse> types_;
  std::size_t current_type_ = 0;      // in types_
  std::uint64_t packets_at_type_ = 0; // when it began
  std::vector<DtmfDigit> digits_;
};

} // namespace talky::capture
