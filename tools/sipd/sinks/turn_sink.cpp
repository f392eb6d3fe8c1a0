// How long the caller of a session waits for each answer, and who is told.
#include <fmt/format.h>

#include "sipd/api/api.hpp"
#include "sipd/call/call_host.hpp"
#include "sipd/call/session.hpp"

namespace talky::sipd {
namespace {

std::string to_json(const telemetry::TurnMeasure& measure) {
  const auto ms = [](Duration d) { return static_cast<double>(d.count()) / 1e3; };
  std::string stages;
  for (std::size_t i = 0; i < telemetry::stage_count; ++i) {
    stages +=
        fmt::format(R"({}"{}":{:.1f})", i == 0 ? "" : ",", telemetry::stage_names[i], ms(measure.stages[i]));
  }
  return fmt::format(R"({{"type":"turn","turn":{},"stages":{{{}}},"response":{:.1f}}})", measure.turn, stages,
                     ms(measure.response));
}

} // namespace

void Session::turn(const ipc::TurnTaken& t) {
  if (over_ || seat_) return;
  const telemetry::AgentTurn turn{t.turn, t.end, {t.endpoint, t.stt, t.dialogue, t.tts, t.out}, t.sent};
  if (!turns_.taken(turn, host_.now())) {
    log(log::Level::debug, log::Line("turn.unmeasured").add("turn", t.turn).add("end", t.end));
  }
  tell_turns();
}

void Session::audio_left() {
  if (!turns_.waiting()) return;
  turns_.left(host_.now());
  tell_turns();
}

void Session::redialled() {
  host_.bridge_redialled();
}

void Session::tell_turns() {
  while (const auto measure = turns_.poll()) {
    if (Api* const api = host_.sinks().api) api->turned({about_.call, *measure, host_.wall_us()});
    if (trace_) trace_->turn(*measure);
    if (leg_) leg_->conversation(to_json(*measure));
  }
}

} // namespace talky::sipd
