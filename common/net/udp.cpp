#include "net/udp.hpp"

#include <netinet/ip.h>
#include <sys/uio.h>
#include <ctime>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

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
  // Not initialized: of the megabyte only what datagrams have filled takes memory.
  std::unique_ptr<std::byte[]> bytes = std::make_unique_for_overwrite<std::byte[]>(kBatch * kSlot);
  std::array<sockaddr_storage, kBatch> from{};
  std::array<std::array<std::byte, kControlSize>, kBatch> control{};
  std::array<mmsghdr, kBatch> headers{};
  std::array<iovec, kBatch> vectors{};
  bool busy = false;
  Duration wall_offset{}; // see wall_offset()
  Time wall_offset_until{};

  // For the next read of up to `count` datagrams.
  void prepare(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      vectors[i] = {.iov_base = bytes.get() + i * kSlot, .iov_len = kSlot};
      msghdr& h = headers[i].msg_hdr;
      h.msg_name = &from[i];
      h.msg_namelen = sizeof from[i];
      h.msg_iov = &vectors[i];
      h.msg_iovlen = 1;
      h.msg_control = control[i].data();
      h.msg_controllen = kControlSize;
    }
  }
};

Scratch& scratch() {
  thread_local Scratch instance;
  return instance;
}

constexpr Duration kWaited = std::chrono::milliseconds(5);
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

// As it was measured within the last 20 ms: the two clocks drift apart by less than a microsecond meanwhile.
Duration wall_offset(Scratch& s, Time now) {
  constexpr Duration kValid = std::chrono::milliseconds(20);
  if (now >= s.wall_offset_until) {
    s.wall_offset = measure_wall_offset();
    s.wall_offset_until = now + kValid;
  }
  return s.wall_offset;
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
  Impl(Loop& owner, Fd socket, const Options& options)
      : loop(owner), fd(std::move(socket)), batches_a_turn(options.batches_a_turn), sparse(options.sparse) {}

  void readable() {
    const auto keep = shared_from_this(); // the callback may destroy the socket
    const int rounds = sparse ? batches_a_turn * static_cast<int>(kBatch) : batches_a_turn;
    for (int round = 0; round < rounds && fd; ++round) {
      if (!read_batch()) return;
    }
  }

  int read(Scratch& s) const {
    if (!sparse) {
      s.prepare(kBatch);
      return ::recvmmsg(fd.get(), s.headers.data(), kBatch, MSG_DONTWAIT, nullptr);
    }
    s.prepare(1);
    const ssize_t size = ::recvmsg(fd.get(), &s.headers[0].msg_hdr, MSG_DONTWAIT);
    if (size < 0) return -1;
    s.headers[0].msg_len = static_cast<unsigned>(size);
    return 1;
  }

  // False when nothing more is waiting, as far as is known.
  bool read_batch() {
    Scratch& s = scratch();
    if (s.busy) return false; // a callback ran the loop again: the datagrams wait
    const int count = read(s);
    // An error here is one that ICMP reported for what we sent: reading has cleared it.
    if (count <= 0)
      return count < 0 && (errno == ECONNREFUSED || errno == EHOSTUNREACH || errno == ENETUNREACH);
    const Time read_at = now();
    const Duration offset = wall_offset(s, read_at);
    Duration age{};
    s.busy = true;
    const std::shared_ptr<Receive> callback = receive;
    for (std::size_t i = 0; i < static_cast<std::size_t>(count) && fd; ++i) {
      IpAddress to = bound.ip;
      std::optional<Duration> stamp;
      read_control(s.headers[i].msg_hdr, to, stamp);
      Time arrival = read_at;
      if (stamp) {
        const Time stamped(*stamp - offset);
        if (stamped <= read_at && read_at - stamped <= kOldest) arrival = stamped;
      }
      age = read_at - arrival;
      (*callback)({.bytes = Bytes(s.bytes.get() + i * kSlot, s.headers[i].msg_len),
                   .from = to_endpoint(s.from[i]),
                   .to = to,
                   .arrival = arrival});
    }
    s.busy = false;
    if (!sparse) return static_cast<std::size_t>(count) == kBatch;
    loop.look_again();
    return age > kWaited; // where one has waited there may be many
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

  SysResult<> send(Bytes bytes, const Endpoint& to,
                   const std::optional<IpAddress>& from = std::nullopt) const {
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
      if (::sendmsg(fd.get(), &header, MSG_NOSIGNAL) >= 0) return {};
      if (errno == EINTR || (errno == ECONNREFUSED && attempt == 0)) continue;
      return last_error("send");
    }
  }

  Loop& loop;
  Fd fd;
  int batches_a_turn;
  bool sparse;
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
  auto impl = std::make_shared<Impl>(loop, std::move(fd), options);
  impl->bound = to_endpoint(bound.storage);
  return UdpSocket(std::move(impl));
}

void UdpSocket::on_receive(Receive receive) {
  impl_->receive = std::make_shared<Receive>(std::move(receive));
  impl_->watch =
      Watch(impl_->loop, impl_->fd.get(), [impl = impl_.get()](Watch::Ready) { impl->readable(); });
}

SysResult<> UdpSocket::send(Bytes bytes, const Endpoint& to, const std::optional<IpAddress>& from) {
  return impl_->send(bytes, to, from);
}

void UdpOutbox::add(const UdpSocket& from, Bytes bytes, const Endpoint& to) {
  items_.push_back({from.impl_, to, bytes_.size(), bytes.size()});
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  if (items_.size() >= kMost) flush();
}

void UdpOutbox::flush() {
  for (const Item& item : items_) {
    if (item.from->fd) (void)item.from->send(Bytes(bytes_).subspan(item.begin, item.size), item.to);
  }
  items_.clear();
  bytes_.clear();
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
