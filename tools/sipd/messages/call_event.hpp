// What happens in a call, as one variant of plain structs. A session reports each once; the log, the journal,
// the call records, the API, traces and the capture server are sinks of it (sinks/call_sinks.hpp), and each
// makes of it what it needs. All of these own their data.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "call/events.hpp"
#include "core/endpoint.hpp"
#include "core/time.hpp"
#include "echo/echo_guard.hpp"
#include "ipc/control.hpp"
#include "sipd/messages/part_line.hpp"
#include "telemetry/turn_meter.hpp"

namespace talky::sipd {

// A moment on both clocks.
struct Moment {
  Time at{};
  std::int64_t wall_us = 0; // since 1970
};

// What is known of a call from its beginning to its end.
struct CallFacts {
  std::string uuid;
  call::IncomingCall party;   // the first one; where we call, what is known of whom
  std::string route;          // what it is connected to, as it was written
  std::string transport;      // of the party: "UDP", "ws" ...
  bool out = false;           // we call
  bool agent_journal = false; // the journal is the agent's
  std::size_t worker = 0;     // whose it is
  Time began{};
};

// What the log says of a party's media.
struct LegDetails {
  std::optional<Endpoint> rtp; // of the party; nullopt: it has none
  std::uint16_t rtp_port = 0;  // ours
  std::string voice;           // that it wishes for; "" for none
};

namespace event {

struct Began {};
struct RingingSent {}; // the party has been told to wait
struct Ringing {       // the party that we call rings
  int status = 180;
  bool first = true;
};
struct Answered {
  std::string codec;
  Time at{};
  LegDetails leg;
};
struct NotAnswered { // accept() came to nothing
  std::string why;
};
struct CallerHeard {}; // the first sound of the party that is not silence
struct AgentPlayed {}; // the first sound of the agent has come, before the answer or after it
struct FirstAudio {};  // the first of both: the call has been answered, and the agent has played
struct KeyPressed {
  char digit = 0;
  std::uint32_t duration_ms = 0;
  call::DtmfPressed::Via via = call::DtmfPressed::Via::rtp;
};
struct KeysUnsent {
  std::string why;
};
struct Held { // or resumed, by the party
  bool held = true;
};
struct AgentTold { // a message to the agent, sent or not
  ipc::ToAgent message;
};
struct AgentShown { // what the agent shows of the conversation
  ipc::Shown shown;
};
struct EchoFound { // of the agent, on the party's side; or it has another delay, or has gone
  echo::EchoMeasure echo;
};
struct TurnMeasured {
  telemetry::TurnMeasure measure;
};
struct TurnUnmeasured {
  std::uint64_t turn = 0, end = 0;
};
struct PartChanged { // somebody has taken a part in the call, or left it
  Part part = Part::talk;
  bool present = true;
  std::string why;
};
struct TransferAsked {
  std::string to;
  std::string by; // "peer", "api", "replaces"; "": the agent
  std::optional<bool> attended;
  std::string referred_by;
};
struct TransferRefused {
  std::string to;
  int status = 603;
  std::string why;
};
struct TransferFailed {
  std::optional<int> status;
  std::optional<std::string> why;
};
struct Transferred {
  std::string to, codec;
  LegDetails leg;
  std::string sip_call_id;
};
struct Redirected { // by a 3xx; or not, as we may not call there
  int status = 302;
  std::string to;
  bool refused = false;
};
struct BridgeFailed {
  std::string why;
};
struct BridgeRedialled {};
struct LegEnded { // one party has left, the call goes on
  std::string peer;
  call::CallEnded end;
};
struct Ended {
  call::CallEnded end;
  bool answered = false;
  std::string failure;                     // of ours; "" for none: then the reason is the party's
  std::optional<echo::EchoMeasure> echo{}; // nullopt: there was none
  const std::string& reason() const { return failure.empty() ? end.reason : failure; }
  double seconds() const { // from the answer to the end; 0 without one
    return end.answered ? static_cast<double>((end.ended - *end.answered).count()) / 1e6 : 0.0;
  }
};

} // namespace event

using CallEvent =
    std::variant<event::Began, event::RingingSent, event::Ringing, event::Answered, event::NotAnswered,
                 event::CallerHeard, event::AgentPlayed, event::FirstAudio, event::KeyPressed,
                 event::KeysUnsent, event::Held, event::AgentTold, event::AgentShown, event::EchoFound,
                 event::TurnMeasured, event::TurnUnmeasured, event::PartChanged, event::TransferAsked,
                 event::TransferRefused, event::TransferFailed, event::Transferred, event::Redirected,
                 event::BridgeFailed, event::BridgeRedialled, event::LegEnded, event::Ended>;

// The name under which programs know it, in the API and in traces: "call.hold". "": they are not told.
std::string_view public_name(const CallEvent& event);

// "listen", "talk", "agent"
std::string_view to_string(Part part);

// A packet of a party's, or a SIP message, on its way in or out.
struct CallPacket {
  enum class Kind : std::uint8_t { rtp, rtcp, sip_udp, sip_tcp };
  Kind kind = Kind::rtp;
  Endpoint from, to;
  Bytes bytes; // borrowed
  std::int64_t wall_us = 0;
  std::string_view sip_call_id; // of the leg; of media only
};

} // namespace talky::sipd
