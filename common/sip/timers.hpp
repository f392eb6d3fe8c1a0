// The timer values of RFC 3261 17.1.1.1 and table 4, in one place.
#pragma once
#include <chrono>

#include "core/time.hpp"

namespace talky::sip {

struct Timers {
  Duration t1 = std::chrono::milliseconds(500); // estimate of the round trip
  Duration t2 = std::chrono::seconds(4); // longest interval between retransmissions of non-INVITEs and finals
  Duration t4 = std::chrono::seconds(5); // how long a message stays in the network
  Duration d = std::chrono::seconds(32); // an unreliable INVITE client absorbs retransmitted finals
  Duration trying = std::chrono::milliseconds(200); // an INVITE server answers 100 by itself after this

  Duration timeout() const { return 64 * t1; } // B, F, H, J, L, M
};

} // namespace talky::sip
