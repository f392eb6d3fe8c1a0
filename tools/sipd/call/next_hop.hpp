// Where a SIP URI leads: to a phone that is registered here, to an address, or to a host name. Used for calls
// that sipd places.
#pragma once
#include <functional>
#include <optional>
#include <string>

#include "sip/flow.hpp"
#include "sipd/call/call_host.hpp"

namespace talky::sipd {

struct NextHop {
  std::string target; // the Request-URI: the URI itself, or the contact of whoever is registered
  sip::Flow flow;
};

// Calls `done` once, at once or later, with the next hop or with the status that says why there is none: 404
// no such host, 416 neither sip: nor a transport of ours, 480 our sockets do not reach there. Destroying it
// gives up.
class FindNextHop {
 public:
  using Done = std::function<void(tl::expected<NextHop, int>, Time now)>;
  FindNextHop(CallHost& host, std::string uri, Time now, Done done);

 private:
  std::optional<tl::expected<NextHop, int>> look(); // nullopt: the answer comes later
  tl::expected<NextHop, int> towards(const Endpoint& remote) const;

  CallHost& host_;
  std::string uri_;
  Done done_;
  sip::Transport transport_ = sip::Transport::udp;
  std::unique_ptr<NameLookup> lookup_;
};

} // namespace talky::sipd
