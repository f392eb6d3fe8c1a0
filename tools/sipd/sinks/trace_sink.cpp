// A session as a trace (call_trace.hpp).
#include "core/ascii.hpp"
#include "net/entropy.hpp"
#include "sipd/call/call_host.hpp"
#include "sipd/call/session.hpp"

namespace talky::sipd {
namespace {

telemetry::Attributes quality_attributes(const media::MediaQuality& q) {
  const auto count = [](std::uint64_t value) { return static_cast<std::int64_t>(value); };
  telemetry::Attributes out{{"talky.rtp.received.packets", count(q.in.packets)},
                            {"talky.rtp.received.lost", count(q.in.lost)},
                            {"talky.rtp.received.late", count(q.late)},
                            {"talky.rtp.received.jitter_ms", q.in.jitter_ms},
                            {"talky.rtp.sent.packets", count(q.out.packets)}};
  if (q.in.mos > 0) out.emplace_back("talky.rtp.received.mos", q.in.mos);
  if (q.out_reported) {
    out.emplace_back("talky.rtp.sent.lost", count(q.out.lost));
    out.emplace_back("talky.rtp.sent.mos", q.out.mos);
  }
  if (q.rtt_ms) out.emplace_back("talky.rtp.round_trip_ms", *q.rtt_ms);
  return out;
}

// Ends that nobody meant.
bool is_failure(const call::CallEnded& event) {
  switch (event.cause) {
    case call::EndCause::no_ack:
    case call::EndCause::rtp_timeout:
    case call::EndCause::session_timer:
    case call::EndCause::lost:
    case call::EndCause::media_failed: return true;
    default: return event.status >= 500;
  }
}

} // namespace

void Session::trace_began() {
  Tracer* const tracer = host_.sinks().tracer;
  if (!tracer) return;
  CallTrace::Begin begin{about_.call, began_, host_.now(), host_.wall_us(), Random(net::entropy_seed())(),
                         {}};
  begin.attributes = {{"talky.call.id", about_.call},
                      {"talky.call.from", about_.from},
                      {"talky.call.to", incoming_.dialled},
                      {"talky.route", target_.text},
                      {"network.transport", ascii::lower(leg_ ? leg_->transport() : "")},
                      {"network.peer.address", incoming_.flow.remote.ip.to_string()},
                      {"network.peer.port", std::int64_t{incoming_.flow.remote.port}}};
  if (!incoming_.call_id.empty()) begin.attributes.emplace_back("talky.sip.call_id", incoming_.call_id);
  if (!incoming_.user_agent.empty())
    begin.attributes.emplace_back("user_agent.original", incoming_.user_agent);
  trace_ = std::make_unique<CallTrace>(*tracer, std::move(begin));
}

void Session::trace_ended(const call::CallEnded& event, std::string_view cause, std::string_view reason) {
  if (!trace_) return;
  telemetry::Attributes attributes;
  if (event.quality) attributes = quality_attributes(*event.quality);
  attributes.emplace_back("talky.cause", std::string(cause));
  attributes.emplace_back("talky.ended_by_peer", event.by_peer);
  if (!event.codec.empty()) attributes.emplace_back("talky.codec", event.codec);
  if (event.status > 0) attributes.emplace_back("talky.sip.status", std::int64_t{event.status});
  std::optional<std::string> failed;
  if (!failure_.empty() || is_failure(event)) {
    failed = reason.empty() ? cause : reason;
    attributes.emplace_back("error.type", std::string(cause));
  }
  trace_->ended(event.ended, std::move(attributes), std::move(failed));
  trace_.reset();
}

} // namespace talky::sipd
