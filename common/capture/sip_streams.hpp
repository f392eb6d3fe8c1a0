// The SIP messages in captured packets: one in a UDP datagram, any number in the byte streams of TCP, which
// are put in order here. Streams that are not SIP are recognised by their first bytes and left alone.
//
// Limits: 1,024 directions of TCP (the one that is idle for longest makes room), 64 segments or 256 KiB that
// wait for a missing one.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>

#include "file/link.hpp"
#include "sip/framer.hpp"

namespace talky::capture {

// Cheap enough to be asked of every packet: a start line has the version of SIP in it.
bool looks_like_sip(Bytes payload);

class SipStreams {
 public:
  static constexpr std::size_t kMaxTcp = 1'024;
  static constexpr std::size_t kMaxWaiting = 64;
  static constexpr std::size_t kMaxWaitingBytes = 262'144;

  // The text is valid during the call.
  using Receive = std::function<void(std::string_view message)>;

  // True if the packet was SIP, or part of any TCP stream.
  bool add(const file::Segment& segment, const Receive& receive);

 private:
  struct Direction {
    std::uint32_t next = 0;
    bool fresh = false; // from its SYN on: the first bytes decide
    bool dead = false;  // not SIP, or bytes are missing
    std::int64_t last_ns = 0;
    std::map<std::uint32_t, std::string> early;
    std::size_t early_bytes = 0;
    sip::Framer framer;
  };
  struct Pair {
    Endpoint from, to;
    bool operator==(const Pair&) const = default;
  };
  struct PairHash {
    std::size_t operator()(const Pair& pair) const noexcept {
      return std::hash<Endpoint>{}(pair.from) * 31 + std::hash<Endpoint>{}(pair.to);
    }
  };
  Direction* direction_of(const file::Segment& segment);
  Direction& make(const Pair& pair);
  static void take_early(Direction& direction);
  static void drain(Direction& direction, const Receive& receive);

  std::unordered_map<Pair, Direction, PairHash> tcp_;
};

} // namespace talky::capture
