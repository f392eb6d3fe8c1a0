// How many there may be of something, in all and from one address; all workers count together.
#pragma once
#include <memory>
#include <mutex>

#include "call/call_counter.hpp"

namespace talky::sipd {

class CallLimits { // any thread
 public:
  CallLimits(std::size_t most, std::size_t most_per_source) : counter_(most, most_per_source) {}

  call::CallCounter::Verdict enter(const IpAddress& source) {
    const std::lock_guard lock(mutex_);
    return counter_.enter(source);
  }
  void leave(const IpAddress& source) {
    const std::lock_guard lock(mutex_);
    counter_.leave(source);
  }

 private:
  std::mutex mutex_;
  call::CallCounter counter_;
};

// A place among those that are counted, until it is let go of; null: there is none.
inline std::shared_ptr<void> take_slot(CallLimits& limits, const IpAddress& source) {
  if (limits.enter(source) != call::CallCounter::Verdict::granted) return nullptr;
  return {&limits, [source](CallLimits* held) { held->leave(source); }};
}

} // namespace talky::sipd
