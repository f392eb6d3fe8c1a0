#include "call/guess_guard.hpp"

#include <algorithm>
#include <utility>

namespace talky::call {

namespace {
constexpr Duration kReportEvery = std::chrono::seconds(1);
constexpr unsigned kMostDoublings = 16;
} // namespace

bool GuessGuard::is_banned(const IpAddress& source, Time now) const {
  const auto found = sources_.find(key(source));
  return found != sources_.end() && now < found->second.banned_until;
}

void GuessGuard::make_room() {
  const auto oldest = std::min_element(sources_.begin(), sources_.end(), [](const auto& a, const auto& b) {
    return a.second.last < b.second.last;
  });
  if (oldest != sources_.end()) sources_.erase(oldest);
}

std::optional<std::uint64_t> GuessGuard::wrong(const IpAddress& source, Time now) {
  if (sources_.size() >= config_.max_sources && !sources_.contains(key(source))) make_room();
  Source& it = sources_[key(source)];
  if (now >= it.banned_until) { // what comes meanwhile is not looked at, so it is no guess
    if (it.guesses == 0 || now - it.window_begin > config_.window) {
      it.window_begin = now;
      it.guesses = 0;
    }
    if (++it.guesses >= config_.guesses) {
      const auto times = 1U << std::min(it.bans, kMostDoublings);
      it.banned_until = now + std::min(config_.ban * times, config_.max_ban);
      ++it.bans;
      it.guesses = 0;
    }
  }
  it.last = now;
  ++it.unreported;
  if (it.reported && now - *it.reported < kReportEvery) return std::nullopt;
  it.reported = now;
  return std::exchange(it.unreported, 0);
}

} // namespace talky::call
