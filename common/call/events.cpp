#include "call/events.hpp"

namespace talky::call {

std::string_view to_string(EndCause cause) {
  switch (cause) {
    case EndCause::hangup: return "hangup";
    case EndCause::cancelled: return "cancelled";
    case EndCause::rejected: return "rejected";
    case EndCause::no_ack: return "no_ack";
    case EndCause::no_answer: return "no_answer";
    case EndCause::rtp_timeout: return "rtp_timeout";
    case EndCause::session_timer: return "session_timer";
    case EndCause::lost: return "lost";
    case EndCause::media_failed: return "media_failed";
    case EndCause::transferred: return "transferred";
    case EndCause::shutdown: return "shutdown";
  }
  return "unknown";
}

CallEnded call_ended(CallKey call, EndCause cause, bool by_peer, int status, std::string_view reason,
                     Time invited, std::optional<Time> answered, Time now) {
  CallEnded event;
  event.call = call;
  event.cause = cause;
  event.by_peer = by_peer;
  event.status = status;
  event.reason = reason;
  event.invited = invited;
  event.answered = answered;
  event.ended = now;
  return event;
}

} // namespace talky::call
