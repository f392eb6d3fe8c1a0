// What the HTTP API asks of a session.
#include "core/overloaded.hpp"
#include "sipd/api/api.hpp"
#include "sipd/call/session.hpp"

namespace talky::sipd {

Result<> Session::command(const CallCommand& command) {
  if (over_) return fail(Errc::not_found, 0, "the call has ended");
  const bool up = answered_ && leg_;
  const bool needs_answer = !std::holds_alternative<HangUp>(command);
  if (needs_answer && !up) return fail(Errc::closed, 0, "the call has not been answered yet");
  Result<> done = std::visit(
      Overloaded{[&](const HangUp&) -> Result<> {
                   if (!leg_)
                     return fail(Errc::closed, 0, "its caller has left, and the next one is not there");
                   if (!accepted_) return leg_->reject(480);
                   return leg_->hangup("api", false);
                 },
                 [&](const HoldCall&) -> Result<> {
                   if (on_hold_) return {};
                   auto held = leg_->hold();
                   if (held) on_hold_ = true;
                   return held;
                 },
                 [&](const ResumeCall&) -> Result<> {
                   if (!on_hold_) return {};
                   auto resumed = leg_->resume();
                   if (resumed) on_hold_ = false;
                   return resumed;
                 },
                 [&](const SendDigits& digits) { return leg_->dtmf(digits.digits, digits.duration); },
                 [&](const PlayAudio& audio) -> Result<> {
                   if (audio.clear) discard(Owner::others);
                   turns_.restart(); // what is heard next is no answer
                   const std::size_t taken = play_as(Owner::others, *audio.samples);
                   if (taken < audio.samples->size())
                     return fail(Errc::too_large, taken, "room for all of it: two minutes may wait");
                   return {};
                 },
                 [&](const SayText& text) -> Result<> {
                   if (partner()->say(text.say)) {
                     note(text.say);
                     return {};
                   }
                   if (seat_) return fail(Errc::closed, 0, "a program has the agent's part");
                   return fail(Errc::unsupported, 0, "an agent that says what it is told");
                 },
                 [&](const TransferTo& to) -> Result<> {
                   auto asked = leg_->transfer(to.uri);
                   if (asked)
                     log(log::Level::info, log::Line("call.transfer").add("to", to.uri).add("by", "api"));
                   return asked;
                 }},
      command);
  host_.drain();
  return done;
}

CallSnapshot Session::snapshot() const {
  CallSnapshot out;
  out.uuid = about_.call;
  out.held = held_;
  out.on_hold = on_hold_;
  out.queued = leg_queued();
  if (leg_) out.quality = leg_->quality();
  return out;
}

// ---- What the API is told

void Session::tell_began() {
  Api* const api = host_.sinks().api;
  if (!api) return;
  CallBegan event;
  event.uuid = about_.call;
  event.sip_call_id = incoming_.call_id;
  event.from = incoming_.from;
  event.to = incoming_.dialled;
  event.bridge = target_.text;
  event.out = out_;
  event.peer = incoming_.flow.remote.to_string();
  event.transport = leg_->transport();
  event.user_agent = incoming_.user_agent;
  event.worker = host_.sinks().worker;
  event.at_us = host_.wall_us();
  event.at = began_;
  api->began(std::move(event));
}

void Session::tell_answered(const call::CallAnswered& event) {
  Api* const api = host_.sinks().api;
  if (!api) return;
  api->answered({about_.call, event.plan.codec, host_.wall_us(), event.at});
  if (has_played_) tell("call.first_audio", "");
}

void Session::tell_first_audio() {
  if (has_played_) return;
  has_played_ = true;
  if (answered_) tell("call.first_audio", "");
}

void Session::tell_ended(const call::CallEnded& event, std::string_view cause, std::string_view reason) {
  Api* const api = host_.sinks().api;
  if (!api) return;
  CallOver over;
  over.uuid = about_.call;
  over.cause = cause;
  over.reason = reason;
  over.by_peer = event.by_peer;
  over.answered = answered_;
  over.status = event.status;
  over.at_us = host_.wall_us();
  if (event.answered) over.seconds = static_cast<double>((event.ended - *event.answered).count()) / 1e6;
  over.quality = event.quality;
  api->ended(std::move(over));
}

void Session::tell(std::string_view type, std::string_view details) {
  if (trace_) trace_->event(type, host_.now());
  Api* const api = host_.sinks().api;
  if (api) api->happened({about_.call, std::string(type), std::string(details), host_.wall_us()});
}

// What was said goes to the browser that calls, and to whoever reads events.
void Session::shown(const ipc::Shown& shown) {
  if (over_) return;
  const std::string json = std::visit([](const auto& m) { return ipc::to_json(ipc::FromAgent(m)); }, shown);
  if (leg_) leg_->conversation(json);
  constexpr std::size_t quoted = 2; // {"type":"caption", and what follows
  const std::size_t details = json.find(',');
  if (std::holds_alternative<ipc::SpeechActive>(shown) || details == std::string::npos) return;
  const bool is_caption = std::holds_alternative<ipc::Caption>(shown);
  tell(is_caption ? "call.caption" : "call.heard",
       std::string_view(json).substr(details + 1, json.size() - details - quoted));
}

void Session::shut_down() {
  if (leg_) leg_->shut_down();
}

void Session::feed_taps(const media::RecordingFrame& frame) {
  std::erase_if(taps_, [&](const auto& tap) { return !tap->frame(frame.samples, frame.agent); });
}

} // namespace talky::sipd
