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

#include "core/bytes.hpp"
#include "core/endpoint.hpp"
#include "core/log.hpp"
#include "core/time.hpp"
#include "media/media_types.hpp"
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

struct SendMedia { // from the call's RTP socket, or with is_rtcp from its RTCP socket
  CallKey call = 0;
  Endpoint to;
  bool is_rtcp = false;
  Bytes bytes; // borrowed
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
  std::string user_agent; // the peer's
  // The call of ours that this one takes the place of (Replaces, RFC 3891): whoever names it knows its secret
  // tags. It is hung up as soon as this one has been answered. 0: none.
  CallKey replaces = 0;
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

// 20 ms of the peer's voice, mono s16 at 16 kHz, without a gap from the answer to the end: loss is concealed,
// DTX and hold are silence. From UserAgent::attach_bridge() on; what came since the answer is told first.
// What is given to play() before the next poll() leaves in the same 20 ms.
struct CallerAudio {
  CallKey call = 0;
  media::CallerFrame frame; // borrowed
};

// Both sides of the same 20 ms, interleaved; only if `recording` was set in accept() or invite().
struct RecordedAudio {
  CallKey call = 0;
  media::RecordingFrame frame; // borrowed
};

struct DtmfPressed { // one key, once, whichever way it came
  enum class Via : std::uint8_t { rtp, info };
  CallKey call = 0;
  char digit = 0; // 0-9 * # A-D
  std::uint32_t duration_ms = 0;
  std::uint64_t at_sample = 0; // of the call's media clock
  Via via = Via::rtp;
};

struct DtmfFinished { // all digits given to dtmf() have been sent
  CallKey call = 0;
};

struct MarkPassed { // all that was given to play() before the mark has left, or was cleared
  CallKey call = 0;
  std::string name;
  std::uint64_t samples_played =
      0; // agent samples (16 kHz) that have left since the answer, our fill silence not counted
  bool discarded = false;
};

// The peer did not come through to whom transfer() referred it; the call goes on. After a success the call
// ends with EndCause::transferred.
struct TransferFailed {
  CallKey call = 0;
  int status = 0; // what the peer or the target answered; 0: nothing in time
};

// The peer asks us to call somebody else in its place (REFER; with Config::follow_refer only). Nothing has
// been answered: UserAgent::answer_refer says 202 or a refusal; after a 202 invite() with `refer` places the
// call, or end_refer() tells the peer why not. One at a time in a call. When the new call is answered, the
// peer is told so, and the old one ends with EndCause::transferred; when it fails, the old one goes on.
struct TransferRequested {
  CallKey call = 0;
  std::string target;      // URI to be called, without header fields
  std::string referred_by; // the Referred-By field as it came (RFC 3892); "" for none
  std::string replaces;    // the call at the target to take the place of: attended transfer; "" for none
  bool require_replaces = false; // and only that
};

// An outgoing call was answered with 3xx, or a place that it was redirected to failed and others are left
// (RFC 3261 8.1.3.4): redirect() calls one of the targets, hangup() ends it.
struct CallRedirected {
  CallKey call = 0;
  int status = 302;                 // of the last place; 408: it did not answer
  std::vector<std::string> targets; // SIP URIs, the most wanted first; none is one that has been called
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
  media_failed,  // no codec in common, or none of ours
  transferred,   // another call has taken its place: REFER (RFC 3515) either way, or Replaces (RFC 3891)
  shutdown
};
std::string_view to_string(EndCause cause);

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
  std::string codec;                          // "" without media
  std::optional<media::MediaQuality> quality; // nullopt: there was no media
};

// The end of a call, but for what is known of its media.
CallEnded call_ended(CallKey call, EndCause cause, bool by_peer, int status, std::string_view reason,
                     Time invited, std::optional<Time> answered, Time now);

// ---- Beside the calls ----

struct RegistrationChanged {
  std::string aor;     // "sip:alice@example.com"
  std::string contact; // the Contact URI
  sip::Flow flow;
  std::uint32_t expires_s = 0; // 0: gone
  std::string user_agent;
  bool moved = false; // only its flow has changed: the connection is gone, and the phone is connected to anew
};

// Where somebody who is registered here is reached: the best contact for the Request-URI, and the path that
// its REGISTER came by.
struct Location {
  std::string contact;
  sip::Flow flow;
};

struct Log {
  log::Level level = log::Level::info;
  std::string line; // logfmt, see core/log.hpp
};

using Output =
    std::variant<SendSip, CloseFlow, SendMedia, IncomingCall, CallRinging, CallAnswered, MediaChanged, Held,
                 Resumed, CallerAudio, RecordedAudio, DtmfPressed, DtmfFinished, MarkPassed, TransferFailed,
                 TransferRequested, CallRedirected, CallEnded, RegistrationChanged, Log>;

} // namespace talky::call
