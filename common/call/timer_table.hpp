// The timers of one call. Whatever a call does because time has passed, and not because its media, session
// timer or a reliable response is due, has its place here: a new timer is a new name and one case of
// Call::run_timer().
#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "core/time.hpp"

namespace talky::call {

// When several are due at once they are carried out in this order.
enum class Timer : std::uint8_t {
  referral_expires, // the subscription of the peer's REFER
  referral_bye,     // the transferred peer has not hung up by itself
  decide,           // nobody has accepted or rejected the incoming call
  answer,           // it has rung for long enough
  ring_again,       // RFC 3261 13.3.1.1
  no_answer,        // the outgoing call has rung for too long
  transfer,         // nothing has come of our REFER
  silence,          // after a hold, or where the peer has to send first: somebody ought to be heard by now
  renegotiate,      // after 491 or 500: the next attempt
  playout_limit,    // hang up after playout, at the latest now
  last_word,        // the queue is empty, and the peer has had the time to play it
  count_
};

class TimerTable {
 public:
  TimerTable() { stop_all(); }

  void set(Timer timer, Time at) { slot(timer) = at; }
  void stop(Timer timer) { slot(timer) = kNever; }
  void stop_all() { at_.fill(kNever); }
  void stop_all_but(Timer kept) {
    const Time at = slot(kept);
    stop_all();
    slot(kept) = at;
  }

  bool runs(Timer timer) const { return at_[index(timer)] != kNever; }
  bool due(Timer timer, Time now) const { return at_[index(timer)] <= now; }

  std::optional<Time> deadline() const {
    const Time first = *std::min_element(at_.begin(), at_.end());
    return first == kNever ? std::nullopt : std::optional(first);
  }
  // The next one that is due. It no longer runs.
  std::optional<Timer> take(Time now) {
    const auto it = std::find_if(at_.begin(), at_.end(), [now](Time at) { return at <= now; });
    if (it == at_.end()) return std::nullopt;
    *it = kNever;
    return static_cast<Timer>(it - at_.begin());
  }

 private:
  static constexpr Time kNever = Time::max();
  static constexpr std::size_t index(Timer timer) { return static_cast<std::size_t>(timer); }
  Time& slot(Timer timer) { return at_[index(timer)]; }

  std::array<Time, static_cast<std::size_t>(Timer::count_)> at_;
};

} // namespace talky::call
