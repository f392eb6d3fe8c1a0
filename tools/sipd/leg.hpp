// One party of a call: its name in the UserAgent and its pair of RTP sockets. A session has one, and in a
// transfer for a while two.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "call/events.hpp"
#include "net/port_pool.hpp"
#include "net/udp.hpp"
#include "sdp/offer_answer.hpp"

namespace talky::sipd {

class Leg {
 public:
  using Receive = std::function<void(Leg&, const net::UdpSocket::Datagram&, bool is_rtcp)>;
  // On a free pair of ports of the pool, bound to `ip`; others may hold some of its range. The error is a
  // text for the log. The pool must outlive the leg.
  static tl::expected<std::unique_ptr<Leg>, std::string> open(net::Loop& loop, net::PortPool& ports,
                                                              const IpAddress& ip, Receive receive);
  ~Leg(); // the ports go back to rest
  Leg(const Leg&) = delete;
  Leg& operator=(const Leg&) = delete;

  void send(const call::SendMedia& media);
  const Endpoint& local(bool is_rtcp) const { return (is_rtcp ? rtcp_ : rtp_).local(); }
  std::uint16_t port() const { return port_; }

  call::CallKey key = 0;
  std::string peer;                // URI of the other party, for the log
  std::string sip_call_id;         // of its dialog
  std::uint64_t played_before = 0; // agent samples that earlier legs of the session have played

 private:
  Leg(net::PortPool& ports, std::uint16_t port, net::UdpSocket rtp, net::UdpSocket rtcp)
      : ports_(ports), port_(port), rtp_(std::move(rtp)), rtcp_(std::move(rtcp)) {}

  net::PortPool& ports_;
  std::uint16_t port_;
  net::UdpSocket rtp_, rtcp_;
};

} // namespace talky::sipd
