#include "call/out_of_dialog.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <utility>

#include "call/protocol.hpp"
#include "call/subscription.hpp"
#include "core/ascii.hpp"

namespace talky::call {

OutOfDialog::OutOfDialog(const Config& config, sip::TransactionLayer& layer, std::deque<Output>& outbox)
    : config_(config), layer_(layer), outbox_(outbox), registrar_(config.registrar) {
  if (!config.find_user) return;
  sip::DigestServer::Config digest;
  digest.realm = config.realm;
  digest.key = config.digest_key;
  digest.algorithms = config.digest_algorithms;
  digest_.emplace(std::move(digest));
}

sip::Builder OutOfDialog::reply(const sip::Incoming& request, int status, std::string_view reason) {
  sip::Builder builder = sip::Builder::reply(request, status, {layer_.token(), reason});
  if (!config_.product.empty()) builder.header(sip::HeaderId::server, config_.product);
  return builder;
}

void OutOfDialog::respond(sip::TransactionId id, const sip::Incoming& request, int status, Time now,
                          std::string_view reason) {
  layer_.respond(id, reply(request, status, reason).build(), now);
}

// A proxy would have to forward what is for somebody else; ours is served whatever the count of hops (RFC
// 4475 3.3.11).
bool OutOfDialog::has_hops(const sip::Incoming& request) const {
  return ascii::to_number<unsigned>(request.view().value(sip::HeaderId::max_forwards)) != 0U ||
         is_ours(request);
}

void OutOfDialog::receive(sip::TransactionId id, const sip::IncomingPtr& request, bool shutting_down,
                          Time now) {
  const sip::MessageView& view = request->view();
  std::string user;
  switch (view.method()) {
    case sip::Method::register_: return receive_register(id, request, now);
    case sip::Method::options: {
      if (shutting_down) return respond(id, *request, 503, now);
      sip::Builder ok = reply(*request, 200);
      // Outside of a call REGISTER is served, too.
      ok.header(sip::HeaderId::allow, fmt::format("{}, REGISTER", allow(config_)))
          .header(sip::HeaderId::accept, kAcceptedTypes)
          .header(sip::HeaderId::accept_encoding, "identity")
          .header(sip::HeaderId::accept_language, "en")
          .header(sip::HeaderId::supported, supported(config_))
          .header(sip::HeaderId::allow_events, kAllowedEvents)
          .header(sip::HeaderId::contact, sip::contact_for(request->flow(), ""));
      return layer_.respond(id, ok.build(), now);
    }
    case sip::Method::subscribe: {
      if (!authorized(id, request, user, now)) return;
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
      if (!authorized(id, request, user, now)) return;
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

namespace {

std::string from_user(const sip::Incoming& request) {
  const auto from = request.view().from();
  return from ? sip::unescape(from->uri.user) : std::string();
}

} // namespace

bool OutOfDialog::is_registered(const sip::Incoming& request) const {
  if (!digest_) return registrar_.knows_source(request.flow().remote.ip);
  const std::string user = from_user(request);
  return !user.empty() && registrar_.is_registered(request.flow(), user);
}

void OutOfDialog::report_guess(const sip::Incoming& request, const std::string& user, Time now) {
  const IpAddress& source = request.flow().remote.ip;
  const auto times = guesses_.wrong(source, now);
  if (!times) return;
  log::Line line("sip.wrong_password");
  line.add("source", request.flow().remote.to_string()).add("user", user);
  if (*times > 1) line.add("times", *times);
  if (guesses_.is_banned(source, now)) line.add("banned", true);
  outbox_.emplace_back(Log{log::Level::warn, line.str()});
}

bool OutOfDialog::authorized(sip::TransactionId id, const sip::IncomingPtr& request, std::string& user,
                             Time now) {
  if (!digest_) return true;
  const sip::MessageView& view = request->view();
  const bool registers = view.method() == sip::Method::register_;
  const bool registered = is_registered(*request);
  const bool trusted = is_trusted(request->flow().remote.ip);
  const bool waived = !registers && (trusted || (registered && !config_.always_challenge));
  if (waived && !view.has(sip::HeaderId::authorization)) return true;
  // Phones that are registered go on beside somebody at their address who guesses.
  if (!registered && !trusted && guesses_.is_banned(request->flow().remote.ip, now)) {
    report_guess(*request, from_user(*request), now);
    respond(id, *request, 403, now, "Too Many Wrong Passwords");
    return false;
  }
  const auto verdict = digest_->verify(view, config_.find_user, now);
  using Outcome = sip::DigestServer::Outcome;
  switch (verdict.outcome) {
    case Outcome::accepted:
      user = verdict.user;
      guesses_.right(request->flow().remote.ip);
      if (registers || trusted || from_user(*request) == user) return true;
      outbox_.emplace_back(Log{log::Level::warn, log::Line("sip.wrong_from")
                                                     .add("source", request->flow().remote.to_string())
                                                     .add("user", user)
                                                     .add("from", from_user(*request))
                                                     .str()});
      respond(id, *request, 403, now, "From Is Somebody Else");
      return false;
    case Outcome::malformed: respond(id, *request, 400, now, "Bad Credentials"); return false;
    case Outcome::rejected: report_guess(*request, verdict.user, now); break;
    case Outcome::missing:
    case Outcome::stale:
      if (waived) return true;
      break;
  }
  layer_.respond(id, digest_->challenge(*request, now, verdict.outcome == Outcome::stale, layer_.token()),
                 now);
  return false;
}

void OutOfDialog::receive_register(sip::TransactionId id, const sip::IncomingPtr& request, Time now) {
  std::string user;
  if (!authorized(id, request, user, now)) return;
  const auto to = request->view().to();
  if (!to) return respond(id, *request, 400, now);
  // Who proved to be alice changes alice's bindings only (RFC 3261 10.3, 4).
  if (digest_ && sip::unescape(to->uri.user) != user) return respond(id, *request, 403, now);
  const std::string aor = registrar_.aor_of(to->uri);
  layer_.respond(id, registrar_.receive(*request, aor, digest_.has_value(), layer_.token(), now), now);
  report_registrations(now);
}

std::optional<Location> OutOfDialog::locate(const sip::Uri& uri, bool any_domain) const {
  if (!uri.is_sip() || uri.user.empty()) return std::nullopt;
  auto bindings = registrar_.lookup(sip::canonical_aor(uri));
  if (bindings.empty() && any_domain) bindings = registrar_.lookup_user(sip::unescape(uri.user));
  if (bindings.empty()) return std::nullopt;
  return Location{std::move(bindings.front().contact), bindings.front().flow};
}

void OutOfDialog::learn(const RegistrationChanged& change, Time now) {
  sip::Binding binding;
  binding.contact = change.contact;
  binding.expires = now + std::chrono::seconds(change.expires_s);
  binding.flow = change.flow;
  binding.user_agent = change.user_agent;
  registrar_.learn(change.aor, std::move(binding), change.expires_s == 0);
}

void OutOfDialog::report_registrations(Time now) {
  while (auto change = registrar_.poll()) {
    using Kind = sip::RegistrarChange::Kind;
    const bool gone = change->kind == Kind::removed || change->kind == Kind::expired;
    const sip::Binding& binding = change->binding;
    const auto left = std::chrono::duration_cast<std::chrono::seconds>(binding.expires - now).count();
    outbox_.emplace_back(RegistrationChanged{std::move(change->aor), binding.contact, binding.flow,
                                             gone || left < 0 ? 0 : static_cast<std::uint32_t>(left),
                                             binding.user_agent, change->kind == Kind::moved});
  }
}

bool OutOfDialog::is_ours(const sip::Incoming& request) const {
  const auto uri = sip::Uri::parse(request.view().request_uri());
  if (!uri || !uri->is_sip()) return true; // a number without a host
  if (const auto ip = uri->host_ip(); ip && *ip == request.flow().local.ip) return true;
  return std::any_of(config_.hosts.begin(), config_.hosts.end(),
                     [&](const std::string& host) { return ascii::iequals(host, uri->host); });
}

} // namespace talky::call
