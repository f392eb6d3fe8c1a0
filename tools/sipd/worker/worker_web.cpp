// Calls of browsers. They differ from those of telephones in their leg alone: what follows from here on is a
// Session like any other.
#include <fmt/format.h>

#include <utility>

#include "sipd/call/session.hpp"
#include "sipd/call/web_leg.hpp"
#include "sipd/worker/worker.hpp"

namespace talky::sipd {
namespace {

// Keys of calls that the UserAgent does not know: it counts from 1.
constexpr call::CallKey first_web_key = call::CallKey{1} << 63;

std::string refusal(int status, std::string_view reason) {
  return fmt::format(
      R"({{"type":"end","cause":"rejected","by":"system","status":{},"reason":"{}","seconds":0}})", status,
      reason);
}

} // namespace

void Worker::web_call(WebCall call) {
  const auto browser = call.to_browser;
  if (refuses_ || shut_down_) return browser->send(WebEnd{refusal(503, "no calls are taken at present")});
  auto slot = take_slot(*shared_.calls, call.peer.ip);
  if (!slot) return browser->send(WebEnd{refusal(503, "too many calls")});

  call::IncomingCall incoming;
  incoming.call = first_web_key + ++web_calls_;
  const std::string ip = call.peer.ip.to_string();
  incoming.from = ip.find(':') == std::string::npos ? fmt::format("sip:browser@{}", ip)
                                                    : fmt::format("sip:browser@[{}]", ip);
  incoming.request_uri = call.to.empty() ? fmt::format("sip:{}", call.local.to_string())
                                         : fmt::format("sip:{}@{}", call.to, call.local.to_string());
  incoming.to = incoming.request_uri;
  incoming.dialled = call.to;
  incoming.user_agent = call.user_agent;
  incoming.flow.transport = sip::Transport::tcp;
  incoming.flow.local = call.local;
  incoming.flow.remote = call.peer;

  std::string voice = call.voice;
  auto leg = std::make_unique<WebLeg>(*this, std::move(call), std::move(slot));
  WebLeg& line = *leg;
  const auto session = std::make_shared<Session>(*this, std::move(leg), incoming,
                                                 live_.routes->find(incoming.dialled), random_.uuid());
  session->speak_as(std::move(voice));
  sessions_.emplace(incoming.call, session);
  line.serve(*session, session->uuid());
  session->begin();
}

void Worker::leg_ended(const call::CallEnded& event) {
  loop_.post([this, event] {
    ended(event);
    drain();
  });
}

} // namespace talky::sipd
