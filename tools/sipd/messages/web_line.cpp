#include "sipd/messages/web_line.hpp"

#include <fmt/format.h>

#include "core/overloaded.hpp"

namespace talky::sipd {
namespace {

std::string turn_json(const telemetry::TurnMeasure& measure) {
  const auto ms = [](Duration d) { return static_cast<double>(d.count()) / 1e3; };
  std::string stages;
  for (std::size_t i = 0; i < telemetry::kStageCount; ++i) {
    stages +=
        fmt::format(R"({}"{}":{:.1f})", i == 0 ? "" : ",", telemetry::kStageNames[i], ms(measure.stages[i]));
  }
  return fmt::format(R"({{"type":"turn","turn":{},"stages":{{{}}},"response":{:.1f}}})", measure.turn, stages,
                     ms(measure.response));
}

} // namespace

std::string to_json(const WebEvent& event) {
  return std::visit(
      Overloaded{[](const WebState& e) {
                   return fmt::format(R"({{"type":"call","id":"{}","state":"{}"}})", e.uuid,
                                      e.answered ? "answered" : "ringing");
                 },
                 [](const WebKeys& e) {
                   return fmt::format(R"({{"type":"dtmf","digits":{}}})", ipc::json_string(e.digits));
                 },
                 [](const WebHold& e) { return fmt::format(R"({{"type":"hold","held":{}}})", e.held); },
                 [](const WebShown& e) {
                   return std::visit([](const auto& m) { return ipc::to_json(ipc::FromAgent(m)); }, e.shown);
                 },
                 [](const WebTurn& e) { return turn_json(e.measure); }},
      event);
}

std::string to_json(const WebEnd& end) {
  return fmt::format(R"({{"type":"end","cause":"{}","by":"{}","status":{},"reason":{},"seconds":{}}})",
                     call::to_string(end.cause), end.by, end.status, ipc::json_string(end.reason),
                     end.seconds ? fmt::format("{:.2f}", *end.seconds) : "0");
}

} // namespace talky::sipd
