// Where a message comes from and where it goes.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "core/endpoint.hpp"

namespace talky::sip {

enum class Transport : std::uint8_t { udp, tcp };

constexpr std::string_view to_string(Transport transport) { // as in Via
  return transport == Transport::udp ? "UDP" : "TCP";
}

// A path to a peer. Over UDP `local` names the socket; over TCP `connection` names the connection (the rim
// numbers them; 0 asks it to open one to `remote`).
struct Flow {
  Transport transport = Transport::udp;
  Endpoint local;
  Endpoint remote;
  std::uint64_t connection = 0;

  bool reliable() const { return transport != Transport::udp; }
  bool operator==(const Flow&) const = default;
};

struct Datagram {
  Flow flow;
  std::string bytes;
};

} // namespace talky::sip
