#include "sipd/api/call_event_json.hpp"

#include <cmath>
#include <string>

#include "core/overloaded.hpp"
#include "json/json.hpp"

namespace talky::sipd {
namespace {

// The agent's own message, but for its type.
json::object shown_details(const ipc::Shown& shown) {
  const std::string text = std::visit([](const auto& m) { return ipc::to_json(ipc::FromAgent(m)); }, shown);
  json::object out;
  const json::value whole = json::parse(text);
  for (const auto& [name, value] : whole.get_object()) {
    if (name != "type") out[name] = value;
  }
  return out;
}

} // namespace

bool concerns_api(const CallEvent& event) {
  return std::visit(
      Overloaded{[](const event::Began&) { return true; }, [](const event::Answered&) { return true; },
                 [](const event::TurnMeasured&) { return true; }, [](const event::Ended&) { return true; },
                 [&](const auto&) { return !public_name(event).empty(); }},
      event);
}

json::object echo_json(const echo::EchoMeasure& echo) {
  const auto tenths = [](double value) { return std::round(value * 10) / 10; };
  json::object out{{"cancelled", echo.cancelled},
                   {"delay_ms", tenths(static_cast<double>(echo.delay.count()) / 1000)},
                   {"level_db", tenths(echo.level_db)}};
  if (echo.removed_db > 0) out["removed_db"] = tenths(echo.removed_db);
  return out;
}

json::object event_details(const CallEvent& event) {
  return std::visit(Overloaded{[](const event::Ringing& e) -> json::object {
                                 return {{"status", e.status}};
                               },
                               [](const event::KeyPressed& e) -> json::object {
                                 return {{"digit", std::string(1, e.digit)}, {"duration_ms", e.duration_ms}};
                               },
                               [](const event::PartChanged& e) -> json::object {
                                 return {{"part", to_string(e.part)}, {"present", e.present}};
                               },
                               [](const event::EchoFound& e) { return echo_json(e.echo); },
                               [](const event::AgentShown& e) { return shown_details(e.shown); },
                               [](const auto&) { return json::object(); }},
                    event);
}

} // namespace talky::sipd
