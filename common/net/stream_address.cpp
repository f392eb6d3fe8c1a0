// Addresses of streams as people write them.
#include <netdb.h>
#include <sys/socket.h>

#include <utility>

#include "core/ascii.hpp"
#include "net/socket_address.hpp"
#include "net/stream.hpp"

namespace talky::net {

std::string to_string(const StreamAddress& address) {
  if (const auto* endpoint = std::get_if<Endpoint>(&address)) return "tcp:" + endpoint->to_string();
  return "unix:" + std::get<UnixPath>(address).path;
}

std::optional<Endpoint> resolve(std::string_view host_and_port, std::optional<std::uint16_t> default_port) {
  if (const auto endpoint = Endpoint::parse(host_and_port)) return endpoint;
  if (default_port) {
    if (const auto ip = IpAddress::parse(host_and_port)) return Endpoint{*ip, *default_port};
  }
  std::string_view host = host_and_port;
  std::optional<std::uint16_t> port = default_port;
  if (const std::size_t colon = host_and_port.rfind(':'); colon != std::string_view::npos) {
    host = host_and_port.substr(0, colon);
    port = ascii::to_number<std::uint16_t>(host_and_port.substr(colon + 1));
  }
  if (host.empty() || !port) return std::nullopt;
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(std::string(host).c_str(), nullptr, &hints, &found) != 0) return std::nullopt;
  std::optional<Endpoint> out;
  for (const addrinfo* a = found; a; a = a->ai_next) {
    // IPv4 first: "localhost" then means what softphones take it for.
    if (a->ai_family != AF_INET && (out || a->ai_family != AF_INET6)) continue;
    sockaddr_storage storage{};
    std::copy_n(static_cast<const char*>(static_cast<const void*>(a->ai_addr)), a->ai_addrlen,
                static_cast<char*>(static_cast<void*>(&storage)));
    out = Endpoint{detail::to_endpoint(storage).ip, *port};
    if (a->ai_family == AF_INET) break;
  }
  ::freeaddrinfo(found);
  return out;
}

std::optional<StreamAddress> parse_stream_address(std::string_view text) {
  if (text.starts_with("unix:")) {
    std::string path(text.substr(5));
    if (detail::from_path(path).size == 0) return std::nullopt;
    return UnixPath{std::move(path)};
  }
  if (!text.starts_with("tcp:")) return std::nullopt;
  const auto endpoint = resolve(text.substr(4), std::nullopt);
  if (!endpoint) return std::nullopt;
  return *endpoint;
}

} // namespace talky::net
