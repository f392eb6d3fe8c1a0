#include "sipd/call/next_hop.hpp"

#include <utility>

#include "core/ascii.hpp"
#include "sip/uri.hpp"

namespace talky::sipd {

FindNextHop::FindNextHop(CallHost& host, std::string uri, Time now, Done done)
    : host_(host), uri_(std::move(uri)), done_(std::move(done)) {
  if (auto hop = look()) {
    const Done tell = std::exchange(done_, nullptr);
    tell(std::move(*hop), now);
  }
}

std::optional<tl::expected<NextHop, int>> FindNextHop::look() {
  const auto target = sip::Uri::parse(uri_);
  if (!target || target->scheme != sip::Uri::Scheme::sip) return tl::unexpected(416); // no TLS, no sips
  const std::string_view wish = target->params.get("transport").value_or("udp");
  if (ascii::iequals(wish, "tcp")) {
    transport_ = sip::Transport::tcp;
  } else if (!ascii::iequals(wish, "udp")) {
    return tl::unexpected(416);
  }
  const auto ip = target->host_ip();
  const bool ours = ip && host_.listens_on({*ip, target->port_or_default()});
  if (auto known = host_.user_agent().locate(*target, ours))
    return NextHop{std::move(known->contact), known->flow};
  if (ip) return towards({*ip, target->port_or_default()});
  lookup_ = host_.look_up(std::string(target->host), target->port_or_default(),
                          [this](const std::optional<Endpoint>& result, Time now) {
                            const Done tell = std::exchange(done_, nullptr); // it may destroy us
                            tell(result ? towards(*result) : tl::unexpected(404), now);
                          });
  return std::nullopt;
}

tl::expected<NextHop, int> FindNextHop::towards(const Endpoint& remote) const {
  if (remote.ip.is_unspecified() || remote.ip.is_multicast()) return tl::unexpected(480);
  const auto local = host_.local_towards(remote);
  if (!local) return tl::unexpected(480);
  return NextHop{uri_, {transport_, *local, remote, 0}};
}

} // namespace talky::sipd
