#include "net/udp.hpp"

#include <netinet/ip.h>
#include <sys/uio.h>
#include <ctime>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "net/socket_address.hpp"

namespace talky::net {

using detail::from_endpoint;
using detail::SocketAddress;
using detail::to_endpoint;

namespace {

constexpr std::size_t kBatch = 16;        // datagrams a system call; named in udp.hpp
constexpr std::size_t kSlot = 65536;      // bytes of one datagram
constexpr std::size_t kControlSize = 192; // of the packet-info, overflow and time stamp messages

// What a batch is read into: one for each thread, since every loop has its own and a callback copies what it
// keeps.
struct Scratch {
  std::vector<std::byte> bytes = std::vector<std::byte>(kBatch * kSlot);
  std::array<sockaddr_storage, kBatch> from{};
  std::array<std::array<std::byte, kControlSize>, kBatch> control{};
  bool busy = false;
};

Scratch& scratch() {
  thread_local Scratch instance;
  return instance;
}

constexpr Duration kOldest = std::chrono::seconds(60); // of a time stamp; beyond it the wall clock was set

// What the wall clock is ahead of the monotonic one. The two are read one after the other: a reading that the
// scheduler tore apart is taken again.
Duration measure_wall_offset() {
  constexpr Duration kTorn = std::chrono::microseconds(50);
  constexpr int kAttempts = 4;
  Duration offset{};
  for (int i = 0; i < kAttempts; ++i) {
    const Time before = now();
    offset = Duration(wall_clock_us()) - before.time_since_epoch();
    if (now() - before < kTorn) break;
  }
  return offset;
}

void set_option(int fd, int level, int name, int value) {
  // These are wishes: where the system does not know one, the socket works without it.
  (void)::setsockopt(fd, level, name, &value, sizeof value);
}

iovec iovec_of(Bytes bytes) {
  return {.iov_base = const_cast<std::byte*>(bytes.data()),
          .iov_len = bytes.size()}; // the kernel only reads it
}

} // namespace

struct UdpSocket::Impl : std::enable_shared_from_this<UdpSocket::Impl> {
  Impl(Loop& owner, Fd socket, int batches) : loop(owner), fd(std::move(socket)), batches_a_turn(batches) {}

  void readable() {
    const auto keep = shared_from_this(); // the callback may destroy the socket
    for (int round = 0; round < batches_a_turn && fd; ++round) {
      if (!read_batch()) return;
    }
  }

  // False when nothing more is waiting.
  bool read_batch() {
    Scratch& s = scratch();
    if (s.busy) return false; // a callback ran the loop again: the datagrams wait
    std::array<mmsghdr, kBatch> headers{};
    std::array<iovec, kBatch> vectors{};
    for (std::size_t i = 0; i < kBatch; ++i) {
      vectors[i] = {.iov_base = s.bytes.data() + i * kSlot, .iov_len = kSlot};
      msghdr& h = headers[i].msg_hdr;
      h.msg_name = &s.from[i];
      h.msg_namelen = sizeof s.from[i];
      h.msg_iov = &vectors[i];
      h.msg_iovlen = 1;
      h.msg_control = s.control[i].data();
      h.msg_controllen = kControlSize;
    }
    const int count = ::recvmmsg(fd.get(), headers.data(), kBatch, MSG_DONTWAIT, nullptr);
    // An error here is one that ICMP reported for what we sent: reading has cleared it.
    if (count <= 0)
      return count < 0 && (errno == ECONNREFUSED || errno == EHOSTUNREACH || errno == ENETUNREACH);
    const Time read = now();
    const Duration wall_offset = measure_wall_offset();
    s.busy = true;
    const std::shared_ptr<Receive> callback = receive;
    for (std::size_t i = 0; i < static_cast<std::size_t>(count) && fd; ++i) {
      IpAddress to = bound.ip;
      std::optional<Duration> stamp;
      read_control(headers[i].msg_hdr, to, stamp);
      Time arrival = read;
      if (stamp) {
        const Time stamped(*stamp - wall_offset);
        if (stamped <= read && read - stamped <= kOldest) arrival = stamped;
      }
      (*callback)({.bytes = Bytes(s.bytes).subspan(i * kSlot, headers[i].msg_len),
                   .from = to_endpoint(s.from[i]),
                   .to = to,
                   .arrival = arrival});
    }
    s.busy = false;
    return static_cast<std::size_t>(count) == kBatch;
  }

