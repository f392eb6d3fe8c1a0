#include "sipd/sinks/log_sink.hpp"

#include <fmt/format.h>

#include <utility>

#include "core/overloaded.hpp"
#include "media/media.hpp"

namespace talky::sipd {
namespace {

using log::Level;
using log::Line;

double rounded(double value) {
  return static_cast<double>(static_cast<std::int64_t>(value * 100 + (value < 0 ? -0.5 : 0.5))) / 100;
}

void describe(Line& line, const LegDetails& leg) {
  if (leg.rtp) line.add("rtp", leg.rtp->to_string()).add("rtp_port", leg.rtp_port);
  if (!leg.voice.empty()) line.add("voice", leg.voice);
}

void describe(Line& line, const echo::EchoMeasure& echo) {
  line.add("echo_ms", rounded(static_cast<double>(echo.delay.count()) / 1000))
      .add("echo_db", rounded(echo.level_db));
  if (echo.removed_db > 0) line.add("echo_removed_db", rounded(echo.removed_db));
}

std::string_view by(const call::CallEnded& end) {
  return end.by_peer ? "peer" : "us";
}

Line start_line(const CallFacts& call, const event::Answered& e) {
  Line line("call.start");
  line.add("from", call.party.from)
      .add("to", call.party.dialled)
      .add("bridge", call.route)
      .add("codec", e.codec)
      .add("peer", call.party.flow.remote.to_string())
      .add("transport", call.transport);
  describe(line, e.leg);
  line.add("user_agent", call.party.user_agent);
  if (!call.party.call_id.empty()) line.add("sip_call_id", call.party.call_id);
  return line.add("answer_ms", to_ms(e.at - call.began));
}

void add_quality(Line& line, const call::CallEnded& end) {
  const media::MediaQuality& q = *end.quality;
  line.add("codec", end.codec)
      .add("in_packets", q.in.packets)
      .add("in_lost", q.in.lost)
      .add("in_jitter_ms", rounded(q.in.jitter_ms))
      .add("in_mos", rounded(q.in.mos))
      .add("out_packets", q.out.packets);
  if (q.out_reported) {
    line.add("out_lost", q.out.lost)
        .add("out_jitter_ms", rounded(q.out.jitter_ms))
        .add("out_mos", rounded(q.out.mos));
  }
  line.add("late", q.late)
      .add("foreign", q.foreign)
      .add("late_ticks", q.late_ticks)
      .add("unsent_ticks", q.unsent_ticks)
      .add("underruns", q.underruns)
      .add("underrun_ms", q.underrun_samples * 1000 / media::kSampleRate)
      .add("pauses", q.pauses);
  if (q.rtt_ms) line.add("rtt_ms", rounded(*q.rtt_ms));
}

Duration length_of(const call::CallEnded& end) {
  return end.answered ? end.ended - *end.answered : Duration{0};
}

LogEntry end_entry(const CallFacts& call, const event::Ended& e) {
  Line line(e.answered ? "call.end" : "call.refused");
  line.add("cause", call::to_string(e.end.cause)).add("by", by(e.end));
  if (!e.reason().empty()) line.add("reason", e.reason());
  if (e.answered) {
    line.add("seconds", rounded(static_cast<double>(length_of(e.end).count()) / 1e6));
  } else {
    line.add("status", e.end.status)
        .add("from", call.party.from)
        .add("to", call.party.dialled)
        .add("bridge", call.route)
        .add("peer", call.party.flow.remote.to_string());
  }
  if (e.end.quality) add_quality(line, e.end);
  if (e.echo) describe(line, *e.echo);
  const bool ours = !e.answered && !e.end.by_peer && !e.failure.empty() && e.end.status >= 500;
  return {ours ? Level::error : Level::info, std::move(line)};
}

Line leg_line(const event::LegEnded& e) {
  Line line("call.leg");
  line.add("peer", e.peer).add("cause", call::to_string(e.end.cause)).add("by", by(e.end));
  if (e.end.answered) line.add("seconds", static_cast<double>(to_ms(length_of(e.end))) / 1000);
  if (e.end.quality) {
    line.add("in_packets", e.end.quality->in.packets)
        .add("in_lost", e.end.quality->in.lost)
        .add("out_packets", e.end.quality->out.packets);
  }
  return line;
}

Line asked_line(const event::TransferAsked& e) {
  Line line("call.transfer");
  line.add("to", e.to);
  if (!e.by.empty()) line.add("by", e.by);
  if (e.attended) line.add("attended", *e.attended).add("referred_by", e.referred_by);
  return line;
}

Line failed_line(const event::TransferFailed& e) {
  Line line("call.transfer_failed");
  if (e.status) line.add("status", *e.status);
  if (e.why) line.add("why", *e.why);
  return line;
}

std::optional<LogEntry> entry(const CallFacts& call, const CallEvent& event) {
  using Entry = std::optional<LogEntry>;
  return std::visit(
      Overloaded{
          [&](const event::Ringing& e) -> Entry {
            if (!e.first) return std::nullopt;
            return LogEntry{Level::info,
                            Line("call.ringing").add("to", call.party.to).add("status", e.status)};
          },
          [&](const event::Answered& e) -> Entry {
            return LogEntry{Level::info, start_line(call, e)};
          },
          [](const event::NotAnswered& e) -> Entry {
            return LogEntry{Level::warn, Line("call.not_answered").add("why", e.why)};
          },
          [](const event::KeyPressed& e) -> Entry {
            return LogEntry{Level::info,
                            Line("dtmf")
                                .add("digit", std::string_view(&e.digit, 1))
                                .add("via", e.via == call::DtmfPressed::Via::rtp ? "rtp" : "info")
                                .add("duration_ms", e.duration_ms)};
          },
          [](const event::KeysUnsent& e) -> Entry {
            return LogEntry{Level::warn, Line("dtmf.unsent").add("why", e.why)};
          },
          [](const event::Held& e) -> Entry {
            return LogEntry{Level::info, Line(e.held ? "call.hold" : "call.resume")};
          },
          [](const event::EchoFound& e) -> Entry {
            Line line("call.echo");
            line.add("cancelled", e.echo.cancelled);
            describe(line, e.echo);
            return LogEntry{Level::info, std::move(line)};
          },
          [](const event::TurnUnmeasured& e) -> Entry {
            return LogEntry{Level::debug, Line("turn.unmeasured").add("turn", e.turn).add("end", e.end)};
          },
          [](const event::PartChanged& e) -> Entry {
            Line line(e.present ? "part.taken" : "part.left");
            line.add("part", to_string(e.part));
            if (!e.why.empty()) line.add("why", e.why);
            return LogEntry{Level::info, std::move(line)};
          },
          [](const event::TransferAsked& e) -> Entry {
            return LogEntry{Level::info, asked_line(e)};
          },
          [](const event::TransferRefused& e) -> Entry {
            return LogEntry{
                Level::warn,
                Line("call.transfer_refused").add("to", e.to).add("status", e.status).add("why", e.why)};
          },
          [](const event::TransferFailed& e) -> Entry {
            return LogEntry{Level::warn, failed_line(e)};
          },
          [](const event::Transferred& e) -> Entry {
            Line line("call.transferred");
            line.add("to", e.to).add("codec", e.codec);
            describe(line, e.leg);
            return LogEntry{Level::info, line.add("sip_call_id", e.sip_call_id)};
          },
          [&](const event::BridgeFailed& e) -> Entry {
            return LogEntry{Level::error, Line("bridge.failed").add("bridge", call.route).add("why", e.why)};
          },
          [](const event::LegEnded& e) -> Entry {
            return LogEntry{Level::info, leg_line(e)};
          },
          [&](const event::Ended& e) -> Entry { return end_entry(call, e); },
          [](const auto&) -> Entry { return std::nullopt; },
      },
      event);
}

std::string end_json(const event::Ended& e) {
  const std::string_view cause = call::to_string(e.end.cause);
  if (!e.end.quality)
    return fmt::format(R"({{"cause":"{}","by_peer":{},"status":{}}})", cause, e.end.by_peer, e.end.status);
  const media::MediaQuality& q = *e.end.quality;
  return fmt::format(
      R"({{"cause":"{}","by_peer":{},"status":{},"duration_ms":{},"in":{{"packets":{},"lost":{},)"
      R"("jitter_ms":{},"mos":{}}},"out":{{"packets":{}}}}})",
      cause, e.end.by_peer, e.end.status, to_ms(length_of(e.end)), q.in.packets, q.in.lost,
      rounded(q.in.jitter_ms), rounded(q.in.mos), q.out.packets);
}

} // namespace

std::optional<LogEntry> log_entry(const CallFacts& call, const CallEvent& event) {
  if (const auto* to = std::get_if<event::Redirected>(&event)) {
    return LogEntry{Level::info, Line(to->refused ? "call.redirect_refused" : "call.redirect")
                                     .add("call", call.uuid)
                                     .add("status", to->status)
                                     .add("to", to->to)};
  }
  auto out = entry(call, event);
  if (out) out->line.add("call", call.uuid);
  return out;
}

std::string journal_entry(const CallFacts& call, const CallEvent& event, Time now) {
  std::string_view kind;
  std::string json;
  if (const auto* told = std::get_if<event::AgentTold>(&event)) {
    kind = "to_agent";
    json = ipc::to_json(told->message);
  } else if (const auto* moved = std::get_if<event::Transferred>(&event)) {
    kind = "transferred";
    json = R"({"to":)" + ipc::json_string(moved->to) + "}";
  } else if (const auto* ended = std::get_if<event::Ended>(&event)) {
    kind = "end";
    json = end_json(*ended);
  } else {
    return {};
  }
  return fmt::format(R"({{"t_ms":{},"{}":{}}})", to_ms(now - call.began), kind, json);
}

} // namespace talky::sipd
