// Shows a capture server (Homer) every SIP message of a worker, and the RTCP reports of its calls, as HEP3
// over UDP. One socket a worker, used on its loop. A datagram that the system does not take at once is
// dropped and counted: nothing ever waits for the capture server.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.hpp"
#include "core/endpoint.hpp"
#include "net/loop.hpp"
#include "net/udp.hpp"
#include "sip/flow.hpp"
#include "sip/message.hpp"
#include "telemetry/hep.hpp"

namespace talky::sipd {

struct HepOptions {
  Endpoint collector;
  std::uint32_t capture_id = 0;
  std::string key; // "": none
};

class HepSender {
 public:
  static net::SysResult<HepSender> open(net::Loop& loop, HepOptions options);

  // A whole message, in whatever state: what is no SIP at all is not shown.
  void sip(const sip::Flow& flow, std::string_view bytes, bool incoming, std::int64_t time_us);
  // `call_id`: of SIP. A datagram that holds no report is not shown.
  void rtcp(std::string_view call_id, const Endpoint& from, const Endpoint& to, Bytes datagram,
            std::int64_t time_us);

  std::uint64_t sent() const { return sent_; }
  std::uint64_t dropped() const { return dropped_; }

 private:
  HepSender(net::UdpSocket socket, HepOptions options)
      : socket_(std::move(socket)), options_(std::move(options)) {}
  void send(telemetry::HepPacket& packet);

  net::UdpSocket socket_;
  HepOptions options_;
  sip::MessageView scratch_;
  std::vector<std::byte> out_;
  std::uint64_t sent_ = 0, dropped_ = 0;
};

// The first report of a compound RTCP datagram as Homer reads it: one JSON object; "" if it holds none.
std::string rtcp_json(Bytes datagram);

} // namespace talky::sipd
