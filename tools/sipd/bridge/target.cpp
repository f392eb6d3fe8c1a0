#include "sipd/bridge/target.hpp"

#include "core/ascii.hpp"
#include "sipd/bridge/exec_bridge.hpp"
#include "sipd/bridge/local_bridges.hpp"
#include "sipd/bridge/media_streams_bridge.hpp"
#include "sipd/bridge/socket_bridge.hpp"

namespace talky::sipd {
namespace {

struct Kind {
  std::string_view form;   // for messages
  std::string_view begins; // what tells it from the others; the whole text where no ':' ends it
  DestinationPtr (*parse)(std::string_view text);
};

constexpr Kind kKinds[] = {
    {"agent", "agent", agent_destination},
    {"echo", "echo", echo_destination},
    {"tone:HZ", "tone:", tone_destination},
    {"play:FILE", "play:", player_destination},
    {"exec:CMD", "exec:", exec_destination},
    {"unix:PATH[,talky]", "unix:", socket_destination},
    {"tcp:HOST:PORT[,talky]", "tcp:", socket_destination},
    {"ws://HOST[:PORT]/PATH", "ws:", media_streams_destination},
    {"wss://HOST[:PORT]/PATH", "wss:", media_streams_destination},
    {"reject:CODE", "reject:", refusing_destination},
};

} // namespace

std::optional<Target> Target::parse(std::string_view text) {
  text = ascii::trim(text);
  for (const Kind& kind : kKinds) {
    const bool fits = kind.begins.ends_with(':') ? text.starts_with(kind.begins) : text == kind.begins;
    if (!fits) continue;
    auto destination = kind.parse(text);
    if (!destination) return std::nullopt;
    return Target{std::string(text), std::move(destination)};
  }
  return std::nullopt;
}

std::string target_forms() {
  std::string out;
  for (const Kind& kind : kKinds) {
    if (&kind != std::begin(kKinds)) out += &kind == std::end(kKinds) - 1 ? " or " : ", ";
    out += kind.form;
  }
  return out;
}

} // namespace talky::sipd
