#include "sipd/sinks/trace_sink.hpp"

#include <optional>
#include <string>
#include <utility>

#include "core/ascii.hpp"
#include "core/overloaded.hpp"

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

CallTrace::Begin begin_of(const CallFacts& call, const Moment& now, std::uint64_t seed) {
  const call::IncomingCall& party = call.party;
  CallTrace::Begin begin{call.uuid, call.began, now.at, now.wall_us, seed, {}};
  begin.attributes = {{"talky.call.id", call.uuid},
                      {"talky.call.from", party.from},
                      {"talky.call.to", party.dialled},
                      {"talky.route", call.route},
                      {"network.transport", ascii::lower(call.transport)},
                      {"network.peer.address", party.flow.remote.ip.to_string()},
                      {"network.peer.port", std::int64_t{party.flow.remote.port}}};
  if (!party.call_id.empty()) begin.attributes.emplace_back("talky.sip.call_id", party.call_id);
  if (!party.user_agent.empty()) begin.attributes.emplace_back("user_agent.original", party.user_agent);
  return begin;
}

void end(CallTrace& trace, const event::Ended& e) {
  const std::string cause(call::to_string(e.end.cause));
  telemetry::Attributes attributes;
  if (e.end.quality) attributes = quality_attributes(*e.end.quality);
  attributes.emplace_back("talky.cause", cause);
  attributes.emplace_back("talky.ended_by_peer", e.end.by_peer);
  if (!e.end.codec.empty()) attributes.emplace_back("talky.codec", e.end.codec);
  if (e.end.status > 0) attributes.emplace_back("talky.sip.status", std::int64_t{e.end.status});
  std::optional<std::string> failed;
  if (!e.failure.empty() || is_failure(e.end)) {
    failed = e.reason().empty() ? cause : e.reason();
    attributes.emplace_back("error.type", cause);
  }
  trace.ended(e.end.ended, std::move(attributes), std::move(failed));
}

} // namespace

TraceSink::TraceSink(Tracer& tracer, const CallFacts& call, const Moment& now, std::uint64_t seed)
    : trace_(tracer, begin_of(call, now, seed)) {}

void TraceSink::happened(const CallEvent& event, Time now) {
  std::visit(Overloaded{[this](const event::Answered& e) { trace_.answered(e.at); },
                        [this](const event::TurnMeasured& e) { trace_.turn(e.measure); },
                        [this](const event::Ended& e) { end(trace_, e); }, [](const auto&) {}},
             event);
  if (const auto name = public_name(event); !name.empty()) trace_.event(name, now);
}

} // namespace talky::sipd
