#include "sipd/call/agent_side.hpp"

#include <array>
#include <utility>

#include "sipd/call/session.hpp"

namespace talky::sipd {

// ---- What happens in the call

tl::expected<void, std::string> AgentSide::make(const Target& target, Time now) {
  session_.report(event::AgentTold{about_}, now);
  auto bridge = session_.host().make_bridge(*this, target);
  if (!bridge) return tl::unexpected(bridge.error());
  bridge_ = std::move(*bridge);
  return {};
}

Bridge* AgentSide::partner() const {
  return takeover_ ? &takeover_->bridge() : bridge_.get();
}

void AgentSide::caller_audio(std::span<const std::int16_t> samples, Time now) {
  turns_.heard(heard_ += samples.size(), now);
  if (!takeover_) return bridge_->caller_audio(samples, now);
  static constexpr std::array<std::int16_t, media::kFrameSamples> kSilence{};
  bridge_->caller_audio(kSilence, now);
  if (takeover_) takeover_->bridge().caller_audio(samples, now);
  if (takeover_) takeover_->tick(now);
}

void AgentSide::dtmf(const ipc::DtmfReceived& key, Time now) {
  session_.report(event::AgentTold{key}, now);
  if (Bridge* const heard_by = partner()) heard_by->dtmf(key);
}

void AgentSide::hold(bool held, Time now) {
  session_.report(event::AgentTold{held ? ipc::ToAgent(ipc::Hold{}) : ipc::ToAgent(ipc::Resume{})}, now);
  if (Bridge* const heard_by = partner()) heard_by->hold(held);
}

void AgentSide::marked(const call::MarkPassed& mark, std::uint64_t played_before, Time now) {
  const auto passed = playout_.passed(mark, played_before);
  if (!passed) return;
  if (passed->number == 0) return agent_passed(passed->mark, now);
  if (takeover_ && passed->number == takeover_->number()) takeover_->bridge().mark_played(passed->mark);
}

void AgentSide::agent_passed(const ipc::MarkPlayed& mark, Time now) {
  session_.report(event::AgentTold{mark}, now);
  if (bridge_) bridge_->mark_played(mark);
}

void AgentSide::cleared(const ipc::Cleared& cleared, Time now) {
  answer(playout_.cleared(cleared), now);
}

void AgentSide::answer(const PlayoutOwner::Answer& answer, Time now) {
  if (answer.agent) agent_cleared(*answer.agent, now);
  if (takeover_ && answer.program) takeover_->bridge().cleared(*answer.program);
}

void AgentSide::agent_cleared(const ipc::Cleared& cleared, Time now) {
  if (!session_.is_over()) session_.report(event::AgentTold{cleared}, now);
  if (bridge_) bridge_->cleared(cleared);
}

void AgentSide::stop_program(std::string_view reason) {
  if (takeover_) takeover_->bridge().stop(reason);
}

void AgentSide::stop(std::string_view reason) {
  if (bridge_) bridge_->stop(reason);
}

// ---- What the HTTP API asks for

Result<> AgentSide::say(const ipc::Say& say, Time now) {
  if (partner()->say(say)) {
    session_.report(event::AgentTold{say}, now);
    return {};
  }
  if (takeover_) return fail(Errc::closed, 0, "a program has the agent's part");
  return fail(Errc::unsupported, 0, "an agent that says what it is told");
}

std::size_t AgentSide::play_file(std::span<const std::int16_t> samples, bool clear, Time now) {
  if (clear) discard(Owner::others, now);
  turns_.restart(); // what is heard next is no answer
  return play_as(Owner::others, samples, now);
}

void AgentSide::take_over(PartLine line, Time now) {
  turns_.restart();
  session_.report(event::AgentTold{ipc::Hold{.by_program = true}}, now);
  bridge_->displaced();
  discard(Owner::others, now); // the agent learns what it lost
  playout_.begin_takeover();
  takeover_ = std::make_shared<Takeover>(session_, *this, playout_, std::move(line), ++takeovers_);
  takeover_->bridge().start(now);
  session_.report(event::PartChanged{Part::agent, true, ""}, now);
  if (session_.is_held()) takeover_->bridge().hold(true);
}

void AgentSide::give_back(std::string_view why, Time now) {
  if (!takeover_ || session_.is_over() || takeover_->bridge().said_goodbye()) return;
  const std::string reason(why);
  takeover_->clear_unheard(false, now);
  const auto left = std::exchange(takeover_, nullptr);
  left->retire();
  session_.host().post([left](Time) {}); // one of its callbacks may be what brought us here
  discard(Owner::others, now);
  turns_.restart();
  session_.report(event::PartChanged{Part::agent, false, reason}, now);
  if (const auto& lost = left->agent_lost()) return lose_bridge(lost->why, lost->status, now);
  if (const auto& bye = left->agent_bye()) return session_.end_after_playout(*bye, now);
  if (session_.is_held()) return; // it learns when the caller comes back
  session_.report(event::AgentTold{ipc::Resume{}}, now);
  bridge_->hold(false);
}

// ---- The queue

std::uint64_t AgentSide::leg_queued() const {
  const Leg* const leg = session_.is_over() ? nullptr : session_.party();
  return leg ? leg->queued() : 0;
}

std::size_t AgentSide::play_as(Owner whose, std::span<const std::int16_t> samples, Time now) {
  if (session_.is_over()) return 0;
  if (whose != Owner::others && !samples.empty()) session_.agent_played(now);
  return playout_.play(session_.party(), whose, samples);
}

// Throws away what is queued, whoever gave it.
void AgentSide::discard(Owner asked_by, Time now) {
  const auto done = playout_.clear(session_.player(), asked_by, now);
  session_.host().post(
      [&host = session_.host()](Time) { host.drain(); }); // marks passed over follow the answer
  if (done) answer(*done, now);
}

void AgentSide::mark_as(std::uint64_t number, const std::string& name) {
  if (session_.is_over()) return;
  if (Leg* const leg = session_.party()) leg->mark(PlayoutOwner::mark_name(number, name));
  session_.host().post([&host = session_.host()](Time) { host.drain(); });
}

// ---- For the bridge

void AgentSide::ready(Time now) {
  session_.accept(now);
}

void AgentSide::failed(std::string_view why, int status, Time now) {
  if (session_.is_over()) return;
  session_.report(event::BridgeFailed{std::string(why)}, now);
  if (takeover_) return takeover_->agent_failed({std::string(why), status}); // the caller need not know
  lose_bridge(why, status, now);
}

void AgentSide::lose_bridge(std::string_view why, int status, Time now) {
  if (!session_.is_accepted()) return session_.reject(status, why, now);
  session_.fail_as(why);
  discard(Owner::others, now); // nobody asks any more
  if (const auto apology = session_.host().apology()) play_as(Owner::others, *apology, now);
  session_.end_after_playout("agent lost", now);
}

std::size_t AgentSide::play(std::span<const std::int16_t> samples, Time now) {
  if (session_.is_over()) return 0;
  if (takeover_) return takeover_->play_unheard(samples);
  const bool idle = leg_queued() == 0;
  const std::size_t taken = play_as(Owner::agent, samples, now);
  turns_.given(taken, idle);
  return taken;
}

std::uint64_t AgentSide::queued() const {
  return takeover_ ? takeover_->queued_unheard() : leg_queued();
}

void AgentSide::clear(Time now) {
  if (session_.is_over()) return bridge_->cleared({});
  if (takeover_) return takeover_->clear_unheard(true, now);
  turns_.cleared();
  discard(Owner::agent, now);
}

// While a program has its part the agent softens nothing.
void AgentSide::duck(bool on) {
  if (session_.is_over() || (on && takeover_)) return;
  if (Leg* leg = session_.player()) leg->duck(on);
}

void AgentSide::mark(const std::string& name) {
  if (session_.is_over()) return;
  if (takeover_) return takeover_->mark_unheard(name);
  mark_as(0, name);
}

void AgentSide::send_dtmf(const ipc::SendDtmf& dtmf, Time now) {
  if (!takeover_) session_.press(dtmf, now);
}

void AgentSide::hangup(std::string_view reason, Time now) {
  if (session_.is_over()) return;
  if (takeover_) return takeover_->agent_hung_up(reason);
  session_.end_after_playout(reason, now);
}

void AgentSide::transfer(const std::string& to, Time now) {
  if (!takeover_) session_.refer(to, now);
}

void AgentSide::redialled(Time now) {
  session_.report(event::BridgeRedialled{}, now);
}

// What was said goes to the party that can show it, and to whoever reads events.
void AgentSide::shown(const ipc::Shown& shown, Time now) {
  if (session_.is_over()) return;
  if (Leg* const leg = session_.party()) leg->show(WebShown{shown});
  session_.report(event::AgentShown{shown}, now);
}

void AgentSide::log(log::Level level, log::Line line) {
  session_.log(level, std::move(line));
}

// ---- How long the caller waits

void AgentSide::turn(const ipc::TurnTaken& t, Time now) {
  if (session_.is_over() || takeover_) return;
  const telemetry::AgentTurn turn{t.turn, t.end, {t.endpoint, t.stt, t.dialogue, t.tts, t.out}, t.sent};
  if (!turns_.taken(turn, now)) session_.report(event::TurnUnmeasured{t.turn, t.end}, now);
  report_turns(now);
}

void AgentSide::audio_left(Time now) {
  if (!turns_.waiting()) return;
  turns_.left(now);
  report_turns(now);
}

void AgentSide::report_turns(Time now) {
  while (const auto measure = turns_.poll()) {
    session_.report(event::TurnMeasured{*measure}, now);
    if (Leg* const leg = session_.party()) leg->show(WebTurn{*measure});
  }
}

} // namespace talky::sipd
