#include "media/playout_ledger.hpp"

#include <algorithm>
#include <utility>

namespace talky::media {

namespace {
constexpr std::size_t index(PlayoutLedger::Owner owner) {
  return static_cast<std::size_t>(owner);
}
} // namespace

void PlayoutLedger::given(Owner whose, std::uint64_t samples) {
  if (samples == 0) return;
  if (runs_.empty() || runs_.back().whose != whose) runs_.push_back({whose, end_});
  end_ += samples;
  if (runs_.size() <= kKept) return;
  before_[index(runs_[0].whose)] += runs_[1].begin - runs_[0].begin;
  runs_.pop_front();
}

PlayoutLedger::Counts PlayoutLedger::at(std::uint64_t total) const {
  Counts counts = before_;
  for (std::size_t i = 0; i < runs_.size() && runs_[i].begin < total; ++i) {
    const std::uint64_t run_end = i + 1 < runs_.size() ? runs_[i + 1].begin : end_;
    counts[index(runs_[i].whose)] += std::min(run_end, total) - runs_[i].begin;
  }
  return counts;
}

std::array<Cleared, PlayoutLedger::kOwners> PlayoutLedger::cleared(const Cleared& all) {
  const std::uint64_t to = fences_.empty() ? end_ : fences_.front();
  if (!fences_.empty()) fences_.pop_front();
  const std::uint64_t from = std::min(all.played, to);
  const Counts given = at(to);
  const Counts played = at(from);
  std::array<Cleared, kOwners> parts{};
  for (std::size_t i = 0; i < kOwners; ++i)
    parts[i] = {given[i] - played[i], played[i]};
  // What lies between is gone; what lies behind moves up.
  Fifo<Run> rest;
  for (std::size_t i = 0; i < runs_.size(); ++i) {
    const std::uint64_t run_end = i + 1 < runs_.size() ? runs_[i + 1].begin : end_;
    if (runs_[i].begin < from) rest.push_back(runs_[i]);
    if (run_end <= to) continue;
    const std::uint64_t begin = std::max(runs_[i].begin, to) - to + from;
    if (rest.empty() || rest.back().whose != runs_[i].whose) rest.push_back({runs_[i].whose, begin});
  }
  runs_ = std::move(rest);
  end_ -= to - from;
  for (std::uint64_t& fence : fences_)
    fence -= to - from;
  return parts;
}

std::uint64_t PlayoutLedger::played(Owner whose, std::uint64_t played) const {
  return at(played)[index(whose)];
}

} // namespace talky::media
