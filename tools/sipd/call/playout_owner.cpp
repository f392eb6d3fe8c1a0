#include "sipd/call/playout_owner.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/ascii.hpp"

namespace talky::sipd {

std::size_t PlayoutOwner::play(Leg* leg, Owner whose, std::span<const std::int16_t> samples) {
  if (!leg) return 0;
  const std::size_t taken = leg->play(samples).value_or(0);
  ledger_.given(whose, taken);
  return taken;
}

std::optional<PlayoutOwner::Answer> PlayoutOwner::clear(Leg* leg, Owner asked_by, Time now) {
  clears_.push_back(asked_by);
  ledger_.clearing();
  const auto done = leg ? leg->clear(now) : ipc::Cleared{0, last_total_};
  return done ? std::optional(cleared(*done)) : std::nullopt;
}

PlayoutOwner::Answer PlayoutOwner::cleared(const ipc::Cleared& cleared) {
  if (clears_.empty()) return {};
  const Owner asked_by = clears_.front();
  clears_.pop_front();
  last_total_ = std::max(last_total_, cleared.played);
  const auto parts = ledger_.cleared({cleared.discarded, cleared.played});
  const auto part = [&](Owner owner) { return parts[static_cast<std::size_t>(owner)]; };
  Answer answer;
  const auto own = part(Owner::agent);
  const bool asked = asked_by == Owner::agent || std::exchange(agent_asked_, false);
  if (asked || own.discarded + agent_untold_ > 0)
    answer.agent = ipc::Cleared{own.discarded + std::exchange(agent_untold_, 0), own.played};
  const auto program = part(Owner::program);
  if (asked_by == Owner::program || program.discarded > 0)
    answer.program =
        ipc::Cleared{program.discarded, program.played - std::min(program.played, program_before_)};
  return answer;
}

std::string PlayoutOwner::mark_name(std::uint64_t number, const std::string& name) {
  return fmt::format("{}/{}", number, name);
}

std::optional<PlayoutOwner::Passed> PlayoutOwner::passed(const call::MarkPassed& mark,
                                                         std::uint64_t played_before) {
  const std::string_view text = mark.name;
  const std::size_t end = std::min(text.find('/'), text.size() - 1);
  const auto number = ascii::to_number<std::uint64_t>(text.substr(0, end));
  const std::uint64_t total = mark.samples_played + played_before;
  last_total_ = std::max(last_total_, total);
  if (!number) return std::nullopt;
  Passed passed{*number, {std::string(text.substr(end + 1)), 0}};
  if (*number == 0) {
    passed.mark.played = ledger_.played(Owner::agent, total);
  } else {
    const std::uint64_t played = ledger_.played(Owner::program, total);
    passed.mark.played = played - std::min(played, program_before_);
  }
  return passed;
}

std::optional<ipc::Cleared> PlayoutOwner::clear_unheard(bool asked) {
  if (!clears_.empty()) {
    agent_asked_ = agent_asked_ || asked;
    return std::nullopt;
  }
  if (!asked && agent_untold_ == 0) return std::nullopt;
  return ipc::Cleared{std::exchange(agent_untold_, 0), ledger_.total(Owner::agent)};
}

} // namespace talky::sipd
