// The sound of a session: what the caller says on its way to those who listen, and what is played to him. The
// queue is filled by the bridge, by a program in its place and by whoever plays a file; each is told of his
// own samples only (call/playout_ledger.hpp).
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "core/ascii.hpp"
#include "sipd/call/session.hpp"

namespace talky::sipd {

// ---- From the caller

void Session::caller_audio(const call::CallerAudio& event) {
  if (event.call != current()) return;
  if (record_) record_->caller_audio(event.frame.silent);
  turns_.heard(heard_ += event.frame.samples.size(), host_.now());
  tick_talker();
  if (!seat_) return bridge_->caller_audio(event.frame.samples);
  static constexpr std::array<std::int16_t, media::kFrameSamples> silence{};
  bridge_->caller_audio(silence);
  if (seat_) seat_->bridge.caller_audio(event.frame.samples);
  run_unheard();
}

void Session::recorded(const call::RecordedAudio& event) {
  if (event.call != current()) return;
  const media::RecordingFrame& frame = event.frame;
  feed_taps(frame);
  if (!recording_) return;
  if (!record_at_) record_at_ = recorded_ - frame.first_sample; // modulo 2^64
  const std::uint64_t at = *record_at_ + frame.first_sample;
  recording_->audio(at, frame.samples);
  recorded_ = at + frame.samples.size() / 2;
}

// ---- The bridge's side

std::size_t Session::play(std::span<const std::int16_t> samples) {
  if (over_) return 0;
  if (seat_) {
    const std::size_t taken = seat_->unheard.push(samples);
    agent_untold_ += taken;
    return taken;
  }
  const bool idle = leg_queued() == 0;
  const std::size_t taken = play_as(Owner::agent, samples);
  turns_.given(taken, idle);
  return taken;
}

std::uint64_t Session::queued() const {
  return seat_ ? seat_->unheard.queued() : leg_queued();
}

void Session::clear() {
  if (over_) return bridge_->cleared({});
  if (seat_) return tell_unheard(true);
  turns_.cleared();
  discard(Owner::agent);
}

void Session::mark(const std::string& name) {
  if (over_) return;
  if (!seat_) return mark_as(0, name);
  seat_->unheard.mark(name);
  host_.post([self = weak_from_this()] {
    if (const auto alive = self.lock()) alive->run_unheard_marks();
  });
}

void Session::send_dtmf(const ipc::SendDtmf& dtmf) {
  if (!seat_) press(dtmf);
}

void Session::hangup(std::string_view reason) {
  if (over_) return;
  if (seat_) {
    seat_->agent_bye = reason;
    return;
  }
  end_after_playout(reason);
}

void Session::transfer(const std::string& to) {
  if (!seat_) refer(to);
}

// ---- The queue

std::uint64_t Session::leg_queued() const {
  return over_ || !leg_ ? 0 : leg_->queued();
}

std::size_t Session::play_as(Owner whose, std::span<const std::int16_t> samples) {
  if (over_) return 0;
  if (whose != Owner::others) tell_first_audio();
  if (whose != Owner::others && record_ && !samples.empty()) record_->agent_audio();
  if (!leg_) return 0;
  const std::size_t taken = leg_->play(samples).value_or(0);
  ledger_.given(whose, taken);
  return taken;
}

// Throws away what is queued, whoever gave it.
void Session::discard(Owner asked_by) {
  clears_.push_back(asked_by);
  ledger_.clearing();
  Leg* const player = leg_ ? leg_.get() : next_.get(); // whoever left has handed the queue over
  const auto done = player ? player->clear() : ipc::Cleared{0, last_total_};
  host_.post([&host = host_] { host.drain(); }); // the marks passed over are told after the answer
  if (done) cleared(*done);
}

void Session::cleared(const ipc::Cleared& cleared) {
  if (clears_.empty()) return;
  const Owner asked_by = clears_.front();
  clears_.pop_front();
  last_total_ = std::max(last_total_, cleared.played);
  const auto parts = ledger_.cleared({cleared.discarded, cleared.played});
  const auto part = [&](Owner owner) { return parts[static_cast<std::size_t>(owner)]; };
  const auto own = part(Owner::agent);
  const bool asked = asked_by == Owner::agent || std::exchange(agent_asked_, false);
  if (asked || own.discarded + agent_untold_ > 0) {
    const ipc::Cleared told{own.discarded + std::exchange(agent_untold_, 0), own.played};
    if (!over_) note(told);
    if (bridge_) bridge_->cleared(told);
  }
  const auto program = part(Owner::program);
  if (seat_ && (asked_by == Owner::program || program.discarded > 0))
    seat_->bridge.cleared({program.discarded, program.played - std::min(program.played, program_before_)});
}

// Marks of the bridge bear the number 0, those of a program that of its seat.
void Session::mark_as(std::uint64_t seat, const std::string& name) {
  if (over_) return;
  if (leg_) leg_->mark(fmt::format("{}/{}", seat, name));
  host_.post([&host = host_] { host.drain(); });
}

void Session::mark(const call::MarkPassed& event) {
  const std::string_view text = event.name;
  const std::size_t end = std::min(text.find('/'), text.size() - 1);
  const auto seat = ascii::to_number<std::uint64_t>(text.substr(0, end));
  const Leg* const from = leg(event.call);
  const std::uint64_t total = event.samples_played + (from ? from->played_before : 0);
  last_total_ = std::max(last_total_, total);
  ipc::MarkPlayed mark{std::string(text.substr(end + 1)), 0};
  if (seat == 0U) {
    mark.played = ledger_.played(Owner::agent, total);
    note(mark);
    if (bridge_) bridge_->mark_played(mark);
  } else if (seat_ && seat == seat_->number) {
    const std::uint64_t played = ledger_.played(Owner::program, total);
    mark.played = played - std::min(played, program_before_);
    seat_->bridge.mark_played(mark);
  }
}

void Session::press(const ipc::SendDtmf& dtmf) {
  if (over_ || !leg_) return;
  const auto done = leg_->dtmf(dtmf.digits, std::chrono::milliseconds(dtmf.duration_ms));
  if (!done) log(log::Level::warn, log::Line("dtmf.unsent").add("why", done.error().what));
  host_.drain();
}

void Session::end_after_playout(std::string_view reason) {
  if (over_) return;
  hangup_asked_ = reason;
  if (leg_) (void)leg_->hangup(reason, true); // if it has ended meanwhile, that is told
  host_.drain();
}

void Session::refer(const std::string& to) {
  if (over_ || !leg_) return;
  log(log::Level::info, log::Line("call.transfer").add("to", to));
  const auto done = leg_->transfer(to);
  if (!done) log(log::Level::warn, log::Line("call.transfer_failed").add("why", done.error().what));
  host_.drain();
}

} // namespace talky::sipd
