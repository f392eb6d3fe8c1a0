#include "sipd/worker/message_router.hpp"

#include "sip/headers.hpp"
#include "sip/uri.hpp"

namespace talky::sipd {
namespace {

constexpr std::string_view kNoMessage = "\n\n"; // for bytes of which nothing can be said

} // namespace

void MessageRouter::received(const sip::Flow& flow, std::string_view bytes, Time now) {
  if (flow.transport == sip::Transport::udp) return events_.deliver(owner_of(bytes), flow, bytes);
  sip::Framer& framer = framers_.feed(flow.connection, bytes);
  for (bool whole = false;; whole = true) {
    const auto item = framer.next();
    if (!item) {
      const std::string_view broken = framer.broken();
      return events_.deliver(own_, flow, broken.empty() ? kNoMessage : broken);
    }
    if (!*item) return framers_.drained(flow.connection, whole, now);
    if ((*item)->kind == sip::Framer::Kind::message) {
      events_.deliver(owner_of((*item)->bytes), flow, (*item)->bytes);
    } else if ((*item)->kind == sip::Framer::Kind::ping) {
      events_.ping(flow);
    }
  }
}

std::size_t MessageRouter::owner_of(std::string_view message) {
  if (!scratch_.assign(message)) return own_;
  if (!scratch_.is_request()) return home_of(scratch_.call_id());
  if (scratch_.method() == sip::Method::register_) {
    const auto to = scratch_.to();
    return to ? std::hash<std::string>{}(sip::canonical_aor(to->uri)) % workers_ : own_;
  }
  if (scratch_.method() == sip::Method::invite && scratch_.to_tag().empty()) {
    const auto replaces = sip::Replaces::parse(scratch_.value(sip::HeaderId::replaces));
    if (replaces) return home_of(replaces->call_id);
  }
  return home_of(scratch_.call_id());
}

std::size_t MessageRouter::home_of(std::string_view call_id) const {
  if (!moved_.empty()) {
    const auto moved = moved_.find(std::string(call_id));
    if (moved != moved_.end()) return moved->second;
  }
  return hashed(call_id);
}

void MessageRouter::moved(const std::string& call_id, std::optional<std::size_t> home) {
  if (home) {
    moved_.emplace(call_id, *home);
  } else {
    moved_.erase(call_id);
  }
}

} // namespace talky::sipd
