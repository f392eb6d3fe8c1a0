// Receives UDP until it is told to stop.
#pragma once
#include <functional>
#include <string>

#include "core/endpoint.hpp"
#include "core/time.hpp"
#include "file/link.hpp"

namespace talky::rtpdump {

// Calls `receive` with each datagram, stamped with the wall clock, and `tick` once a second. Ends on SIGINT,
// SIGTERM or after `limit` (0: never). Throws cli::Failure if the address cannot be bound; prints the bound
// address through `ready`, for port 0.
void listen(const Endpoint& local, Duration limit, const std::function<void(const Endpoint&)>& ready,
            const std::function<void(const file::Segment&)>& receive, const std::function<void()>& tick);

} // namespace talky::rtpdump
