#include "live.hpp"

#include <fmt/format.h>

#include <chrono>
#include <csignal>

#include "cli/exit_code.hpp"
#include "net/loop.hpp"
#include "net/udp.hpp"

namespace talky::rtpdump {

void listen(const Endpoint& local, Duration limit, const std::function<void(const Endpoint&)>& ready,
            const std::function<void(const file::Segment&)>& receive, const std::function<void()>& tick) {
  net::Loop loop;
  net::UdpSocket::Options options;
  options.receive_buffer = 4 << 20;
  options.packet_info = true;
  auto socket = net::UdpSocket::open(loop, local, options);
  if (!socket) {
    throw cli::Failure(cli::ExitCode::unavailable,
                       fmt::format("{}: {}", local.to_string(), socket.error().message()));
  }
  const Endpoint bound = socket->local();
  // Datagrams are stamped in monotonic time: the wall clock may be set while we listen.
  const std::int64_t offset_us = net::wall_clock_us() - to_us(net::now());
  socket->on_receive([&](const net::UdpSocket::Datagram& datagram) {
    file::Segment segment;
    segment.time_ns = (to_us(datagram.arrival) + offset_us) * 1000;
    segment.from = datagram.from;
    segment.to = {bound.ip.is_unspecified() ? datagram.to : bound.ip, bound.port};
    segment.payload = datagram.bytes;
    segment.payload_length = static_cast<std::uint32_t>(datagram.bytes.size());
    receive(segment);
  });
  loop.on_signal({SIGINT, SIGTERM}, [&loop](int) { loop.stop(); });
  net::Timer end(loop, [&loop] { loop.stop(); });
  if (limit > Duration::zero()) end.at(net::now() + limit);
  Time next = net::now() + std::chrono::seconds(1);
  net::Timer seconds(loop, [&] {
    tick();
    next += std::chrono::seconds(1);
    seconds.at(next);
  });
  seconds.at(next);
  ready(bound);
  loop.run();
}

} // namespace talky::rtpdump
