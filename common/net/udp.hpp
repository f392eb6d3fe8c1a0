// A UDP socket, IPv4 or IPv6, that reads in batches and can answer from the address that was asked.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "core/bytes.hpp"
#include "core/endpoint.hpp"
#include "net/fd.hpp"
#include "net/loop.hpp"

namespace talky::net {

class UdpSocket {
 public:
  struct Options {
    int receive_buffer = 0;   // bytes, 0: the system's default; capped by net.core.rmem_max
    int send_buffer = 0;      // likewise
    bool packet_info = false; // learn the local address of each datagram, and send from a chosen one
    bool reuse_port = false;  // several sockets on one port, among which the kernel spreads the sources
    std::uint8_t dscp = 0;    // 46 (EF) for voice
    // Turns of the loop are shared: so many times 16 datagrams are read in one, if as many wait.
    int batches_a_turn = 4;
    // Mostly one waits: it is read by a cheaper call, and a second one is asked for only if the first had
    // waited.
    bool sparse = false;
  };
  struct Datagram {
    Bytes bytes; // borrowed for the time of the callback
    Endpoint from;
    IpAddress to; // the local address it came to; unspecified without packet_info on a wildcard bind
    // When the kernel had it (SO_TIMESTAMPNS), so that a loop that was kept from running still knows how
    // punctual the network was; when it was read, where the system does not say.
    Time arrival;
  };
  using Receive = std::function<void(const Datagram&)>;

  // Bound to `local`; port 0 lets the system choose. "::" takes IPv6 only, so that "0.0.0.0" fits beside it.
  static SysResult<UdpSocket> open(Loop& loop, const Endpoint& local, const Options& options);

  // Starts reading. The callback may destroy the socket. Datagrams above 65,535 bytes do not exist.
  void on_receive(Receive receive);

  // Never waits: a full socket buffer drops the datagram, as the network would, and says EAGAIN. An error
  // that ICMP reported for an earlier datagram is not this datagram's: it is sent again once.
  SysResult<> send(Bytes bytes, const Endpoint& to, const std::optional<IpAddress>& from = std::nullopt);

  const Endpoint& local() const;
  // Datagrams that the kernel dropped because we read too slowly (SO_RXQ_OVFL).
  std::uint32_t dropped() const;

  UdpSocket(UdpSocket&&) noexcept;
  UdpSocket& operator=(UdpSocket&&) noexcept;
  ~UdpSocket();

 private:
  friend class UdpOutbox;
  struct Impl;
  explicit UdpSocket(std::shared_ptr<Impl> impl);
  void close();
  std::shared_ptr<Impl> impl_;
};

// Datagrams of many sockets that are made one after the other and then sent one after the other: what makes
// them and what sends them do not push one another out of the processor's caches. (sendmmsg takes one socket
// only.)
class UdpOutbox {
 public:
  static constexpr std::size_t kMost =
      32; // as many are sent at once without a flush(): the first must not wait long

  // Copies `bytes`. What the system makes of it is not told, as with every datagram.
  void add(const UdpSocket& from, Bytes bytes, const Endpoint& to);
  void flush(); // one whose socket has been destroyed meanwhile is not sent
  bool empty() const { return items_.empty(); }

 private:
  struct Item {
    std::shared_ptr<UdpSocket::Impl> from;
    Endpoint to;
    std::size_t begin = 0, size = 0; // of bytes_
  };
  std::vector<Item> items_;
  std::vector<std::byte> bytes_;
};

// The local address from which the system would send to `remote` (no packet is sent), e.g. for the address in
// an SDP answer of a socket bound to a wildcard.
std::optional<IpAddress> source_address_for(const Endpoint& remote);

} // namespace talky::net