  void read_control(msghdr& header, IpAddress& to, std::optional<Duration>& stamp) {
    for (cmsghdr* c = CMSG_FIRSTHDR(&header); c; c = CMSG_NXTHDR(&header, c)) {
      if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL) {
        std::memcpy(&drops, CMSG_DATA(c), sizeof drops);
      } else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
        timespec ts{};
        std::memcpy(&ts, CMSG_DATA(c), sizeof ts);
        stamp = Duration(static_cast<std::int64_t>(ts.tv_sec) * 1'000'000 + ts.tv_nsec / 1000);
      } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
        in_pktinfo info{};
        std::memcpy(&info, CMSG_DATA(c), sizeof info);
        std::array<std::uint8_t, 4> ip{};
        std::memcpy(ip.data(), &info.ipi_addr, 4);
        to = IpAddress::v4(ip[0], ip[1], ip[2], ip[3]);
      } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
        in6_pktinfo info{};
        std::memcpy(&info, CMSG_DATA(c), sizeof info);
        std::memcpy(to.octets.data(), &info.ipi6_addr, 16);
      }
    }
  }

  Loop& loop;
  Fd fd;
  int batches_a_turn;
  Watch watch; // goes before the descriptor
  Endpoint bound;
  std::shared_ptr<Receive> receive;
  std::uint32_t drops = 0;
};

SysResult<UdpSocket> UdpSocket::open(Loop& loop, const Endpoint& local, const Options& options) {
  const bool v4 = local.ip.is_v4();
  Fd fd(::socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return last_error("socket");
  if (!v4) set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1);
  if (options.reuse_port) set_option(fd.get(), SOL_SOCKET, SO_REUSEPORT, 1);
  if (options.receive_buffer > 0) set_option(fd.get(), SOL_SOCKET, SO_RCVBUF, options.receive_buffer);
  if (options.send_buffer > 0) set_option(fd.get(), SOL_SOCKET, SO_SNDBUF, options.send_buffer);
  if (options.packet_info) {
    set_option(fd.get(), v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_PKTINFO : IPV6_RECVPKTINFO, 1);
  }
  if (options.dscp > 0) {
    set_option(fd.get(), v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_TOS : IPV6_TCLASS, options.dscp << 2);
  }
  set_option(fd.get(), SOL_SOCKET, SO_RXQ_OVFL, 1);
  set_option(fd.get(), SOL_SOCKET, SO_TIMESTAMPNS, 1);
  const SocketAddress address = from_endpoint(local);
  if (::bind(fd.get(), address.get(), address.size) != 0) return last_error("bind");
  SocketAddress bound;
  bound.size = sizeof bound.storage;
  if (::getsockname(fd.get(), bound.get(), &bound.size) != 0) return last_error("getsockname");
  auto impl = std::make_shared<Impl>(loop, std::move(fd), options.batches_a_turn);
  impl->bound = to_endpoint(bound.storage);
  return UdpSocket(std::move(impl));
}

void UdpSocket::on_receive(Receive receive) {
  impl_->receive = std::make_shared<Receive>(std::move(receive));
  impl_->watch =
      Watch(impl_->loop, impl_->fd.get(), [impl = impl_.get()](Watch::Ready) { impl->readable(); });
}

