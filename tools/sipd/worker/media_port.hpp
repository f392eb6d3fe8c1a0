// A telephone's pair of RTP sockets, on ports that are lent by the worker's pool.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <tl/expected.hpp>

#include "net/port_pool.hpp"
#include "net/udp.hpp"
#include "sipd/call/call_host.hpp"

namespace talky::sipd {

// Binds a free pair of ports of the pool to `ip`; others may hold some of its range. The error is a text for
// the log. What it sends is put into `outbox`, which somebody flushes before the loop waits again. The loop,
// the pool and the outbox outlive what it gives.
tl::expected<std::unique_ptr<MediaPort>, std::string> open_media_port(net::Loop& loop, net::PortPool& ports,
                                                                      net::UdpOutbox& outbox,
                                                                      const IpAddress& ip,
                                                                      MediaPort::Receive receive);

} // namespace talky::sipd
