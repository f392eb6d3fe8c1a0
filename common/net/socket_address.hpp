// Endpoints and the system's socket addresses; for common/net and common/http.
#pragma once
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <string>

#include "core/endpoint.hpp"
#include "net/stream.hpp"

namespace talky::net::detail {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  sockaddr* get() { return static_cast<sockaddr*>(static_cast<void*>(&storage)); }
  const sockaddr* get() const { return static_cast<const sockaddr*>(static_cast<const void*>(&storage)); }
};

// IPv4 as AF_INET, the rest as AF_INET6.
SocketAddress from_endpoint(const Endpoint& endpoint);
// A path above 107 bytes gives size 0. "@name" is abstract.
SocketAddress from_path(const std::string& path);
SocketAddress from_stream_address(const StreamAddress& address);
// Unspecified for families other than IPv4 and IPv6.
Endpoint to_endpoint(const sockaddr_storage& storage);

// What ::getsockname or ::getpeername says; unspecified where they fail.
Endpoint name_of(int fd, int (*ask)(int, sockaddr*, socklen_t*));
// Sets an option to 1. A pipe or a UNIX socket refuses those of TCP, and needs none.
void set_flag(int fd, int level, int name);

} // namespace talky::net::detail
