// When each packet of a recording is to be sent again. Pure: no clock, no sockets.
#pragma once
#include <cstdint>
#include <optional>
#include <queue>
#include <unordered_map>
#include <vector>

#include "core/bytes.hpp"
#include "rtp/packet.hpp"

namespace talky::capture {

class Stream;

// By the times of capture, packets leave as they are added. By the RTP timestamps, each stream starts with
// its first packet's time of capture and then follows its own clock, so that what the network did to the
// recording is undone; packets then wait here for those that are to go before them, for up to a second of
// capture. Timestamps that leave the times of capture by more than three seconds start anew from there.
// Events (RFC 4733), whose timestamp stands still, and RTCP keep their distance in capture.
class Schedule {
 public:
  enum class Timing : std::uint8_t { capture, timestamps };
  struct Item {
    std::int64_t due_ns = 0; // since the first packet
    bool rtcp = false;
    std::vector<std::byte> bytes;
  };

  explicit Schedule(Timing timing) : timing_(timing) {}

  // `time_ns`: of the capture, since the first packet. `stream` names the stream; nullptr for RTCP.
  // `clock_rate` is of the payload type, 0 if unknown; `paced` is false for events.
  void add(std::int64_t time_ns, const Stream* stream, const rtp::Header& header, std::uint32_t clock_rate,
           bool paced, Bytes packet);
  // The next packet that no later one can overtake; nullopt if there is none, or not yet.
  std::optional<Item> next();
  void end() { ended_ = true; } // nothing more will be added

 private:
  static constexpr std::int64_t kHorizon = 1'000'000'000;
  static constexpr std::int64_t kMaxDrift = 3'000'000'000;

  struct Clock {
    std::int64_t anchor_ns = 0; // due at `extended`
    std::int64_t anchor = 0;
    std::int64_t extended = 0; // timestamp of the packet before
    std::int64_t due_ns = 0;   // of the packet before
    std::int64_t time_ns = 0;  // its capture
    bool started = false;
  };
  struct Entry {
    std::uint64_t order = 0;
    Item item;
  };
  struct Later {
    bool operator()(const Entry& a, const Entry& b) const {
      return a.item.due_ns != b.item.due_ns ? a.item.due_ns > b.item.due_ns : a.order > b.order;
    }
  };
  std::int64_t due(std::int64_t time_ns, const Stream* stream, const rtp::Header& header,
                   std::uint32_t clock_rate, bool paced);

  Timing timing_;
  std::unordered_map<const Stream*, Clock> clocks_;
  std::priority_queue<Entry, std::vector<Entry>, Later> waiting_;
  std::uint64_t count_ = 0;
  std::int64_t reached_ns_ = 0; // of capture
  bool ended_ = false;
};

// How a stream's numbers go on when a recording is played once more: the second round begins one step behind
// the highest sequence number and timestamp of the first.
class Renumber {
 public:
  // To be called for each RTP packet; changes sequence number and timestamp of rounds after the first.
  void apply(const Stream* stream, std::vector<std::byte>& packet);
  void next_round();

 private:
  struct State {
    bool started = false;
    std::uint16_t first_sequence = 0;
    std::uint32_t first_timestamp = 0;
    std::int64_t sequence_span = 0; // from the first to the highest
    std::int64_t timestamp_span = 0;
    std::int64_t step = 160; // between the last two packets that followed each other
    std::uint16_t last_sequence = 0;
    std::uint32_t last_timestamp = 0;
    std::uint32_t sequence_shift = 0;
    std::uint32_t timestamp_shift = 0;
  };
  std::unordered_map<const Stream*, State> streams_;
};

} // namespace talky::capture
