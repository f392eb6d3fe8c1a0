#include "leg.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <utility>

namespace talky::sipd {
namespace {

constexpr int port_attempts = 50; // ports of the range that another program may hold
constexpr std::uint8_t expedited_forwarding = 46;

} // namespace

tl::expected<std::unique_ptr<Leg>, std::string> Leg::open(net::Loop& loop, net::PortPool& ports,
                                                          const IpAddress& ip, Receive receive) {
  const net::UdpSocket::Options options{.dscp = expedited_forwarding};
  net::SystemError last{EADDRINUSE, "bind"};
  for (int attempt = 0; attempt < port_attempts; ++attempt) {
    const auto port = ports.take(net::now());
    if (!port) {
      return tl::unexpected(
          fmt::format("no RTP port is free: {} in use, the rest rest a while", ports.in_use()));
    }
    auto rtp = net::UdpSocket::open(loop, {ip, *port}, options);
    auto rtcp = rtp ? net::UdpSocket::open(loop, {ip, static_cast<std::uint16_t>(*port + 1)}, options)
                    : tl::unexpected(rtp.error());
    if (rtcp) {
      std::unique_ptr<Leg> leg(new Leg(ports, *port, std::move(*rtp), std::move(*rtcp)));
      Leg* const raw = leg.get();
      raw->rtp_.on_receive([raw, receive](const net::UdpSocket::Datagram& d) { receive(*raw, d, false); });
      raw->rtcp_.on_receive([raw, receive](const net::UdpSocket::Datagram& d) { receive(*raw, d, true); });
      return leg;
    }
    last = rtcp.error();
    ports.give_back(*port, net::now());
    if (last.code != EADDRINUSE) break;
  }
  return tl::unexpected("RTP socket: " + last.message());
}

Leg::~Leg() {
  ports_.give_back(port_, net::now());
}

void Leg::send(const call::SendMedia& media) {
  // A loopback socket cannot reach the LAN address that a phone on this machine writes into its SDP. Its
  // packets show where it is, and from then on that is where ours go.
  (void)(media.is_rtcp ? rtcp_ : rtp_).send(media.bytes, media.to);
}

} // namespace talky::sipd
