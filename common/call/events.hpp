// What a UserAgent tells the rim: packets to send, and what happened in the calls. All of these own their
// data.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/endpoint.hpp"
#include "core/log.hpp"
#include "core/time.hpp"
#include "sdp/offer_answer.hpp"
#include "sip/flow.hpp"

namespace talky::call {

// Names a call within one UserAgent. Never 0 and never used again.
using CallKey = std::uint64_t;

using Headers = std::vector<std::pair<std::string, std::string>>; // names and values, without line ends

// ---- To the network ----

// A SIP message: a UDP datagram from flow.local to flow.remote, or bytes for the connection flow.connection.
// If that is 0 the rim opens a connection to flow.remote first, and then names it in UserAgent::flow_opened
// (or says flow_closed).
using SendSip = sip::Datagram;

// Close this connection once what was sent has been written: what came from it was no SIP.
struct CloseFlow {
  sip::Flow flow;
};

struct SendRtp { // from the call's RTP socket, or from its RTCP socket
  CallKey call = 0;
  Endpoint to;
  bool is_rtcp = false;
  std::vector<std::byte> bytes;
};

// ---- Calls ----

// A call has come in and waits for UserAgent::accept or reject. 100 Trying has been sent.
struct IncomingCall {
  CallKey call = 0;
  std::string call_id;      // of SIP
  std::string from;         // URI of the caller
  std::string from_display; // unquoted; "" if none
  std::string to;           // URI of the To header
  std::string request_uri;  // what was dialled, as a whole
  std::string dialled;      // its user part, unescaped: the number for the routes
  std::string user;         // who has proved it by digest; "" without
  bool registered = false;  // the source has a binding with us
  sip::Flow flow;           // where it came from
  Headers headers; // all that talky does not use itself: X-..., Diversion, History-Info, Call-Info, ...
  std::string user_agent;                // the peer's
  bool late_offer = false;               // the INVITE had no SDP: `preview` is empty
  std::optional<sdp::MediaPlan> preview; // what the offer would come to
};

// An outgoing call rings (180, 182, 183 ...).
struct CallRinging {
  CallKey call = 0;
  int status = 180;
  bool early_media = false; // the peer sends sound before the answer: CallerAudio follows
};

// The call stands and media flows. For an incoming call: the 200 has gone out. What was given to play()
// before is kept, and is sent from the moment when the peer is known to listen.
struct CallAnswered {
  CallKey call = 0;
  sdp::MediaPlan
      plan; // with a late offer the codec is known only with the ACK: plan.codec is "" until MediaChanged
  Time at{};
};

// A re-INVITE, UPDATE or late answer changed what was agreed on.
struct MediaChanged {
  CallKey call = 0;
  sdp::MediaPlan plan;
};

struct Held { // the peer put us on hold; a second one of the same kind is not told
  CallKey call = 0;
};
struct Resumed {
  CallKey call = 0;
};

// 20 ms of the peer's voice, mono s16 at 16 kHz. Without a gap from the answer to the end: loss is concealed,
// DTX and hold are silence.
struct CallerAudio {
  CallKey call = 0;
  std::uint64_t first_sample = 0; // on the call's sample clock
  std::vector<std::int16_t> samples;
};

// Both sides of the same 20 ms, for a stereo recording; only if RecordingFrames were asked for in accept() or
// invite(). The agent's side is what left for the network in that time.
struct RecordingFrame {
  CallKey call = 0;
  std::uint64_t first_sample = 0;
  std::vector<std::int16_t> caller;
  std::vector<std::int16_t> agent;
};

struct Dtmf { // one key, once, whichever way it came
  enum class Via : std::uint8_t { rtp, info };
  CallKey call = 0;
  char digit = 0; // 0-9 * # A-D, '!' for a flash
  std::uint32_t duration_ms = 0;
  Via via = Via::rtp;
};

struct MarkReached { // all that was given to play() before the mark has been sent or thrown away
  CallKey call = 0;
  std::string name;
  std::uint64_t played = 0; // agent samples (16 kHz) sent since the answer, silence of ours not counted
};

struct Cleared { // answers clear()
  CallKey call = 0;
  std::uint64_t discarded = 0;
  std::uint64_t played = 0;
};

enum class EndCause : std::uint8_t {
  hangup,        // BYE by either side
  cancelled,     // CANCEL before the answer, or hangup() of ours before it
  rejected,      // a final answer of 300 and above, theirs or ours
  no_ack,        // our 200 was never acknowledged
  no_answer,     // the outgoing call rang, or waited, too long
  rtp_timeout,   // no media from the peer for too long
  session_timer, // the peer stopped refreshing the session (RFC 4028)
  lost,          // the signalling path is gone, or a request of ours had no answer
  media_failed,  // no codec in common in a late answer
  replaced,      // another call took its place (RFC 3891)
  shutdown
};
std::string_view to_string(EndCause cause);

// Figures of one direction of the media.
struct StreamQuality {
  std::uint64_t packets = 0;
  std::uint64_t lost = 0; // expected and never seen (received), or as the peer's RTCP reports it (sent)
  std::uint64_t late = 0; // came after their time, or twice
  double jitter_ms = 0;   // RFC 3550 interarrival jitter, mean of the call
  double mos = 0;         // 1 to 4.5 by the E-model of ITU-T G.107, 0: not known
  std::optional<double> round_trip_ms;
};

// The last word about a call; its key is void after it. Every call that was IncomingCall or came from
// invite() ends with one.
struct CallEnded {
  CallKey call = 0;
  EndCause cause = EndCause::hangup;
  bool by_peer = false;
  int status = 0;     // the final response of the INVITE; 0 if there was none
  std::string reason; // Reason header, reason phrase, or the text given to hangup()
  Time invited{};
  std::optional<Time> answered;
  Time ended{};
  std::string codec; // "" without media
  StreamQuality received, sent;
};

// ---- Beside the calls ----

struct RegistrationChanged {
  std::string aor;     // "sip:alice@example.com"
  std::string contact; // the Contact URI
  sip::Flow flow;
  std::uint32_t expires_s = 0; // 0: gone
  std::string user_agent;
};

struct Log {
  log::Level level = log::Level::info;
  std::string line; // logfmt, see core/log.hpp
};

using Output = std::variant<SendSip, CloseFlow, SendRtp, IncomingCall, CallRinging, CallAnswered,
                            MediaChanged, Held, Resumed, CallerAudio, RecordingFrame, Dtmf, MarkReached,
                            Cleared, CallEnded, RegistrationChanged, Log>;

} // namespace talky::call
