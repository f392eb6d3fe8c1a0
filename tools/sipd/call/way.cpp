#include "sipd/call/way.hpp"

#include <utility>

#include "core/ascii.hpp"
#include "sip/uri.hpp"
#include "sipd/worker/worker.hpp"

namespace talky::sipd {

FindWay::FindWay(Worker& worker, std::string uri, Done done)
    : worker_(worker), uri_(std::move(uri)), done_(std::move(done)) {
  if (auto way = look()) {
    const Done tell = std::exchange(done_, nullptr);
    tell(std::move(*way));
  }
}

std::optional<tl::expected<Way, int>> FindWay::look() {
  const auto target = sip::Uri::parse(uri_);
  if (!target || target->scheme != sip::Uri::Scheme::sip) return tl::unexpected(416); // no TLS, no sips
  const std::string_view wish = target->params.get("transport").value_or("udp");
  if (ascii::iequals(wish, "tcp")) {
    transport_ = sip::Transport::tcp;
  } else if (!ascii::iequals(wish, "udp")) {
    return tl::unexpected(416);
  }
  const auto ip = target->host_ip();
  const bool ours = ip && worker_.listens_on({*ip, target->port_or_default()});
  if (auto known = worker_.agent().locate(*target, ours)) return Way{std::move(known->contact), known->flow};
  if (ip) return towards({*ip, target->port_or_default()});
  resolving_.emplace(worker_.loop(), std::string(target->host), target->port_or_default(),
                     [this](net::SysResult<Endpoint> result) {
                       const Done tell = std::exchange(done_, nullptr); // it may destroy us
                       tell(result ? towards(*result) : tl::unexpected(404));
                     });
  return std::nullopt;
}

tl::expected<Way, int> FindWay::towards(const Endpoint& remote) const {
  if (remote.ip.is_unspecified() || remote.ip.is_multicast()) return tl::unexpected(480);
  const auto local = worker_.local_towards(remote);
  if (!local) return tl::unexpected(480);
  return Way{uri_, {transport_, *local, remote, 0}};
}

} // namespace talky::sipd
