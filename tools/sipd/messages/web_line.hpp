// The line between a browser's WebSocket, which lives on the API's loop (web_caller.hpp), and its call on a
// worker's (web_leg.hpp): two mailboxes, and what is put into them.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "call/events.hpp"
#include "core/endpoint.hpp"
#include "ipc/browser.hpp"
#include "ipc/control.hpp"
#include "sipd/messages/mailbox.hpp"
#include "telemetry/turn_meter.hpp"

namespace talky::sipd {

struct WebSound { // mono s16 at 16 kHz
  std::vector<std::int16_t> samples;
};

// From the browser. Counts of samples are of those that the call has sent to it, and include those that were
// left out on the way (`skipped`).
struct WebGone { // the connection has ended
  bool in_order = false;
};
using FromBrowser = std::variant<WebSound, ipc::browser::HangUp, ipc::browser::Key, ipc::browser::Played,
                                 ipc::browser::Cleared, WebGone>;

// To the browser.
struct WebState { // of the call: it rings, or has been answered
  std::string uuid;
  bool answered = false;
};
struct WebKeys { // the agent has pressed them
  std::string digits;
};
struct WebHold {
  bool held = false;
};
struct WebShown { // what was said
  ipc::Shown shown;
};
struct WebTurn { // how long the answer took
  telemetry::TurnMeasure measure;
};
using WebEvent = std::variant<WebState, WebKeys, WebHold, WebShown, WebTurn>;
struct WebClear {}; // what waits anywhere on the way to the loudspeaker is thrown away
struct WebEnd {     // the last word
  call::EndCause cause = call::EndCause::rejected;
  std::string_view by = "system"; // a literal: "caller", "agent"
  int status = 503;
  std::string reason;
  std::optional<double> seconds{}; // from the answer; nullopt: the call was not even begun
};
using ToBrowser = std::variant<WebSound, WebEvent, WebClear, WebEnd>;

// As the browser reads them.
std::string to_json(const WebEvent& event);
std::string to_json(const WebEnd& end);

using CallBox = Mailbox<FromBrowser>;
using BrowserBox = Mailbox<ToBrowser>;

// A browser that wants to call.
struct WebCall {
  std::string to;    // the number, for the routes; "" for the standard one
  std::string voice; // "": the agent's own
  bool reports = false;
  bool cancels_echo = false;
  Endpoint peer, local; // of its connection
  std::string user_agent;
  std::shared_ptr<CallBox> to_call;       // of the worker's loop; the call opens it
  std::shared_ptr<BrowserBox> to_browser; // of the API's loop, open
};

} // namespace talky::sipd
