// Time as the cores know it: microseconds since some start that the rim chose. There is no now(): whoever
// calls a core says what time it is, so that a simulation or a replay can say something else.
#pragma once
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

namespace talky {

struct Clock {
  using rep = std::int64_t;
  using period = std::micro;
  using duration = std::chrono::duration<rep, period>;
  using time_point = std::chrono::time_point<Clock>;
  static constexpr bool is_steady = true;
};

using Duration = Clock::duration;
using Time = Clock::time_point;

// The earlier of two deadlines, where nullopt is "never".
inline std::optional<Time> earlier(std::optional<Time> a, std::optional<Time> b) {
  if (!a) return b;
  if (!b) return a;
  return std::min(*a, *b);
}

// Microseconds since the start of the clock, for logs and journals.
inline std::int64_t to_us(Time t) {
  return t.time_since_epoch().count();
}

// Whole milliseconds, rounded towards zero.
inline std::int64_t to_ms(Duration d) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(d).count();
}

} // namespace talky
