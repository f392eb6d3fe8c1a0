// An adaptive jitter buffer that is driven by its consumer.
//
// Packets are pushed as they arrive. Whoever plays calls pop() each time it needs more audio, on its own
// steady clock, and always gets something: a packet, a stretch of loss to conceal, or silence because the
// peer sends nothing (DTX, before the start, between talkspurts). Nothing is ever waited for, so playing
// never stops.
//
// How the delay adapts. For each packet the buffer knows its *lateness*: arrival less the arrival that the
// fastest packets of the last seconds would predict from its timestamp. The *target* delay is the 99th
// percentile of the recent lateness plus a margin, within [min_delay, max_delay]. For each packet played it
// knows the *delay* it really had.
// - A talkspurt (a gap in the timestamps without loss) begins with exactly the target delay: free of charge.
// - If a packet is not there when it is needed, a loss is reported, and the packet is played whole when it
// comes: the
//   delay has grown by itself, by what was missing.
// - excess() tells the consumer how many timestamp units too much (or too little, below 0) delay there is. It
// removes
//   or adds that much decoded audio where nobody hears it and says so with adjusted(). Clock drift is only a
//   delay that grows or shrinks slowly, so it is corrected by the same means. Hysteresis keeps a steady
//   stream untouched.
//
// The unit of time is the timestamp's (1/clock_rate s) unless it says Duration.
// Limits: 128 packets, max_delay of audio; older audio is discarded beyond that. Storage grows with what
// waits (a steady stream keeps one or two packets) and is reused: no allocation once each slot has seen its
// largest packet.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/bytes.hpp"
#include "core/time.hpp"
#include "rtp/lateness.hpp"
#include "rtp/packet.hpp"

namespace talky::rtp {

class JitterBuffer {
 public:
  struct Config {
    std::uint32_t clock_rate = 8000;
    Duration min_delay = std::chrono::milliseconds(10);   // of the target
    Duration max_delay = std::chrono::milliseconds(400);  // of the target, and of the audio kept
    Duration start_delay = std::chrono::milliseconds(12); // before anything has been measured
    Duration margin = std::chrono::milliseconds(5);       // on top of the measured lateness
    Duration hysteresis =
        std::chrono::milliseconds(22); // how much too long a delay may be before excess() says so
    Duration dtx_after =
        std::chrono::milliseconds(200); // nothing for this long is taken for silence, not loss
  };

  enum class Kind : std::uint8_t { packet, lost, silence };

  struct Slot {
    Kind kind = Kind::silence;
    std::uint32_t units = 0;       // duration: of the packet as pushed, else at most what was asked for
    std::uint8_t payload_type = 0; // of a packet
    bool marker = false;
    bool discontinuity =
        false; // this packet does not follow from the one played before: a talkspurt, jump or restart
    std::uint32_t timestamp = 0;
    Bytes payload; // borrowed until the next push(), pop() or reset()
  };

  struct Counters {
    std::uint64_t pushed = 0;
    std::uint64_t played = 0;
    std::uint64_t late = 0; // came after its place was concealed, and was not played
    std::uint64_t duplicates = 0;
    std::uint64_t discarded = 0; // overflow: more than max_delay was waiting
    std::uint64_t lost = 0;      // packets missing when later ones were played
    std::uint64_t restarts = 0;  // SSRC changes and jumps of sequence or timestamp
    std::uint64_t concealed_units = 0;
  };

  explicit JitterBuffer(const Config& config);

  // `units` is the duration of the audio in the packet. A changed SSRC, or a sequence number far away that
  // goes on (RFC 3550 A.1), starts the stream afresh.
  void push(const PacketView& packet, std::uint32_t units, Time arrival);
  // A packet of the same SSRC that carries no audio (telephone-event, comfort noise): it is not lost.
  void push_other(const PacketView& packet, Time arrival);

  // The next piece; `now` is when it is needed, `units` how much at most of loss or silence. A consumer that
  // was kept from running makes up for its pops with the times at which they were due, and gets what came
  // meanwhile.
  Slot pop(Time now, std::uint32_t units);

  // Units by which the delay is too long (> 0) or too short (< 0); 0 within the hysteresis.
  std::int32_t excess() const;
  // The consumer has removed (> 0) or added (< 0) so many units of decoded audio.
  void adjusted(std::int32_t units);

