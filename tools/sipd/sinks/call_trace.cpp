#include "sipd/sinks/call_trace.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace talky::sipd {

using telemetry::Attributes;
using telemetry::Span;
using telemetry::SpanId;

CallTrace::CallTrace(Tracer& tracer, Begin begin)
    : tracer_(tracer),
      random_(begin.seed),
      wall_offset_us_(begin.wall_us - to_us(begin.now)),
      began_(begin.at) {
  root_.trace = telemetry::trace_id_of(begin.uuid).value_or(telemetry::TraceId{1});
  root_.id = new_id();
  root_.name = "call";
  root_.kind = Span::Kind::server;
  root_.start_us = wall_us(began_);
  root_.attributes = std::move(begin.attributes);
}

SpanId CallTrace::new_id() {
  const std::uint64_t value = random_() | 1; // never 0
  SpanId id{};
  for (std::size_t i = 0; i < id.size(); ++i)
    id[i] = static_cast<std::uint8_t>(value >> (8 * i));
  return id;
}

Span CallTrace::child(std::string_view name, const SpanId& parent, Time from, Time to) {
  Span span;
  span.trace = root_.trace;
  span.id = new_id();
  span.parent = parent;
  span.name = name;
  span.start_us = wall_us(from);
  span.end_us = std::max(span.start_us, wall_us(to));
  return span;
}

void CallTrace::answered(Time at) {
  if (std::exchange(answered_, true)) return;
  tracer_.add(child("setup", root_.id, began_, at));
}

void CallTrace::turn(const telemetry::TurnMeasure& measure) {
  // The greeting is measured from the first frame on, which may have begun before the call as the trace has
  // it.
  const auto inside = [this](Time t) { return std::max(t, began_); };
  const bool greeting = measure.turn == 0;
  const Time end = measure.speech_end + measure.response;
  Span turn = child(greeting ? "greeting" : "turn", root_.id, inside(measure.speech_end), inside(end));
  if (!greeting) turn.attributes.emplace_back("talky.turn", static_cast<std::int64_t>(measure.turn));
  Time at = measure.speech_end;
  for (std::size_t i = 0; i < telemetry::kStageCount; ++i) {
    const Time from = inside(at);
    at += measure.stages[i];
    if (at > from) tracer_.add(child(telemetry::kStageNames[i], turn.id, from, at));
  }
  tracer_.add(std::move(turn));
}

void CallTrace::event(std::string_view name, Time at, Attributes attributes) {
  if (root_.events.size() >= kMaxEvents) return;
  root_.events.push_back({wall_us(at), std::string(name), std::move(attributes)});
}

void CallTrace::ended(Time at, Attributes attributes, std::optional<std::string> failed) {
  if (!answered_) answered(at);
  root_.end_us = std::max(root_.start_us, wall_us(at));
  std::move(attributes.begin(), attributes.end(), std::back_inserter(root_.attributes));
  if (failed) {
    root_.status = Span::Status::error;
    root_.status_message = std::move(*failed);
  }
  tracer_.add(std::move(root_));
}

} // namespace talky::sipd
