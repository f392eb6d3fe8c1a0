// Packets as they come: UDP sent to us, interfaces that are listened in on, and a capture that another
// program is still writing. All of them may be mixed.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "core/time.hpp"
#include "file/link.hpp"
#include "file/pcap.hpp"

namespace talky::rtpdump {

struct LiveOptions {
  std::vector<std::string> listen;     // HOST:PORT; an even port brings the next one along, for RTCP
  std::vector<std::string> interfaces; // by libpcap
  std::string capture_filter;          // of the interfaces; "" is the default of interface.hpp
  std::string growing;                 // a capture, or "-"; "" is none
  Duration limit{0};                   // 0: until SIGINT or SIGTERM
};

struct LiveHandlers {
  std::function<void(const std::string&)> ready; // what is listened to, one line each
  // `frame` is what the packet came in; nullptr for one that was sent to us.
  std::function<void(const file::Segment&, const file::CapturedFrame*)> receive;
  // Once a second, and when the terminal has another size.
  std::function<void()> tick;
};

struct LiveLosses {
  std::uint64_t dropped = 0; // packets that the system had no room for
};

// Returns when told to stop by a signal or the limit, or when a pipe that was followed has ended. Datagrams
// and frames carry the kernel's wall-clock time of their arrival. Throws cli::Failure: addresses that cannot
// be bound (unavailable), interfaces (see interface.hpp), a growing file that is damaged (data).
LiveLosses run_live(const LiveOptions& options, const LiveHandlers& handlers);

} // namespace talky::rtpdump