  Duration target() const { return target_; }
  Duration delay() const { return delay_; } // from arrival (of a punctual packet) to pop(), smoothed
  std::size_t size() const { return count_; }
  const Counters& counters() const { return counters_; }
  void reset(); // forgets the stream, keeps the counters

 private:
  enum class State : std::uint8_t { empty, waiting, playing };
  enum class Content : std::uint8_t { none, audio, other };
  struct Packet {
    std::int64_t sequence = -1; // extended
    std::uint32_t timestamp = 0;
    std::uint32_t units = 0;
    std::uint8_t payload_type = 0;
    bool marker = false;
    Content content = Content::none;
    Duration media_time{0}; // on the timeline below
    Time arrival;
    std::vector<std::byte> payload; // of audio that waits; its memory then goes to the next one
  };
  struct Head {
    Packet* packet = nullptr;  // the oldest audio packet that waits
    std::uint32_t missing = 0; // packets before it that have not come
    bool known = false;        // all before it came and carried no audio
  };
  // Which of the last packets have come, played or not: what comes again is a duplicate.
  class Seen {
   public:
    void begin() { words_ = {}; }
    void advance(std::int64_t steps); // so many sequence numbers further
    // `back` sequence numbers before the newest. True if it had not come before.
    bool insert(std::size_t back);

   private:
    std::array<std::uint64_t, 2> words_{}; // bit n: the one n before the newest
  };
  static constexpr std::size_t kCapacity = 128;
  static constexpr std::size_t kFirstCapacity = 4; // slots of a ring; the number doubles when they do not do

  std::optional<Packet> insert(const PacketView& packet, Content content);
  Packet& make_room(std::int64_t sequence);
  void restart(const PacketView& packet);
  // Of one that is no audio nothing is kept but that it is not lost.
  bool occupies(const Packet& packet) const {
    return packet.content == Content::audio || (packet.content == Content::other && packet.sequence > last_);
  }
  Packet& at(std::int64_t sequence) { return ring_[static_cast<std::size_t>(sequence) % ring_.size()]; }
  Head head();
  void place(Packet& packet, Time arrival);
  Duration delay_of(const Packet& packet, Time now) const;
  Slot play(const Head& head, Time now, bool discontinuity);
  Slot gap(Kind kind, std::uint32_t units);
  void pass(Packet& packet); // it is played or given up
  void release_payload(Packet& packet);
  Duration end_of_waiting(const Packet& first, Time now);
  void drop_overflow(Time now);
  void observe_delay(Duration delay);
  Duration to_duration(std::int64_t units) const;
  std::int64_t to_units(Duration duration) const;

  Config config_;
  std::vector<Packet> ring_; // of those behind last_ that have come, each at its sequence number
  Seen seen_;
  std::size_t count_ = 0;                              // audio packets waiting
  std::vector<std::byte> playing_;                     // what pop() has given last
  std::vector<std::vector<std::byte>> spare_payloads_; // as many as ever waited at once
  State state_ = State::empty;

  std::uint32_t ssrc_ = 0;
  std::int64_t highest_ = 0;             // extended sequence of the newest packet
  std::int64_t last_ = 0;                // of the newest packet played or given up
  std::optional<std::uint16_t> resumed_; // RFC 3550 A.1 bad_seq: a jump is believed when it goes on
  std::uint32_t next_timestamp_ = 0;     // of what follows the packet played last
  std::int64_t owed_ = 0;                // units of loss and silence given since then
  std::int64_t owed_over_waiting_ = 0;   // of these, while later packets were waiting already

  // The timeline is that of the peer's timestamps, unwrapped, and moved when they jump.
  std::uint32_t newest_timestamp_ = 0;
  std::int64_t newest_units_ = 0;
  std::int64_t newest_sequence_ = 0;
  std::uint32_t newest_duration_ = 0;
  Duration shift_{0};
  Lateness lateness_;
  Duration target_;
  std::uint32_t until_target_ = 0; // packets until the target is computed again

  // The delay really had; the smallest of the last second or two is what may safely be shortened.
  Duration delay_{0};
  Duration window_min_{0};
  Duration previous_min_{0};
  std::uint32_t window_count_ = 0;
  bool previous_valid_ = false;

  Counters counters_;
};

} // namespace talky::rtp
