#include "call/call_signalling.hpp"

#include <fmt/format.h>

#include "call/protocol.hpp"
#include "sip/uri.hpp"

namespace talky::call {

CallSignalling::CallSignalling(const Services& services, CallKey key, std::string local_tag,
                               std::string call_id)
    : services_(services), key_(key), local_tag_(std::move(local_tag)), call_id_(std::move(call_id)) {
  if (call_id_.empty()) call_id_ = random().uuid();
}

void CallSignalling::own(sip::TransactionId id) {
  services_.owners[id] = key_;
  owned_.push_back(id);
}

void CallSignalling::disown(sip::TransactionId id) {
  services_.owners.erase(id);
  std::erase(owned_, id);
}

void CallSignalling::forget_transactions() {
  for (const sip::TransactionId id : owned_)
    services_.owners.erase(id);
  owned_.clear();
}

void CallSignalling::flow_opened(const sip::Flow& flow) {
  if (!dialog_) return;
  const sip::Flow& mine = dialog_->flow();
  if (mine.transport == flow.transport && mine.connection == 0 && mine.remote == flow.remote)
    dialog_->set_flow(flow);
}

// Over a new connection the peer is reached at its Contact, as its old port is gone.
void CallSignalling::flow_closed(const sip::Flow& flow) {
  if (!dialog_ || !flow.reliable() || dialog_->flow().connection != flow.connection || flow.connection == 0)
    return;
  sip::Flow next = dialog_->flow();
  next.connection = 0;
  if (const auto target = sip::Uri::parse(dialog_->remote_target()); target && target->host_ip()) {
    next.remote = {*target->host_ip(), target->port_or_default()};
  }
  dialog_->set_flow(next);
}

// ---- Responses ----

sip::Builder CallSignalling::reply(const sip::Incoming& request, int status, std::string_view reason) const {
  sip::Builder builder = dialog_ ? dialog_->reply(request, status, reason)
                                 : sip::Builder::reply(request, status, {local_tag_, reason});
  if (!config().product.empty()) builder.header(sip::HeaderId::server, config().product);
  return builder;
}

void CallSignalling::respond(sip::TransactionId id, const sip::Incoming& request, int status, Time now,
                             std::string_view reason) {
  layer().respond(id, reply(request, status, reason).build(), now);
}

// RFC 3261 14.2: try again within ten seconds.
void CallSignalling::respond_busy(sip::TransactionId id, const sip::Incoming& request, Time now) {
  sip::Builder builder = reply(request, 500, "Request Pending");
  builder.header(sip::HeaderId::retry_after, random().below(10) + 1);
  layer().respond(id, builder.build(), now);
}

void CallSignalling::respond_bad_event(sip::TransactionId id, const sip::Incoming& request, Time now) {
  sip::Builder refusal = reply(request, 489);
  refusal.header(sip::HeaderId::allow_events, kAllowedEvents);
  layer().respond(id, refusal.build(), now);
}

void CallSignalling::respond_unacceptable(sip::TransactionId id, const sip::Incoming& request,
                                          const Error& error, Time now) {
  const bool unsupported = error.code == Errc::unsupported;
  sip::Builder refusal =
      reply(request, unsupported ? 488 : 400, unsupported ? "" : "Bad Session Description");
  refusal.header(sip::HeaderId::warning,
                 fmt::format("304 talky {}", sip::quote(fmt::format("expected {}", error.what))));
  layer().respond(id, refusal.build(), now);
}

void CallSignalling::respond_2xx(sip::TransactionId id, const sip::Incoming& request, sip::Message message,
                                 Time now) {
  layer().respond(id, message, now);
  const auto cseq = request.view().cseq();
  reliable_2xx_.emplace(config().timers, std::move(message), cseq ? cseq->number : 0, now);
}

bool CallSignalling::receive_ack(const sip::IncomingPtr& ack) {
  if (!dialog_ || !reliable_2xx_) return false;
  if (sip::dialog_id_of_request(ack->view()) != dialog_->id()) return false;
  dialog_->receive_request(*ack);
  return reliable_2xx_->receive(ack->view());
}

bool CallSignalling::expire_2xx(Time now) {
  if (!reliable_2xx_) return true;
  reliable_2xx_->expire(now);
  while (auto message = reliable_2xx_->poll())
    layer().send(dialog_->flow(), *message);
  return !reliable_2xx_->failed();
}

// ---- Requests ----

void CallSignalling::add_identity(sip::Builder& builder) const {
  if (!config().product.empty()) builder.header(sip::HeaderId::user_agent, config().product);
}

void CallSignalling::set_credentials(const std::optional<Credentials>& credentials) {
  digest_.reset();
  if (credentials) digest_.emplace(credentials->user, credentials->password);
}

bool CallSignalling::learn_challenge(const sip::MessageView& response) {
  return digest_ && digest_->receive(response, digest_->ready()).has_value();
}

sip::TransactionId CallSignalling::request(sip::Builder builder, sip::Method method, std::string_view type,
                                           std::string_view body, Time now, const sip::Dialog* dialog) {
  const sip::Dialog& of = dialog != nullptr ? *dialog : *dialog_;
  add_identity(builder);
  if (sip::DigestClient* const digest = ready_digest()) {
    builder.header(digest->field(),
                   digest->authorization(sip::to_string(method), of.remote_target(), random().token(16)));
  }
  const sip::Message message = body.empty() ? builder.build() : builder.body(type, body);
  const sip::TransactionId id = layer().request(of.flow(), message, now);
  own(id);
  return id;
}

void CallSignalling::acknowledge(sip::TransactionId invite, sip::Message ack) {
  acknowledged_ = invite;
  ack_ = std::move(ack);
  layer().send(dialog_->flow(), *ack_);
}

bool CallSignalling::acknowledge_again(sip::TransactionId invite) {
  if (!ack_ || invite != acknowledged_) return false;
  layer().send(dialog_->flow(), *ack_);
  return true;
}

} // namespace talky::call
