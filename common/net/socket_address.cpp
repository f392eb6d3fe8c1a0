#include "net/socket_address.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace talky::net::detail {

SocketAddress from_endpoint(const Endpoint& endpoint) {
  SocketAddress out;
  if (endpoint.ip.is_v4()) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(endpoint.port);
    std::memcpy(&in.sin_addr, endpoint.ip.octets.data() + 12, 4);
    std::memcpy(&out.storage, &in, sizeof in);
    out.size = sizeof in;
  } else {
    sockaddr_in6 in{};
    in.sin6_family = AF_INET6;
    in.sin6_port = htons(endpoint.port);
    std::memcpy(&in.sin6_addr, endpoint.ip.octets.data(), 16);
    std::memcpy(&out.storage, &in, sizeof in);
    out.size = sizeof in;
  }
  return out;
}

SocketAddress from_path(const std::string& path) {
  SocketAddress out;
  sockaddr_un un{};
  if (path.empty() || path.size() >= sizeof un.sun_path) return out;
  un.sun_family = AF_UNIX;
  std::copy(path.begin(), path.end(), un.sun_path);
  const bool abstract = path.front() == '@';
  if (abstract) un.sun_path[0] = '\0';
  std::memcpy(&out.storage, &un, sizeof un);
  // An abstract name ends where its length says, a path at its NUL.
  out.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + (abstract ? 0 : 1));
  return out;
}

SocketAddress from_stream_address(const StreamAddress& address) {
  if (const auto* endpoint = std::get_if<Endpoint>(&address)) return from_endpoint(*endpoint);
  return from_path(std::get<UnixPath>(address).path);
}

Endpoint to_endpoint(const sockaddr_storage& storage) {
  Endpoint out;
  if (storage.ss_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, &storage, sizeof in);
    std::array<std::uint8_t, 4> ip{};
    std::memcpy(ip.data(), &in.sin_addr, 4);
    out.ip = IpAddress::v4(ip[0], ip[1], ip[2], ip[3]);
    out.port = ntohs(in.sin_port);
  } else if (storage.ss_family == AF_INET6) {
    sockaddr_in6 in{};
    std::memcpy(&in, &storage, sizeof in);
    std::memcpy(out.ip.octets.data(), &in.sin6_addr, 16);
    out.port = ntohs(in.sin6_port);
  }
  return out;
}

Endpoint name_of(int fd, int (*ask)(int, sockaddr*, socklen_t*)) {
  SocketAddress address;
  address.size = sizeof address.storage;
  return ask(fd, address.get(), &address.size) == 0 ? to_endpoint(address.storage) : Endpoint{};
}

void set_flag(int fd, int level, int name) {
  const int one = 1;
  (void)::setsockopt(fd, level, name, &one, sizeof one);
}

} // namespace talky::net::detail
