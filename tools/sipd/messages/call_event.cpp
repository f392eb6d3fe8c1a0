#include "sipd/messages/call_event.hpp"

#include <array>

#include "core/overloaded.hpp"

namespace talky::sipd {

std::string_view public_name(const CallEvent& event) {
  using namespace std::string_view_literals;
  return std::visit(Overloaded{
                        [](const event::Ringing& e) { return e.first ? "call.ringing"sv : ""sv; },
                        [](const event::FirstAudio&) { return "call.first_audio"sv; },
                        [](const event::KeyPressed&) { return "dtmf"sv; },
                        [](const event::Held& e) { return e.held ? "call.hold"sv : "call.resume"sv; },
                        [](const event::PartChanged&) { return "call.part"sv; },
                        [](const event::EchoFound&) { return "call.echo"sv; },
                        [](const event::AgentShown& e) {
                          if (std::holds_alternative<ipc::SpeechActive>(e.shown)) return ""sv;
                          return std::holds_alternative<ipc::Caption>(e.shown) ? "call.caption"sv
                                                                               : "call.heard"sv;
                        },
                        [](const auto&) { return ""sv; },
                    },
                    event);
}

std::string_view to_string(Part part) {
  constexpr std::array<std::string_view, 3> kNames = {"listen", "talk", "agent"};
  return kNames[static_cast<std::size_t>(part)];
}

} // namespace talky::sipd
