#include "sipd/call/session.hpp"

#include <utility>

#include "core/ascii.hpp"
#include "core/overloaded.hpp"

namespace talky::sipd {
namespace {

constexpr auto kRingAfter = std::chrono::milliseconds(150);
constexpr std::uint16_t kTryAgain = 1013;

std::shared_ptr<const CallFacts> facts_of(CallHost& host, const Leg& leg, call::IncomingCall incoming,
                                          const Target& target, std::string uuid, Time now) {
  auto facts = std::make_shared<CallFacts>();
  facts->uuid = std::move(uuid);
  facts->party = std::move(incoming);
  facts->route = target.text;
  facts->transport = leg.transport();
  facts->out = leg.is_called();
  facts->agent_journal = target.destination->needs_agent() && host.options().agent_keeps_journal;
  facts->worker = host.options().worker;
  facts->began = now;
  return facts;
}

ipc::Start about(const CallFacts& call) {
  ipc::Start about;
  about.call = call.uuid;
  about.from = call.party.from;
  about.to = call.party.request_uri;
  for (const auto& [name, value] : call.party.headers) {
    if (ascii::iequals(std::string_view(name).substr(0, 2), "X-") && name.size() > 2)
      about.headers.emplace_back(name, value);
  }
  return about;
}

} // namespace

Session::Session(CallHost& host, std::unique_ptr<Leg> leg, call::IncomingCall incoming, const Target& target,
                 std::string uuid, Time now)
    : host_(host),
      target_(target),
      facts_(facts_of(host, *leg, std::move(incoming), target, std::move(uuid), now)),
      sink_(host.open_sinks(facts_, now)),
      leg_(std::move(leg)),
      transfer_(*this),
      agent_(*this, about(*facts_)),
      ringer_(host.timer([this](Time at) {
        if (accepted_ || over_ || !leg_->ring(at)) return;
        report(event::RingingSent{}, at);
        host_.drain();
      })) {
  leg_->key = facts_->party.call;
  leg_->peer = is_out() ? facts_->party.to : facts_->party.from;
  leg_->sip_call_id = facts_->party.call_id;
  guard_echo();
}

Session::~Session() = default;

// ---- The way to the answer

void Session::begin(Time now) {
  report(event::Began{}, now);
  if (const auto refusal = target_.destination->refusal()) return reject(*refusal, "the route says so", now);
  if (SipLeg* const sip = leg_->sip()) {
    if (const auto done = open(*sip); !done) return reject(503, done.error(), now);
  }
  if (const auto made = agent_.make(target_, now); !made) {
    report(event::BridgeFailed{made.error()}, now);
    return reject(500, made.error(), now);
  }
  ringer_->at(now + kRingAfter);
  agent_.start(now);
}

tl::expected<void, std::string> Session::open(SipLeg& leg) {
  return leg.open([this, &leg](const MediaPort::Packet& packet) { receive(leg, packet); });
}

Leg* Session::leg(call::CallKey call) const {
  for (Leg* const one : {leg_.get(), transfer_.next(), transfer_.leaving()}) {
    if (one && one->key == call) return one;
  }
  return nullptr;
}

bool Session::knows_sip(std::string_view call_id) const {
  for (const Leg* const one : {leg_.get(), transfer_.next(), transfer_.leaving()}) {
    if (one && one->sip_call_id == call_id) return true;
  }
  return false;
}

void Session::accept(Time now) {
  if (accepted_ || over_) return;
  accepted_ = true;
  ringer_->cancel();
  const Duration ring_time = host_.options().ring;
  if (ring_time.count() > 0) report(event::RingingSent{}, now);
  leg_->attach_bridge();
  if (const auto done = leg_->accept(ring_time, wants_recording(), now); !done) {
    report(event::NotAnswered{done.error().what}, now);
    (void)leg_->reject(488, now); // if it has ended meanwhile, that is reported
  }
  host_.drain();
}

void Session::reject(int status, std::string_view why, Time now) {
  if (over_ || accepted_) return;
  failure_ = why;
  (void)leg_->reject(status, now); // likewise
  host_.drain();
}

void Session::ringing(const call::CallRinging& event, Time now) {
  if (!is_out() || event.call != current() || answered_) return;
  report(event::Ringing{event.status, !std::exchange(rang_, true)}, now);
}

void Session::answered(const call::CallAnswered& event, Time now) {
  if (transfer_.is_next(event.call)) return move_to_next(event, now);
  answered_ = true;
  report(event::Answered{event.plan.codec, event.at, leg_->details(event)}, now);
  if (agent_played_) report(event::FirstAudio{}, now);
}

void Session::agent_played(Time now) {
  if (std::exchange(agent_played_, true)) return;
  report(event::AgentPlayed{}, now);
  if (answered_) report(event::FirstAudio{}, now);
}

// ---- Media

void Session::receive(const SipLeg& leg, const MediaPort::Packet& packet) {
  if (over_) return;
  if (sink_->wants_packets()) {
    sink_->packet({packet.is_rtcp ? CallPacket::Kind::rtcp : CallPacket::Kind::rtp, packet.from,
                   leg.local(packet.is_rtcp), packet.bytes, host_.wall_us(packet.arrival), leg.sip_call_id});
  }
  if (host_.user_agent().receive_rtp(leg.key, packet.bytes, packet.from, packet.is_rtcp, packet.arrival))
    host_.drain();
}

void Session::send(const call::SendMedia& media, Time now) {
  Leg* const whose = leg(media.call);
  SipLeg* const to = whose ? whose->sip() : nullptr;
  if (!to) return;
  to->send(media);
  if (!media.is_rtcp && to == leg_.get()) audio_left(now);
  if (!sink_->wants_packets()) return;
  sink_->packet({media.is_rtcp ? CallPacket::Kind::rtcp : CallPacket::Kind::rtp, to->local(media.is_rtcp),
                 media.to, media.bytes, host_.wall_us(now), to->sip_call_id});
}

void Session::sip(const sip::Flow& flow, std::string_view bytes, bool incoming, std::int64_t time_us) {
  if (!sink_->wants_packets()) return;
  const bool tcp = flow.transport == sip::Transport::tcp;
  sink_->packet({tcp ? CallPacket::Kind::sip_tcp : CallPacket::Kind::sip_udp,
                 incoming ? flow.remote : flow.local, incoming ? flow.local : flow.remote, as_bytes(bytes),
                 time_us, ""});
}

void Session::caller_audio(const call::CallerAudio& event, Time now) {
  if (event.call != current()) return;
  if (!event.frame.silent && !std::exchange(caller_heard_, true)) report(event::CallerHeard{}, now);
  if (talk_in_) talk_in_->tick();
  if (!echo_) return agent_.caller_audio(event.frame.samples, now);
  const auto heard = echo_->process(event.frame.samples, event.frame.sent_before);
  if (const auto found = echo_->poll()) report(event::EchoFound{*found}, now);
  agent_.caller_audio(heard, now);
}

// Anew for each party.
void Session::guard_echo() {
  const echo::Mode mode = host_.options().echo_cancel;
  echo_.reset();
  if (mode != echo::Mode::off && target_.destination->listens() && !leg_->cancels_echo()) echo_.emplace(mode);
}

void Session::recorded(const call::RecordedAudio& event) {
  if (event.call != current()) return;
  const media::RecordingFrame& frame = event.frame;
  std::erase_if(taps_, [&](const auto& tap) { return !tap->frame(frame.samples, frame.agent); });
  if (!sink_->wants_audio()) return;
  if (!record_at_) record_at_ = recorded_ - frame.first_sample; // modulo 2^64
  const std::uint64_t at = *record_at_ + frame.first_sample;
  sink_->audio(at, frame.samples);
  recorded_ = at + frame.samples.size() / 2;
}

// ---- What happens in the call

void Session::dtmf(const call::DtmfPressed& event, Time now) {
  if (event.call != current()) return;
  report(event::KeyPressed{event.digit, event.duration_ms, event.via}, now);
  agent_.dtmf({event.digit, event.duration_ms}, now);
}

void Session::mark(const call::MarkPassed& event, Time now) {
  const Leg* const from = leg(event.call);
  agent_.marked(event, from ? from->played_before : 0, now);
}

void Session::held(call::CallKey call, bool held, Time now) {
  if (call != current()) return;
  held_ = held;
  report(event::Held{held}, now);
  agent_.hold(held, now);
}

void Session::transfer_failed(const call::TransferFailed& event, Time now) {
  report(event::TransferFailed{event.status, std::nullopt}, now);
}

void Session::move_to_next(const call::CallAnswered& event, Time now) {
  leg_ = transfer_.take_next(std::move(leg_));
  record_at_.reset();
  agent_.new_party();
  guard_echo();
  leg_->attach_bridge();
  if (std::exchange(held_, false)) agent_.hold(false, now);
  report(event::Transferred{leg_->peer, event.plan.codec, leg_->details(event), leg_->sip_call_id}, now);
  if (hangup_asked_) (void)leg_->hangup(*hangup_asked_, true, now);
}

void Session::ended(const call::CallEnded& event, Time now) {
  switch (transfer_.ended(event, now)) {
    case Transfer::End::left: return;
    case Transfer::End::failed:
      if (!over_ && !leg_) finish(event, now);
      return;
    case Transfer::End::none: break;
  }
  // A call that was refused at once has no leg.
  const bool ours = leg_ ? event.call == leg_->key : event.call == facts_->party.call && !accepted_;
  if (!ours || over_) return;
  if (transfer_.next() && !hangup_asked_ && event.cause != call::EndCause::shutdown) {
    // The party that asked for the transfer has left before the new one answers: the bridge waits for that
    // one.
    report(event::LegEnded{leg_->peer, event}, now);
    transfer_.wait_for_next(*leg_);
    leg_.reset();
    return;
  }
  transfer_.give_up(now);
  finish(event, now);
  leg_.reset();
}

void Session::finish(const call::CallEnded& event, Time now) {
  ringer_->cancel();
  const event::Ended end{event, answered_, failure_, echo_ ? echo_->measured() : std::nullopt};
  const std::string last_word(end.reason().empty() ? call::to_string(event.cause) : end.reason());
  agent_.stop_program(last_word); // before the API lets it go
  report(end, now);
  over_ = true;
  agent_.stop(last_word);
}

void Session::shut_down(Time now) {
  if (leg_) leg_->shut_down(now);
}

// ---- What the agent's side wants of the party

void Session::press(const ipc::SendDtmf& dtmf, Time now) {
  if (over_ || !leg_) return;
  const auto done = leg_->dtmf(dtmf.digits, std::chrono::milliseconds(dtmf.duration_ms), now);
  if (!done) report(event::KeysUnsent{done.error().what}, now);
  host_.drain();
}

void Session::end_after_playout(std::string_view reason, Time now) {
  if (over_) return;
  hangup_asked_ = reason;
  if (leg_) (void)leg_->hangup(reason, true, now); // if it has ended meanwhile, that is reported
  host_.drain();
}

void Session::refer(const std::string& to, Time now) {
  if (over_ || !leg_) return;
  report(event::TransferAsked{to, "", std::nullopt, ""}, now);
  const auto done = leg_->transfer(to, now);
  if (!done) report(event::TransferFailed{std::nullopt, done.error().what}, now);
  host_.drain();
}

// ---- What the HTTP API asks for

Result<> Session::command(const CallCommand& command, Time now) {
  if (over_) return fail(Errc::not_found, 0, "the call has ended");
  const bool up = answered_ && leg_;
  const bool needs_answer = !std::holds_alternative<HangUp>(command);
  if (needs_answer && !up) return fail(Errc::closed, 0, "the call has not been answered yet");
  Result<> done = std::visit(
      Overloaded{[&](const HangUp&) -> Result<> {
                   if (!leg_)
                     return fail(Errc::closed, 0, "its caller has left, and the next one is not there");
                   if (!accepted_) return leg_->reject(480, now);
                   return leg_->hangup("api", false, now);
                 },
                 [&](const HoldCall&) -> Result<> {
                   if (on_hold_) return {};
                   auto held = leg_->hold(now);
                   if (held) on_hold_ = true;
                   return held;
                 },
                 [&](const ResumeCall&) -> Result<> {
                   if (!on_hold_) return {};
                   auto resumed = leg_->resume(now);
                   if (resumed) on_hold_ = false;
                   return resumed;
                 },
                 [&](const SendDigits& digits) { return leg_->dtmf(digits.digits, digits.duration, now); },
                 [&](const PlayAudio& audio) -> Result<> {
                   const std::size_t taken = agent_.play_file(*audio.samples, audio.clear, now);
                   if (taken < audio.samples->size())
                     return fail(Errc::too_large, taken, "room for all of it: two minutes may wait");
                   return {};
                 },
                 [&](const SayText& text) { return agent_.say(text.say, now); },
                 [&](const TransferTo& to) -> Result<> {
                   auto asked = leg_->transfer(to.uri, now);
                   if (asked) report(event::TransferAsked{to.uri, "api", std::nullopt, ""}, now);
                   return asked;
                 }},
      command);
  host_.drain();
  return done;
}

CallSnapshot Session::snapshot() const {
  CallSnapshot out;
  out.uuid = facts_->uuid;
  out.held = held_;
  out.on_hold = on_hold_;
  out.queued = agent_.leg_queued();
  if (leg_) out.quality = leg_->quality();
  if (echo_) out.echo = echo_->measured();
  return out;
}

void Session::take_part(Part part, PartLine line, Time now) {
  const bool taken = part == Part::agent ? agent_.is_taken_over() : talk_in_.has_value();
  if (over_ || !answered_ || hangup_asked_ || taken)
    return line.to_client->send(PartLost{kTryAgain, "the call is not in a state for that"});
  if (part == Part::agent) return agent_.take_over(std::move(line), now);
  talk_in(std::move(line), now);
}

void Session::talk_in(PartLine line, Time now) {
  const auto play = [this](std::span<const std::int16_t> samples) -> std::size_t {
    return leg_ && !over_ ? leg_->talk_in(samples) : 0;
  };
  const auto gone = [this](Time then) {
    talk_in_.reset();
    if (!over_) report(event::PartChanged{Part::talk, false, ""}, then);
  };
  talk_in_.emplace(std::move(line), play, gone);
  report(event::PartChanged{Part::talk, true, ""}, now);
}

} // namespace talky::sipd
