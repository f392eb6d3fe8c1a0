// Threads beside those that carry calls: API, records, history, traces.
#pragma once
#include <sys/resource.h>

namespace talky::net {

// Begins such a thread: where cores are few, a call's packets go first.
inline void begin_background_thread() {
  constexpr int kNiceness = 5;
  (void)::setpriority(PRIO_PROCESS, 0, kNiceness); // on Linux: of the thread that calls it
}

} // namespace talky::net
