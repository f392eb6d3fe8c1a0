// What a worker counts of itself: plain numbers of its own thread, gathered when somebody asks for the
// metrics.
#pragma once
#include <cstdint>

namespace talky::sipd {

struct WorkerCounters {
  std::uint64_t sip_received = 0, sip_sent = 0; // messages; of what a TCP connection gives, pieces
  std::uint64_t sip_unread = 0;        // datagrams that the kernel dropped because we read too slowly
  std::uint64_t bridge_failures = 0;   // bridges that broke or never stood
  std::uint64_t bridge_reconnects = 0; // attempts to get one back
  std::uint64_t hep_sent = 0, hep_dropped = 0;

  WorkerCounters& operator+=(const WorkerCounters& other) {
    sip_received += other.sip_received;
    sip_sent += other.sip_sent;
    sip_unread += other.sip_unread;
    bridge_failures += other.bridge_failures;
    bridge_reconnects += other.bridge_reconnects;
    hep_sent += other.hep_sent;
    hep_dropped += other.hep_dropped;
    return *this;
  }
};

} // namespace talky::sipd
