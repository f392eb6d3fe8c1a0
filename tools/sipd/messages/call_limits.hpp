// How many there may be of something, in all and from one address; all workers count together.
#pragma once
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

} // namespace talky::sipd
