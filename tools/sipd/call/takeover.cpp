// Others who take part in a call over the API: a person who talks in, and a program in the agent's place.
//
// What the agent is told of a program: `hold` by a program and, for what of its audio was thrown away,
// `cleared`; until it leaves silence, in the pace of the call; then `cleared` for what it has played
// meanwhile, and `resume`. Of the past nothing is played, and nothing of what the program said is told.
#include <fmt/format.h>

#include <array>
#include <utility>

#include "core/overloaded.hpp"
#include "sipd/call/session.hpp"

namespace talky::sipd {
namespace {

constexpr std::uint16_t try_again = 1013;
constexpr unsigned told_every = 50; // ticks

} // namespace

void Session::take_part(Part part, SeatLine line) {
  const bool taken = part == Part::agent ? seat_ != nullptr : talker_.has_value();
  if (over_ || !answered_ || hangup_asked_ || taken)
    return line.to_client->send(SeatLost{try_again, "the call is not in a state for that"});
  if (part == Part::talk) {
    talk_in(std::move(line));
  } else if (part == Part::agent) {
    seat(std::move(line));
  }
}

void Session::tell_part(std::string_view part, bool present, std::string_view why) {
  log::Line line(present ? "part.taken" : "part.left");
  line.add("part", part);
  if (!why.empty()) line.add("why", why);
  log(log::Level::info, std::move(line));
  tell("call.part", fmt::format(R"("part":"{}","present":{})", part, present));
}

// ---- Somebody talks in

void Session::talk_in(SeatLine line) {
  line.to_call->open([self = weak_from_this()](FromSeat& message) {
    if (const auto alive = self.lock()) alive->from_talker(message);
  });
  talker_.emplace(Talker{std::move(line)});
  tell_part("talk", true, "");
}

void Session::from_talker(const FromSeat& message) {
  if (!talker_) return;
  std::visit(Overloaded{[this](const SeatSound& m) {
                          if (leg_ && !over_) talker_->lost += leg_->talk_in(m.samples);
                        },
                        [](const SeatText&) {}, // there is nothing yet that he could say
                        [this](const SeatAsk&) { talker_->line.to_client->send(SeatHere{}); },
                        [this](const SeatGone&) {
                          talker_->line.to_call->close();
                          talker_.reset();
                          if (!over_) tell_part("talk", false, "");
                        }},
             message);
}

// Once a second at most.
void Session::tick_talker() {
  if (!talker_ || ++talker_->ticks < told_every || talker_->lost == 0) return;
  talker_->ticks = 0;
  talker_->line.to_client->send(
      SeatText{fmt::format(R"({{"type":"overrun","samples":{}}})", std::exchange(talker_->lost, 0))});
}

// ---- A program in the agent's part

void Session::seat(SeatLine line) {
  turns_.restart();
  note(ipc::ToAgent(ipc::Hold{.by_program = true}));
  bridge_->displaced();
  discard(Owner::others); // tells the agent what it lost
  program_before_ = ledger_.total(Owner::program);
  seat_ = std::make_shared<Seat>(*this, std::move(line), ++seats_);
  seat_->bridge.start();
  tell_part("agent", true, "");
  if (held_) seat_->bridge.hold(true);
}

// What the agent plays meanwhile goes by, 20 ms at a time.
void Session::run_unheard() {
  if (!seat_) return;
  std::array<std::int16_t, media::kFrameSamples> nobody{};
  seat_->unheard.take(nobody);
  seat_->unheard.sent(0);
  run_unheard_marks();
}

void Session::run_unheard_marks() {
  if (!seat_ || over_) return;
  const auto held = seat_; // the bridge may do anything
  while (const auto mark = held->unheard.poll()) {
    const ipc::MarkPlayed told{mark->name, ledger_.total(Owner::agent)}; // the rest has been cleared
    note(told);
    bridge_->mark_played(told);
  }
}

// The agent wants what it has played meanwhile thrown away, or is to learn that it was. What it lost when the
// program came may not be known yet (Leg::clear): then it is told of both at once.
void Session::tell_unheard(bool asked) {
  if (!seat_) return;
  const auto held = seat_;
  held->unheard.clear();
  if (!clears_.empty()) {
    agent_asked_ = agent_asked_ || asked;
  } else if (asked || agent_untold_ > 0) {
    const ipc::Cleared told{std::exchange(agent_untold_, 0), ledger_.total(Owner::agent)};
    note(told);
    bridge_->cleared(told);
  }
  run_unheard_marks();
}

void Session::vacate(std::string_view why) {
  if (!seat_ || over_ || seat_->bridge.said_goodbye()) return;
  const std::string reason(why);
  tell_unheard(false);
  const auto left = std::exchange(seat_, nullptr);
  host_.post([left] {}); // one of its callbacks may be what brought us here
  discard(Owner::others);
  turns_.restart();
  tell_part("agent", false, reason);
  if (left->agent_lost) {
    const auto& [what, status] = *left->agent_lost;
    return lose_bridge(what, status);
  }
  if (left->agent_bye) return end_after_playout(*left->agent_bye);
  if (held_) return; // he hears of it when the caller comes back
  note(ipc::ToAgent(ipc::Resume{}));
  bridge_->hold(false);
}

} // namespace talky::sipd
