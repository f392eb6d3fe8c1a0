#include "sipd/call/redirects.hpp"

#include <utility>

#include "sip/uri.hpp"
#include "sipd/worker/worker.hpp"

namespace talky::sipd {

Redirects::Redirects(Worker& worker, call::CallRedirected event, Rules rules)
    : worker_(worker), event_(std::move(event)), rules_(std::move(rules)) {}

std::shared_ptr<Redirects> Redirects::follow(Worker& worker, call::CallRedirected event, Rules rules) {
  auto made = std::make_shared<Redirects>(worker, std::move(event), std::move(rules));
  // From the loop: the caller is in the midst of the event, and has nothing to hold us by yet.
  worker.loop().post([weak = std::weak_ptr(made)] {
    if (const auto self = weak.lock()) self->next();
  });
  return made;
}

// A place that is our own, and leads to nobody, would have us call ourselves.
bool Redirects::may_call(const std::string& target) const {
  const auto uri = sip::Uri::parse(target);
  return uri && worker_.permits(target, rules_.allowed) && !worker_.leads_nowhere(*uri);
}

void Redirects::next() {
  while (at_ < event_.targets.size()) {
    const std::string& target = event_.targets[at_++];
    if (!may_call(target)) {
      worker_.shared().log(log::Level::info, log::Line("call.redirect_refused")
                                                 .add("call", rules_.call)
                                                 .add("status", event_.status)
                                                 .add("to", target)
                                                 .str());
      continue;
    }
    search_ = std::make_unique<FindWay>(worker_, target,
                                        [weak = weak_from_this(), target](tl::expected<Way, int> way) {
                                          const auto self = weak.lock();
                                          if (!self) return;
                                          // From the loop: it may be the search itself that calls us.
                                          self->worker_.loop().post([weak, target, way = std::move(way)] {
                                            if (const auto still = weak.lock()) still->found(target, way);
                                          });
                                        });
    return;
  }
  (void)worker_.agent().hangup(event_.call, "", false, net::now()); // it may have ended meanwhile
  worker_.drain();
}

void Redirects::found(const std::string& target, const tl::expected<Way, int>& way) {
  search_.reset();
  if (!way || way->flow.local.ip != rules_.from) return next();
  call::Redirection to{target, way->target, way->flow, std::nullopt};
  const auto uri = sip::Uri::parse(target);
  if (uri && rules_.passwords) to.credentials = rules_.passwords->passwords.find(uri->host);
  worker_.shared().log(log::Level::info, log::Line("call.redirect")
                                             .add("call", rules_.call)
                                             .add("status", event_.status)
                                             .add("to", target)
                                             .str());
  if (!worker_.agent().redirect(event_.call, to, net::now())) return next();
  worker_.drain();
}

} // namespace talky::sipd
