#include "sipd/worker/media_port.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <utility>

namespace talky::sipd {
namespace {

constexpr int kPortAttempts = 50; // ports of the range that another program may hold
constexpr std::uint8_t kExpeditedForwarding = 46;

class SocketPair final : public MediaPort {
 public:
  SocketPair(net::PortPool& ports, std::uint16_t port, net::UdpSocket rtp, net::UdpSocket rtcp,
             net::UdpOutbox& outbox, Receive receive)
      : ports_(ports),
        outbox_(outbox),
        receive_(std::move(receive)),
        port_(port),
        rtp_(std::move(rtp)),
        rtcp_(std::move(rtcp)) {
    rtp_.on_receive([this](const net::UdpSocket::Datagram& datagram) { received(datagram, false); });
    rtcp_.on_receive([this](const net::UdpSocket::Datagram& datagram) { received(datagram, true); });
  }
  ~SocketPair() override {
    outbox_.flush();                     // the last word may be in it
    ports_.give_back(port_, net::now()); // to rest
  }

  void send(Bytes bytes, const Endpoint& to, bool is_rtcp) override {
    outbox_.add(is_rtcp ? rtcp_ : rtp_, bytes, to);
  }
  const Endpoint& local(bool is_rtcp) const override { return (is_rtcp ? rtcp_ : rtp_).local(); }

 private:
  void received(const net::UdpSocket::Datagram& datagram, bool is_rtcp) {
    receive_({datagram.bytes, datagram.from, datagram.arrival, is_rtcp});
  }

  net::PortPool& ports_;
  net::UdpOutbox& outbox_;
  Receive receive_;
  std::uint16_t port_;
  net::UdpSocket rtp_, rtcp_;
};

} // namespace

tl::expected<std::unique_ptr<MediaPort>, std::string> open_media_port(net::Loop& loop, net::PortPool& ports,
                                                                      net::UdpOutbox& outbox,
                                                                      const IpAddress& ip,
                                                                      MediaPort::Receive receive) {
  const net::UdpSocket::Options options{.dscp = kExpeditedForwarding, .sparse = true};
  net::SystemError last{EADDRINUSE, "bind"};
  for (int attempt = 0; attempt < kPortAttempts; ++attempt) {
    const auto port = ports.take(net::now());
    if (!port) {
      return tl::unexpected(
          fmt::format("no RTP port is free: {} in use, the rest rest a while", ports.in_use()));
    }
    auto rtp = net::UdpSocket::open(loop, {ip, *port}, options);
    auto rtcp = rtp ? net::UdpSocket::open(loop, {ip, static_cast<std::uint16_t>(*port + 1)}, options)
                    : tl::unexpected(rtp.error());
    if (rtcp) {
      return std::make_unique<SocketPair>(ports, *port, std::move(*rtp), std::move(*rtcp), outbox,
                                          std::move(receive));
    }
    last = rtcp.error();
    ports.give_back(*port, net::now());
    if (last.code != EADDRINUSE) break;
  }
  return tl::unexpected("RTP socket: " + last.message());
}

} // namespace talky::sipd
