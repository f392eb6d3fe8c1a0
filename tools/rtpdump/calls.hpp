// The SIP calls of a capture, over UDP and TCP, and what their SDP says about the media.
#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "file/link.hpp"
#include "sip/framer.hpp"
#include "sip/message.hpp"
#include "table.hpp"

namespace talky::rtpdump {

struct LadderLine {
  std::int64_t time_ns = 0;
  Endpoint from, to;
  std::string text; // "INVITE sip:100@127.0.0.1 (SDP)", "200 OK"
};

struct Call {
  static constexpr std::size_t kMaxLadder = 500;

  std::string call_id;
  std::string from, to;                             // URIs
  Endpoint caller, callee;                          // of the signalling
  std::vector<Endpoint> caller_media, callee_media; // where each side wants its packets
  std::int64_t invite_ns = 0;
  std::optional<std::int64_t> ringing_ns, answered_ns, ended_ns;
  int final_code = 0; // of the first INVITE; 0 if none was seen
  std::string final_reason;
  std::string ended_by; // "caller", "callee", "" if no BYE or CANCEL was seen
  std::vector<LadderLine> ladder;

  // The side that this stream's packets go to: 'r' to the caller, 'e' to the callee, 0 to neither.
  enum class Leg : std::uint8_t { none, from_caller, from_callee };
  Leg leg_of(const Stream& stream) const;
};

// Limits: 16,384 calls, 1,024 TCP directions.
class CallTable {
 public:
  static constexpr std::size_t kMaxCalls = 16'384;
  static constexpr std::size_t kMaxTcp = 1'024;

  explicit CallTable(Announcements& announcements) : announcements_(announcements) {}

  // True if the packet was SIP, or part of a TCP stream.
  bool add(const file::Segment& segment);

  const std::deque<Call>& calls() const { return calls_; } // in the order of their INVITEs
  const Call* call_of(const Stream& stream) const;
  std::uint64_t messages() const { return messages_; }

 private:
  struct TcpDirection {
    std::uint32_t next = 0;
    bool synchronised = false;
    bool dead = false; // not SIP, or bytes are missing
    std::map<std::uint32_t, std::string> early;
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

  bool tcp(const file::Segment& segment);
  void drain(TcpDirection& direction, const file::Segment& segment);
  bool message(const file::Segment& segment, std::string_view text);
  void describe(Call* call, bool by_caller, std::string_view sdp);

  Announcements& announcements_;
  std::deque<Call> calls_;
  std::unordered_map<std::string, std::size_t> by_id_;
  std::unordered_map<Pair, TcpDirection, PairHash> tcp_;
  sip::MessageView view_;
  std::uint64_t messages_ = 0;
};

} // namespace talky::rtpdump
