#include "sip/dialog.hpp"

#include <algorithm>

#include "sip/status.hpp"

namespace talky::sip {

namespace {

bool refreshes_target(Method method) {
  return method == Method::invite || method == Method::update || method == Method::subscribe ||
         method == Method::notify || method == Method::refer;
}

// The URI of the Contact, if the message has one that we can send to.
std::optional<std::string> target_of(const MessageView& message) {
  const auto contact = message.contact();
  if (!contact || contact->wildcard || !contact->uri.is_sip()) return std::nullopt;
  return std::string(contact->uri.text);
}

Result<std::vector<std::string>> record_routes(const MessageView& message) {
  std::vector<std::string> routes;
  for (const std::string_view value : message.values(HeaderId::record_route)) {
    const auto route = NameAddr::parse(value);
    if (!route) return Unexpected(route.error());
    if (!route->uri.is_sip()) return fail(Errc::malformed, 0, "a SIP URI in Record-Route");
    routes.push_back(unfold(value));
  }
  return routes;
}

} // namespace

DialogId dialog_id_of_request(const MessageView& request) {
  return {std::string(request.call_id()), std::string(request.to_tag()), std::string(request.from_tag())};
}

DialogId dialog_id_of_response(const MessageView& response) {
  return {std::string(response.call_id()), std::string(response.from_tag()), std::string(response.to_tag())};
}

Result<Dialog> Dialog::from_invite(const Incoming& invite, std::string_view local_tag,
                                   std::string_view contact) {
  const MessageView& view = invite.view();
  const auto from = view.from();
  const auto to = view.to();
  const auto cseq = view.cseq();
  if (!from) return Unexpected(from.error());
  if (!to) return Unexpected(to.error());
  if (!cseq) return Unexpected(cseq.error());
  auto routes = record_routes(view);
  if (!routes) return Unexpected(routes.error());

  Dialog dialog;
  if (view.has(HeaderId::contact)) {
    const auto target = target_of(view);
    if (!target) return fail(Errc::malformed, 0, "a SIP URI in Contact");
    dialog.target_ = *target;
  } else {
    dialog.target_ = std::string(from->uri.text); // RFC 2543
  }
  dialog.id_ = {std::string(view.call_id()), std::string(local_tag), std::string(from->tag())};
  dialog.local_ = unfold(view.value(HeaderId::to));
  if (to->tag().empty()) dialog.local_.append(";tag=").append(local_tag);
  dialog.remote_ = unfold(view.value(HeaderId::from));
  dialog.contact_ = std::string(contact);
  dialog.routes_ = std::move(*routes);
  dialog.flow_ = invite.flow();
  dialog.remote_cseq_ = cseq->number;
  dialog.remote_invite_cseq_ = cseq->number;
  return dialog;
}

Result<Dialog> Dialog::from_response(const MessageView& invite, const Incoming& response,
                                     std::string_view contact) {
  const MessageView& view = response.view();
  const auto cseq = invite.cseq();
  if (!cseq) return Unexpected(cseq.error());
  if (view.status() <= 100 || view.status() >= 300)
    return fail(Errc::unsupported, 0, "a response of 101 to 299");
  if (view.to_tag().empty() && !is_success(view.status())) return fail(Errc::malformed, 0, "a To tag");
  auto routes = record_routes(view);
  if (!routes) return Unexpected(routes.error());
  std::reverse(routes->begin(), routes->end());

  Dialog dialog;
  dialog.client_ = true;
  dialog.id_ = {std::string(invite.call_id()), std::string(invite.from_tag()), std::string(view.to_tag())};
  dialog.local_ = unfold(invite.value(HeaderId::from));
  dialog.remote_ = unfold(view.value(HeaderId::to));
  dialog.contact_ = std::string(contact);
  dialog.routes_ = std::move(*routes);
  dialog.target_ = target_of(view).value_or(std::string(invite.request_uri()));
  dialog.flow_ = response.flow();
  dialog.local_cseq_ = dialog.invite_cseq_ = cseq->number;
  if (is_success(view.status())) dialog.state_ = State::confirmed;
  return dialog;
}

int Dialog::receive_request(const Incoming& request) {
  const MessageView& view = request.view();
  const auto cseq = view.cseq();
  if (!cseq) return 400;
  if (view.method() == Method::ack) {
    if (cseq->number != remote_invite_cseq_) return 500;
    flow_ = request.flow();
    return 0;
  }
  if (remote_cseq_ && cseq->number < *remote_cseq_) return 500;
  remote_cseq_ = cseq->number;
  if (view.method() == Method::invite) remote_invite_cseq_ = cseq->number;
  if (refreshes_target(view.method())) {
    if (auto target = target_of(view)) target_ = std::move(*target);
  }
  flow_ = request.flow();
  return 0;
}

void Dialog::receive_response(const Incoming& response) {
  const MessageView& view = response.view();
  if (view.status() == 481 || view.status() == 408) {
    state_ = State::terminated;
    return;
  }
  const bool first_invite = client_ && state_ == State::early && view.method() == Method::invite;
  const bool moves =
      is_success(view.status()) || (first_invite && view.status() > 100 && view.status() < 200);
  if (!moves || !refreshes_target(view.method())) return;
  if (auto target = target_of(view)) target_ = std::move(*target);
  flow_ = response.flow();
  if (first_invite && is_success(view.status())) {
    if (auto routes = record_routes(view)) {
      std::reverse(routes->begin(), routes->end());
      routes_ = std::move(*routes);
    }
    state_ = State::confirmed;
  }
}

// Loose routing, and the strict routing of RFC 2543 if the first route asks for it (RFC 3261 12.2.1.1).
Builder Dialog::start(Method method, std::uint32_t cseq) const {
  std::string uri = target_;
  std::vector<std::string> routes = routes_;
  if (!routes.empty()) {
    const auto first = NameAddr::parse(routes_.front());
    if (first && !first->uri.params.has("lr")) {
      uri = std::string(first->uri.text.substr(0, first->uri.text.find('?')));
      routes.erase(routes.begin());
      routes.push_back("<" + target_ + ">");
    }
  }
  Builder out = Builder::request(method, uri);
  for (const std::string& route : routes)
    out.header(HeaderId::route, route);
  out.header(HeaderId::max_forwards, "70");
  out.header(HeaderId::from, local_);
  out.header(HeaderId::to, remote_);
  out.header(HeaderId::call_id, id_.call_id);
  out.header(HeaderId::cseq, std::to_string(cseq).append(" ").append(to_string(method)));
  if (refreshes_target(method)) out.header(HeaderId::contact, contact_);
  return out;
}

Builder Dialog::request(Method method) {
  if (method == Method::ack) return ack(invite_cseq_);
  ++local_cseq_;
  if (method == Method::invite) invite_cseq_ = local_cseq_;
  return start(method, local_cseq_);
}

Builder Dialog::ack(std::uint32_t invite_cseq) const {
  return start(Method::ack, invite_cseq);
}

Builder Dialog::reply(const Incoming& request, int status, std::string_view reason) const {
  Builder out = Builder::reply(request, status, {.to_tag = id_.local_tag, .reason = reason});
  const bool wanted = (status > 100 && status < 300) || status == 485;
  if (wanted && refreshes_target(request.view().method())) out.header(HeaderId::contact, contact_);
  return out;
}

} // namespace talky::sip
