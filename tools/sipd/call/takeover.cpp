#include "sipd/call/takeover.hpp"

#include <array>

#include "sipd/call/agent_side.hpp"
#include "sipd/call/session.hpp"

namespace talky::sipd {

Takeover::Takeover(Session& session, AgentSide& side, PlayoutOwner& playout, PartLine line,
                   std::uint64_t number)
    : session_(session),
      side_(side),
      playout_(playout),
      bridge_(*this, std::move(line), [&side](Time now) { side.give_back("the program has left", now); }),
      number_(number) {}

// ---- For the bridge that is held

std::size_t Takeover::play_unheard(std::span<const std::int16_t> samples) {
  const std::size_t taken = unheard_.push(samples);
  playout_.agent_unheard(taken);
  return taken;
}

void Takeover::mark_unheard(const std::string& name) {
  unheard_.mark(name);
  session_.host().post([weak = weak_from_this()](Time now) {
    if (const auto self = weak.lock()) self->pass_marks(now);
  });
}

void Takeover::clear_unheard(bool asked, Time now) {
  const auto held = shared_from_this(); // the bridge may do anything
  unheard_.clear();
  if (const auto cleared = playout_.clear_unheard(asked)) side_.agent_cleared(*cleared, now);
  pass_marks(now);
}

void Takeover::tick(Time now) {
  std::array<std::int16_t, media::kFrameSamples> nobody{};
  unheard_.take(nobody);
  unheard_.sent(0);
  pass_marks(now);
}

void Takeover::pass_marks(Time now) {
  if (given_back_ || session_.is_over()) return;
  const auto held = shared_from_this(); // likewise
  while (const auto mark = unheard_.poll())
    side_.agent_passed({mark->name, playout_.agent_total()}, now); // the rest has been cleared
}

// ---- For the program

const ipc::Start& Takeover::about() const {
  return side_.about();
}

void Takeover::failed(std::string_view why, int /*status*/, Time now) {
  constexpr std::uint16_t kPolicy = 1008;
  bridge_.dismiss(kPolicy, why);
  side_.give_back(why, now);
}

std::size_t Takeover::play(std::span<const std::int16_t> samples, Time now) {
  return side_.play_as(PlayoutOwner::Owner::program, samples, now);
}

std::uint64_t Takeover::queued() const {
  return side_.leg_queued();
}

void Takeover::clear(Time now) {
  side_.discard(PlayoutOwner::Owner::program, now);
}

void Takeover::mark(const std::string& name) {
  side_.mark_as(number_, name);
}

void Takeover::send_dtmf(const ipc::SendDtmf& dtmf, Time now) {
  session_.press(dtmf, now);
}

void Takeover::hangup(std::string_view reason, Time now) {
  session_.end_after_playout(reason, now);
}

void Takeover::transfer(const std::string& to, Time now) {
  session_.refer(to, now);
}

void Takeover::log(log::Level level, log::Line line) {
  session_.log(level, line.add("part", "program"));
}

} // namespace talky::sipd
