#include "sipd/call/redirects.hpp"

#include <utility>

#include "sip/uri.hpp"

namespace talky::sipd {

Redirects::Redirects(CallHost& host, call::CallRedirected event, Rules rules)
    : host_(host), event_(std::move(event)), rules_(std::move(rules)) {}

std::shared_ptr<Redirects> Redirects::follow(CallHost& host, call::CallRedirected event, Rules rules) {
  auto made = std::make_shared<Redirects>(host, std::move(event), std::move(rules));
  // From the loop: the caller is in the midst of the event, and has nothing to hold us by yet.
  host.post([weak = std::weak_ptr(made)](Time now) {
    if (const auto self = weak.lock()) self->next(now);
  });
  return made;
}

// A place that is our own, and leads to nobody, would have us call ourselves.
bool Redirects::may_call(const std::string& target) const {
  const auto uri = sip::Uri::parse(target);
  return uri && host_.permits(target, rules_.wish) && !host_.leads_nowhere(*uri);
}

void Redirects::next(Time now) {
  while (at_ < event_.targets.size()) {
    const std::string& target = event_.targets[at_++];
    if (!may_call(target)) {
      rules_.report({event_.status, target, true}, now);
      continue;
    }
    search_ = std::make_unique<FindNextHop>(
        host_, target, now, [weak = weak_from_this(), target](tl::expected<NextHop, int> hop, Time) {
          const auto self = weak.lock();
          if (!self) return;
          // From the loop: it may be the search itself that calls us.
          self->host_.post([weak, target, hop = std::move(hop)](Time then) {
            if (const auto still = weak.lock()) still->found(target, hop, then);
          });
        });
    return;
  }
  (void)host_.user_agent().hangup(event_.call, "", false, now); // it may have ended meanwhile
  host_.drain();
}

void Redirects::found(const std::string& target, const tl::expected<NextHop, int>& hop, Time now) {
  search_.reset();
  if (!hop || hop->flow.local.ip != rules_.from) return next(now);
  call::Redirection to{target, hop->target, hop->flow, std::nullopt};
  const auto uri = sip::Uri::parse(target);
  if (uri && rules_.wish == CallHost::Wish::call_out) to.credentials = host_.credentials(uri->host);
  rules_.report({event_.status, target, false}, now);
  if (!host_.user_agent().redirect(event_.call, to, now)) return next(now);
  host_.drain();
}

} // namespace talky::sipd