SysResult<> UdpSocket::send(Bytes bytes, const Endpoint& to, const std::optional<IpAddress>& from) {
  SocketAddress address = from_endpoint(to);
  iovec vector = iovec_of(bytes);
  msghdr header{};
  header.msg_name = address.get();
  header.msg_namelen = address.size;
  header.msg_iov = &vector;
  header.msg_iovlen = 1;
  alignas(cmsghdr) std::array<std::byte, kControlSize> control{};
  if (from && !from->is_unspecified() && from->is_v4() == to.ip.is_v4()) {
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    cmsghdr* c = CMSG_FIRSTHDR(&header);
    if (to.ip.is_v4()) {
      in_pktinfo info{};
      std::memcpy(&info.ipi_spec_dst, from->octets.data() + 12, 4);
      c->cmsg_level = IPPROTO_IP;
      c->cmsg_type = IP_PKTINFO;
      c->cmsg_len = CMSG_LEN(sizeof info);
      std::memcpy(CMSG_DATA(c), &info, sizeof info);
      header.msg_controllen = CMSG_SPACE(sizeof info);
    } else {
      in6_pktinfo info{};
      std::memcpy(&info.ipi6_addr, from->octets.data(), 16);
      c->cmsg_level = IPPROTO_IPV6;
      c->cmsg_type = IPV6_PKTINFO;
      c->cmsg_len = CMSG_LEN(sizeof info);
      std::memcpy(CMSG_DATA(c), &info, sizeof info);
      header.msg_controllen = CMSG_SPACE(sizeof info);
    }
  }
  // ECONNREFUSED belongs to an earlier datagram, and asking has cleared it.
  for (int attempt = 0;; ++attempt) {
    if (::sendmsg(impl_->fd.get(), &header, MSG_NOSIGNAL) >= 0) return {};
    if (errno == EINTR || (errno == ECONNREFUSED && attempt == 0)) continue;
    return last_error("send");
  }
}

std::size_t UdpSocket::send(std::span<const Outgoing> outgoing) {
  std::size_t sent = 0;
  std::size_t refusals = 0;
  while (sent < outgoing.size()) {
    std::array<mmsghdr, kBatch> headers{};
    std::array<iovec, kBatch> vectors{};
    std::array<SocketAddress, kBatch> addresses{};
    const std::size_t count = std::min(kBatch, outgoing.size() - sent);
    for (std::size_t i = 0; i < count; ++i) {
      const Outgoing& one = outgoing[sent + i];
      addresses[i] = from_endpoint(one.to);
      vectors[i] = iovec_of(one.bytes);
      headers[i].msg_hdr.msg_name = addresses[i].get();
      headers[i].msg_hdr.msg_namelen = addresses[i].size;
      headers[i].msg_hdr.msg_iov = &vectors[i];
      headers[i].msg_hdr.msg_iovlen = 1;
    }
    const int done = ::sendmmsg(impl_->fd.get(), headers.data(), static_cast<unsigned>(count), MSG_NOSIGNAL);
    if (done > 0) {
      sent += static_cast<std::size_t>(done);
    } else if (errno != EINTR && (errno != ECONNREFUSED || ++refusals > outgoing.size())) {
      break;
    }
  }
  return sent;
}

const Endpoint& UdpSocket::local() const {
  return impl_->bound;
}

std::uint32_t UdpSocket::dropped() const {
  return impl_->drops;
}

UdpSocket::UdpSocket(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
UdpSocket::UdpSocket(UdpSocket&&) noexcept = default;
UdpSocket& UdpSocket::operator=(UdpSocket&& other) noexcept {
  if (this != &other) {
    close();
    impl_ = std::move(other.impl_);
  }
  return *this;
}
UdpSocket::~UdpSocket() {
  close();
}

void UdpSocket::close() {
  if (!impl_) return;
  impl_->watch.reset();
  impl_->fd.reset();
}

std::optional<IpAddress> source_address_for(const Endpoint& remote) {
  const SocketAddress address = from_endpoint({remote.ip, remote.port ? remote.port : std::uint16_t{9}});
  const Fd fd(::socket(remote.ip.is_v4() ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd || ::connect(fd.get(), address.get(), address.size) != 0) return std::nullopt;
  SocketAddress local;
  local.size = sizeof local.storage;
  if (::getsockname(fd.get(), local.get(), &local.size) != 0) return std::nullopt;
  return to_endpoint(local.storage).ip;
}

} // namespace talky::net
