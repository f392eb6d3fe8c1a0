// DTMF in RTP: telephone-event, RFC 4733.
//
//    event (8) | E | R | volume (6) | duration (16)
//
// The timestamp is the beginning of the event; duration counts from there in timestamp units, so an event
// longer than 0xffff units (8 s at 8 kHz) goes on in further segments (2.5.1.3), each beginning where the one
// before ended.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "core/bytes.hpp"
#include "core/error.hpp"
#include "core/fifo.hpp"
#include "core/time.hpp"

namespace talky::rtp {

// Digits 0-9 * # A-D are the events 0 to 15.
std::optional<std::uint8_t> event_of(char digit);
std::optional<char> digit_of(std::uint8_t event);

struct EventBlock {
  std::uint8_t event = 0;
  bool end = false;
  std::uint8_t volume = 10; // dBm0 below 0: 0 to 63
  std::uint16_t duration = 0;
};
inline constexpr std::size_t kEventBlockSize = 4;

Result<EventBlock> parse_event(Bytes payload); // the first block; fails with `truncated`
std::array<std::byte, kEventBlockSize> build_event(const EventBlock& block);

// Turns the packets of one stream into key presses, each reported once, when it has ended. Packets may be
// lost (any of them: the first with the marker, all three ends), repeated and reordered; a marker is not
// needed. A press is over with its first end packet, or when another begins, or when nothing came for
// `lost_end`.
class EventReceiver {
 public:
  struct Press {
    char digit;
    Duration duration;
    bool end_lost; // the duration is a lower bound
  };

  explicit EventReceiver(std::uint32_t clock_rate, Duration lost_end = std::chrono::milliseconds(200))
      : clock_rate_(clock_rate), lost_end_(lost_end) {}

  // Packets with several events in a row (2.5.1.5) are understood. Fails with `truncated`.
  Result<> receive(Bytes payload, std::uint32_t timestamp, bool marker, Time now);
  void expire(Time now);
  std::optional<Time> deadline() const;
  std::optional<Press> poll();

 private:
  void receive(const EventBlock& block, std::uint32_t timestamp, bool marker, Time now);
  void finish(bool end_lost);
  bool continues(const EventBlock& block, std::uint32_t timestamp, bool marker) const;
  bool is_finished(std::uint32_t timestamp) const;

  std::uint32_t clock_rate_;
  Duration lost_end_;
  struct Open {
    std::uint8_t event;
    std::uint32_t start;    // timestamp of the press
    std::uint32_t segment;  // timestamp of its present segment
    std::uint16_t duration; // of that segment, the longest seen
    std::uint64_t before;   // units in the segments before
    Time last;
  };
  std::optional<Open> open_;
  std::optional<Open> last_; // the press before
  std::array<std::uint32_t, 8>
      finished_{}; // timestamps, all segments: late copies of their packets say nothing new
  std::size_t finished_count_ = 0;
  Fifo<Press> presses_;
};

struct EventPacket {
  std::array<std::byte, kEventBlockSize> payload;
  std::uint32_t timestamp;
  bool marker;
};

// Sends queued digits: one packet at every step of the owner's clock while a digit lasts, its end three
// times, then the gap. The owner calls next() once a step with the timestamp of the moment; nullopt means
// that audio may be sent.
class EventSender {
 public:
  static constexpr std::size_t kMaxQueued = 256;

  // Units of the RTP clock. `event` nullopt is a pause of `duration`.
  struct Digit {
    std::optional<std::uint8_t> event;
    std::uint32_t duration;
    std::uint32_t gap;
  };
  Result<> push(const Digit& digit); // fails with `too_large` when kMaxQueued wait
  std::optional<EventPacket> next(std::uint32_t now, std::uint32_t step);
  bool idle() const { return !current_ && queue_.empty(); }
  std::size_t queued() const { return queue_.size(); }
  void cancel(); // drops what waits; a digit that has begun is ended properly

 private:
  enum class Phase : std::uint8_t { tone, end, gap };
  struct Current {
    Digit digit;
    Phase phase;
    std::uint32_t segment; // timestamp of the segment
    std::uint32_t elapsed; // in the segment
    std::uint64_t total;   // of the whole digit, so far
    std::uint8_t ends;     // end packets sent
    std::uint32_t waited;  // in the gap
    bool first;
  };
  Fifo<Digit> queue_;
  std::optional<Current> current_;
};

} // namespace talky::rtp
