// Requests that belong to no call: new calls, registrations, subscriptions, and what is politely refused.
#include <fmt/format.h>
#include <algorithm>
#include <array>

#include "call/protocol.hpp"
#include "call/subscription.hpp"
#include "call/user_agent_impl.hpp"
#include "core/ascii.hpp"

namespace talky::call {
namespace {

// Fields that talky uses itself, or that mean something for one hop only: the rest is told to the rim.
constexpr std::array known_fields = {sip::HeaderId::via,
                                     sip::HeaderId::from,
                                     sip::HeaderId::to,
                                     sip::HeaderId::call_id,
                                     sip::HeaderId::cseq,
                                     sip::HeaderId::contact,
                                     sip::HeaderId::max_forwards,
                                     sip::HeaderId::content_length,
                                     sip::HeaderId::content_type,
                                     sip::HeaderId::allow,
                                     sip::HeaderId::supported,
                                     sip::HeaderId::require,
                                     sip::HeaderId::proxy_require,
                                     sip::HeaderId::record_route,
                                     sip::HeaderId::route,
                                     sip::HeaderId::authorization,
                                     sip::HeaderId::proxy_authorization,
                                     sip::HeaderId::session_expires,
                                     sip::HeaderId::min_se,
                                     sip::HeaderId::user_agent,
                                     sip::HeaderId::accept,
                                     sip::HeaderId::allow_events};

Headers other_headers(const sip::MessageView& view) {
  constexpr std::size_t most = 64;
  Headers headers;
  for (const sip::Header& header : view.headers()) {
    if (std::find(known_fields.begin(), known_fields.end(), header.id) != known_fields.end()) continue;
    if (headers.size() == most) break;
    const std::string_view name = header.id == sip::HeaderId::other ? header.name : sip::to_string(header.id);
    headers.emplace_back(name, sip::unfold(header.value));
  }
  return headers;
}

} // namespace

sip::Builder UserAgent::Impl::reply(const sip::Incoming& request, int status, std::string_view reason) {
  sip::Builder builder = sip::Builder::reply(request, status, {layer_.token(), reason});
  if (!config_.product.empty()) builder.header(sip::HeaderId::server, config_.product);
  return builder;
}

void UserAgent::Impl::respond(sip::TransactionId id, const sip::Incoming& request, int status, Time now,
                              std::string_view reason) {
  layer_.respond(id, reply(request, status, reason).build(), now);
}

void UserAgent::Impl::request(sip::TransactionId id, const sip::IncomingPtr& request, Time now) {
  const std::string_view tag = request->view().to_tag();
  if (tag.empty()) return outside(id, request, now);
  if (const auto it = by_tag_.find(std::string(tag)); it != by_tag_.end()) {
    Call& call = *calls_.at(it->second);
    call.receive_request(id, request, now);
    return touch(call);
  }
  if (request->view().method() == sip::Method::subscribe && tag == subscription_tag(request->view())) {
    return outside(id, request, now);
  }
  respond(id, *request, 481, now);
}

void UserAgent::Impl::outside(sip::TransactionId id, const sip::IncomingPtr& request, Time now) {
  const sip::MessageView& view = request->view();
  // A proxy would have to forward what is for somebody else; ours is served whatever the count of hops (RFC
  // 4475 3.3.11).
  if (ascii::to_number<unsigned>(view.value(sip::HeaderId::max_forwards)) == 0U && !is_ours(*request))
    return respond(id, *request, 483, now);
  std::string user;
  switch (view.method()) {
    case sip::Method::invite: return new_call(id, request, now);
    case sip::Method::register_: return register_(id, request, now);
    case sip::Method::options: {
      if (shutting_down_) return respond(id, *request, 503, now);
      sip::Builder ok = reply(*request, 200);
      // Outside of a call REGISTER is served, too.
      ok.header(sip::HeaderId::allow, fmt::format("{}, REGISTER", allow(config_)))
          .header(sip::HeaderId::accept, accepted_types)
          .header(sip::HeaderId::accept_encoding, "identity")
          .header(sip::HeaderId::accept_language, "en")
          .header(sip::HeaderId::supported, supported(config_))
          .header(sip::HeaderId::allow_events, allowed_events)
          .header(sip::HeaderId::contact, sip::contact_for(request->flow(), ""));
      return layer_.respond(id, ok.build(), now);
    }
    case sip::Method::subscribe: {
      if (!authorized(id, request, false, user, now)) return;
      SubscriptionAnswer answer = answer_subscribe(*request, config_.product, now);
      layer_.respond(id, answer.response, now);
      if (answer.notify) layer_.request(request->flow(), *answer.notify, now);
      return;
    }
    case sip::Method::notify: {
      // Nobody here subscribes to anything; some phones ask by this whether we are still there.
      const auto event = sip::TokenParams::parse(view.value(sip::HeaderId::event));
      return respond(id, *request, event && ascii::iequals(event->token, "keep-alive") ? 200 : 481, now);
    }
    case sip::Method::message:
      if (!authorized(id, request, false, user, now)) return;
      outbox_.emplace_back(Log{log::Level::info, log::Line("sip.message")
                                                     .add("from", view.value(sip::HeaderId::from))
                                                     .add("to", view.value(sip::HeaderId::to))
                                                     .add("bytes", view.body().size())
                                                     .str()});
      return respond(id, *request, 200, now);
    case sip::Method::refer: return respond(id, *request, 603, now);
    default: // BYE, INFO, PRACK, UPDATE belong to a dialog
      return respond(id, *request, 481, now);
  }
}

bool UserAgent::Impl::authorized(sip::TransactionId id, const sip::IncomingPtr& request,
                                 bool even_if_registered, std::string& user, Time now) {
  if (!digest_) return true;
  const bool waived = !even_if_registered && registrar_.knows_source(request->flow().remote.ip);
  if (waived && !request->view().has(sip::HeaderId::authorization)) return true;
  const auto verdict = digest_->verify(request->view(), config_.find_user, now);
  using Outcome = sip::DigestServer::Outcome;
  switch (verdict.outcome) {
    case Outcome::accepted: user = verdict.user; return true;
    case Outcome::malformed: respond(id, *request, 400, now, "Bad Credentials"); return false;
    case Outcome::rejected:
      outbox_.emplace_back(Log{log::Level::warn, log::Line("sip.wrong_password")
                                                     .add("source", request->flow().remote.to_string())
                                                     .add("user", verdict.user)
                                                     .str()});
      break;
    case Outcome::missing:
    case Outcome::stale:
      if (waived) return true;
      break;
  }
  layer_.respond(id, digest_->challenge(*request, now, verdict.outcome == Outcome::stale, layer_.token()),
                 now);
  return false;
}

void UserAgent::Impl::register_(sip::TransactionId id, const sip::IncomingPtr& request, Time now) {
  std::string user;
  if (!authorized(id, request, true, user, now)) return;
  const auto to = request->view().to();
  if (!to) return respond(id, *request, 400, now);
  // Who proved to be alice changes alice's bindings only (RFC 3261 10.3, 4).
  if (digest_ && sip::unescape(to->uri.user) != user) return respond(id, *request, 403, now);
  const std::string aor = sip::canonical_aor(to->uri);
  layer_.respond(id, registrar_.receive(*request, aor, layer_.token(), now), now);
  tell_registrations();
}

std::optional<UserAgent::Location> UserAgent::Impl::locate(const sip::Uri& uri, bool any_domain) const {
  if (!uri.is_sip() || uri.user.empty()) return std::nullopt;
  auto bindings = registrar_.lookup(sip::canonical_aor(uri));
  if (bindings.empty() && any_domain) bindings = registrar_.lookup_user(sip::unescape(uri.user));
  if (bindings.empty()) return std::nullopt;
  return Location{std::move(bindings.front().contact), bindings.front().flow};
}

void UserAgent::Impl::learn(const RegistrationChanged& change, Time now) {
  now_ = now;
  sip::Binding binding;
  binding.contact = change.contact;
  binding.expires = now + std::chrono::seconds(change.expires_s);
  binding.flow = change.flow;
  binding.user_agent = change.user_agent;
  registrar_.learn(change.aor, std::move(binding), change.expires_s == 0);
}

void UserAgent::Impl::tell_registrations() {
  while (auto change = registrar_.poll()) {
    using Kind = sip::RegistrarChange::Kind;
    const bool gone = change->kind == Kind::removed || change->kind == Kind::expired;
    const sip::Binding& binding = change->binding;
    const auto left = std::chrono::duration_cast<std::chrono::seconds>(binding.expires - now_).count();
    outbox_.emplace_back(RegistrationChanged{std::move(change->aor), binding.contact, binding.flow,
                                             gone || left < 0 ? 0 : static_cast<std::uint32_t>(left),
                                             binding.user_agent});
  }
}

bool UserAgent::Impl::is_ours(const sip::Incoming& request) const {
  const auto uri = sip::Uri::parse(request.view().request_uri());
  if (!uri || !uri->is_sip()) return true; // a number without a host
  if (const auto ip = uri->host_ip(); ip && *ip == request.flow().local.ip) return true;
  return std::any_of(config_.hosts.begin(), config_.hosts.end(),
                     [&](const std::string& host) { return ascii::iequals(host, uri->host); });
}

// RFC 3891 3. Whoever names Call-ID and both tags of a call has them from one of its two ends, and has passed
// the same test of password or registration as any caller: that is the authorisation. 0: `replaced` is found.
int UserAgent::Impl::find_replaced(const sip::MessageView& view, CallKey& replaced) {
  const auto named = sip::Replaces::parse(view.value(sip::HeaderId::replaces));
  if (!named) return 400;
  const auto it = by_tag_.find(std::string(named->to_tag));
  if (it == by_tag_.end()) return 481;
  const Call& call = *calls_.at(it->second);
  if (!call.names({std::string(named->call_id), std::string(named->to_tag), std::string(named->from_tag)}))
    return 481;
  if (call.over()) return 603;
  if (!call.replaceable()) return 481;
  if (named->early_only && call.confirmed()) return 486;
  replaced = call.key();
  return 0;
}

void UserAgent::Impl::new_call(sip::TransactionId id, const sip::IncomingPtr& request, Time now) {
  const sip::MessageView& view = request->view();
  std::string user;
  if (!authorized(id, request, false, user, now)) return;
  const auto unavailable = [&](std::string_view reason) {
    sip::Builder refusal = reply(*request, 503, reason);
    refusal.header(sip::HeaderId::retry_after, 5);
    layer_.respond(id, refusal.build(), now);
  };
  if (shutting_down_) return unavailable("Shutting Down");
  IncomingCall event;
  if (view.has(sip::HeaderId::replaces)) {
    const int status = find_replaced(view, event.replaces);
    if (status != 0) return respond(id, *request, status, now);
  }
  if (view.body().empty()) {
    event.late_offer = true;
  } else if (auto plan = sdp::OfferAnswer::preview(config_.capabilities, view.body())) {
    event.preview = std::move(*plan);
  } else {
    const bool unsupported = plan.error().code == Errc::unsupported;
    sip::Builder refusal =
        reply(*request, unsupported ? 488 : 400, unsupported ? "" : "Bad Session Description");
    refusal.header(sip::HeaderId::warning,
                   fmt::format("304 talky {}", sip::quote(fmt::format("expected {}", plan.error().what))));
    return layer_.respond(id, refusal.build(), now);
  }
  sip::SessionTimer timer({config_.session_expires, config_.min_se});
  if (!timer.receive_request(view, now)) {
    sip::Builder refusal = reply(*request, 422);
    timer.reject_headers(refusal);
    return layer_.respond(id, refusal.build(), now);
  }
  const auto target = sip::Uri::parse(view.request_uri());
  const std::string dialled = target ? sip::unescape(target->user) : std::string();
  const std::string contact = sip::contact_for(request->flow(), target ? target->user : std::string_view{});
  auto dialog = sip::Dialog::from_invite(*request, random_.token(16), contact);
  if (!dialog) return respond(id, *request, 400, now, dialog.error().what);

  switch (config_.admit(request->flow().remote.ip)) {
    case CallCounter::Verdict::full: return unavailable("Too Many Calls");
    case CallCounter::Verdict::source_full: return respond(id, *request, 486, now);
    case CallCounter::Verdict::granted: break;
  }
  layer_.respond(id, sip::Builder::reply(*request, 100).build(), now);
  const auto from = view.from();
  const auto to = view.to();
  event.call = next_key_++;
  event.call_id = view.call_id();
  if (from) {
    event.from = from->uri.text;
    event.from_display = from->display_name();
  }
  if (to) event.to = to->uri.text;
  event.request_uri = view.request_uri();
  event.dialled = dialled;
  event.user = user;
  event.registered = registrar_.knows_source(request->flow().remote.ip);
  event.flow = request->flow();
  event.headers = other_headers(view);
  event.user_agent = view.value(sip::HeaderId::user_agent);

  const Services services{config_, layer_, random_, outbox_, owners_};
  const CallKey key = event.call;
  Call& call = add(std::make_unique<Call>(services, key, id, request, std::move(*dialog), now));
  call.replaces = event.replaces;
  touch(call);
  outbox_.emplace_back(std::move(event));
}

} // namespace talky::call
