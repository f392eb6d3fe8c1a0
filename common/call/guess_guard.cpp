#include "call/guess_guard.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace talky::call {

namespace {
constexpr Duration kReportEvery = std::chrono::seconds(1);
constexpr unsigned kMostDoublings = 16;
} // namespace

bool GuessGuard::is_banned(const IpAddress& source, Time now) const {
  const auto found = places_.find(key(source));
  return found != places_.end() && now < found->second->banned_until;
}

void GuessGuard::right(const IpAddress& source) {
  const auto found = places_.find(key(source));
  if (found == places_.end()) return;
  sources_.erase(found->second);
  places_.erase(found);
}

GuessGuard::Source& GuessGuard::find_or_add(const IpAddress& source) {
  if (const auto found = places_.find(key(source)); found != places_.end()) {
    sources_.splice(sources_.end(), sources_, found->second);
    return *found->second;
  }
  if (sources_.size() >= config_.max_sources) {
    places_.erase(sources_.front().address);
    sources_.pop_front();
  }
  Source& added = sources_.emplace_back();
  added.address = key(source);
  places_.emplace(added.address, std::prev(sources_.end()));
  return added;
}

std::optional<std::uint64_t> GuessGuard::wrong(const IpAddress& source, Time now) {
  Source& it = find_or_add(source);
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
  ++it.unreported;
  if (it.reported && now - *it.reported < kReportEvery) return std::nullopt;
  it.reported = now;
  return std::exchange(it.unreported, 0);
}

} // namespace talky::call
