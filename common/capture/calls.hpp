// The SIP calls of a capture, over UDP and TCP, and what their SDP says about the media.
//
// A call is what has one Call-ID and began with an INVITE, or, where the capture begins in its middle, shows
// one by what is only said within it: an answer to an INVITE, a re-INVITE, BYE, UPDATE, INFO or REFER of a
// dialog. Who sent a message is told by its From tag, so that it does not matter how many hops of it were
// captured, nor that the tag changes where an INVITE comes again; of a call without its INVITE the caller is
// who sent the first request. All times are those of the first copy of a message.
#pragma once
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "capture/requests.hpp"
#include "capture/sip_streams.hpp"
#include "capture/table.hpp"
#include "sip/message.hpp"

namespace talky::sdp {
struct Session;
struct Media;
} // namespace talky::sdp

namespace talky::capture {

struct LadderLine {
  std::int64_t time_ns = 0;
  Endpoint from, to;
  std::string text; // "INVITE sip:100@127.0.0.1 (SDP)", "200 OK"
};

struct Call {
  static constexpr std::size_t kMaxTags = 32, kMaxLadder = 500, kMaxBranches = 32, kMaxHolds = 100,
                               kMaxDigits = 1'000, kMaxMedia = 32, kMaxSeen = 4'096;

  enum class Side : std::uint8_t { none, caller, callee };
  // One telephone that an INVITE was forked to, or one answer of a proxy.
  struct Branch {
    std::string tag; // of To
    Endpoint from;
    std::int64_t first_ns = 0;
    std::optional<std::int64_t> ringing_ns, answered_ns;
    int code = 0; // the last
    std::string reason;
  };
  struct Hold {
    Side by = Side::none;
    std::int64_t from_ns = 0;
    std::optional<std::int64_t> to_ns;
  };
  struct Digit { // by SIP INFO, application/dtmf-relay or application/dtmf
    char digit = 0;
    Side by = Side::none;
    std::int64_t time_ns = 0;
    std::uint32_t duration_ms = 0; // 0: not said
  };

  std::size_t number = 0; // in the order of the INVITEs, from 1
  std::string call_id;
  bool begun_before = false; // its INVITE came before the capture
  bool was_up = false;       // and it had been answered by then
  std::string from, to;      // URIs
  std::string from_name, to_name, caller_agent, callee_agent;
  Endpoint caller, callee; // of the signalling
  bool over_tcp = false;
  std::vector<Endpoint> caller_media, callee_media; // where each side wants its audio
  std::int64_t invite_ns = 0; // where that came before the capture: of the first message
  // 100; the first of 101 to 199; 180; the first that brought SDP before the answer.
  std::optional<std::int64_t> trying_ns, progress_ns, ringing_ns, early_media_ns;
  std::optional<std::int64_t> answered_ns, acknowledged_ns, cancelled_ns, ended_ns;
  std::int64_t last_ns = 0; // of any message
  int final_code = 0;       // of the INVITE that made the call; 0 if none was seen
  std::string final_reason;
  Side ended_by = Side::none;
  std::string cause; // of the Reason field of BYE or CANCEL (RFC 3326), else of the final answer
  std::vector<Branch> branches;
  std::vector<Hold> holds;
  std::vector<Digit> digits;
  std::uint32_t messages = 0, retransmissions = 0, challenges = 0, redirects = 0, reinvites = 0, updates = 0,
                refers = 0;
  std::vector<LadderLine> ladder;

  enum class State : std::uint8_t {
    trying,
    ringing,
    up,
    ended,
    cancelled,
    busy,
    redirected,
    refused,
    failed
  };
  State state() const;
  bool up() const { return answered_ns || was_up; } // or was, before its end
  // INVITE to the first sign of life but 100 (post-dial delay); ringing to the answer or the end.
  std::optional<std::int64_t> post_dial_delay_ns() const;
  std::optional<std::int64_t> ringing_for_ns() const;
  std::optional<std::int64_t> talked_ns() const; // from the answer to the end

  enum class Leg : std::uint8_t { none, from_caller, from_callee };
  Leg leg_of(const Stream& stream) const;

  std::vector<std::string> from_tags; // of the caller
  std::uint32_t invite_cseq = 0;
  std::vector<Endpoint> caller_lines, callee_lines; // by m= line of the last SDP of each side
  std::unordered_set<std::uint64_t> seen;           // hashes of its first messages
};

std::string_view to_string(Call::State state);
std::string_view to_string(Call::Side side); // "caller", "callee", ""

class CallTable {
 public:
  static constexpr std::size_t kMaxCalls = 16'384;

  explicit CallTable(Announcements& announcements) : announcements_(announcements) {}

  // True if the packet was SIP, or part of a TCP stream.
  bool add(const file::Segment& segment);

  const std::deque<Call>& calls() const { return calls_; }   // in the order of their INVITEs
  const RequestTable& requests() const { return requests_; } // what is not of a call
  // The call whose SDP named an address of the stream; where ports were used again, the last that had begun
  // when the stream did.
  const Call* call_of(const Stream& stream) const;
  std::uint64_t messages() const { return messages_; }
  // The call of the last message of the last packet; nullptr: it completed none, or of no call.
  const Call* current() const { return current_; }

 private:
  void message(const file::Segment& segment, std::string_view text);
  Call* find_or_make(const file::Segment& segment);
  bool begins_call() const;
  void request(Call& call, const file::Segment& segment, bool by_caller);
  void response(Call& call, const file::Segment& segment, bool by_caller);
  void answer(Call& call, const file::Segment& segment);
  void describe(Call& call, const file::Segment& segment, bool by_caller, std::string_view body);
  void announce(Call& call, const Endpoint& receiver, const sdp::Media& media, bool by_caller);
  void hold(Call& call, std::int64_t time_ns, bool by_caller, const sdp::Session& session);
  void info(Call& call, std::int64_t time_ns, bool by_caller);
  void close(Call& call, std::int64_t time_ns);

  Announcements& announcements_;
  SipStreams streams_;
  std::deque<Call> calls_;
  RequestTable requests_;
  std::unordered_map<std::string, std::size_t> by_id_;
  std::unordered_map<Endpoint, std::vector<std::uint32_t>> by_media_; // calls, in order
  sip::MessageView view_;
  std::uint64_t messages_ = 0;
  const Call* current_ = nullptr;
};

} // namespace talky::capture
