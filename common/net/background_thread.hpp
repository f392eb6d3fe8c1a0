// Threads beside those that carry calls: API, records, history, traces.
#pragma once
#include <sys/resource.h>

namespace talky::net {

// Begins such a thread: where cores are few, a call's packets go first.
inline void begin_background_thread() {
  constexpr int niceness = 5;
  (void)::setpriority(PRIO_PROCESS, 0, niceness); // on Linux: of the thread that calls it
}

} // namespace talky::net
