#include "call/events.hpp"

namespace talky::call {

std::string_view to_string(EndCause cause) {
  switch (cause) {
    case EndCause::hangup: return "hangup";
    case EndCause::cancelled: return "cancelled";
    case EndCause::rejected: return "rejected";
    case EndCause::no_ack: return "no-ack";
    case EndCause::no_answer: return "no-answer";
    case EndCause::rtp_timeout: return "rtp-timeout";
    case EndCause::session_timer: return "session-timer";
    case EndCause::lost: return "lost";
    case EndCause::media_failed: return "media-failed";
    case EndCause::transferred: return "transferred";
    case EndCause::shutdown: return "shutdown";
  }
  return "unknown";
}

} // namespace talky::call
