// One call as an OpenTelemetry trace. Its identifier is the call's uuid, so that either leads to the other.
//
//   call                                        from the INVITE to the end; root
//   |-- setup                                   to the answer or the refusal
//   |-- greeting | turn                         from the end of the caller's speech to the answer's first
//   packet
//       |-- endpoint, stt, dialogue, tts, out, send       one behind the other; without those that took no
//       time
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "call/events.hpp"
#include "core/random.hpp"
#include "core/time.hpp"
#include "sipd/sinks/tracer.hpp"
#include "telemetry/otlp.hpp"
#include "telemetry/turn_meter.hpp"

namespace talky::sipd {

class CallTrace {
 public:
  // `now` and `wall_us` are the same moment on both clocks; all times of the trace follow from them, so that
  // it does not bend when the wall clock is set.
  struct Begin {
    std::string uuid;
    Time at{}, now{};
    std::int64_t wall_us = 0;
    std::uint64_t seed = 0; // of the spans' identifiers
    telemetry::Attributes attributes;
  };
  CallTrace(Tracer& tracer, Begin begin);

  void answered(Time at);
  void turn(const telemetry::TurnMeasure& measure);
  void event(std::string_view name, Time at,
             telemetry::Attributes attributes = {}); // the first kMaxEvents count
  // Once. `failed`: why, if it was not as it should be.
  void ended(Time at, telemetry::Attributes attributes, std::optional<std::string> failed);

 private:
  static constexpr std::size_t kMaxEvents = 128;

  std::int64_t wall_us(Time at) const { return wall_offset_us_ + to_us(at); }
  telemetry::Span child(std::string_view name, const telemetry::SpanId& parent, Time from, Time to);
  telemetry::SpanId new_id();

  Tracer& tracer_;
  Random random_;
  std::int64_t wall_offset_us_;
  telemetry::Span root_;
  Time began_;
  bool answered_ = false;
};

} // namespace talky::sipd
