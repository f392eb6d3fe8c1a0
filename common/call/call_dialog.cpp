// Requests inside the dialog, other than those that change the session: BYE, INFO, PRACK, OPTIONS and so on.
#include <algorithm>

#include "call/call.hpp"
#include "call/dtmf_info.hpp"
#include "call/protocol.hpp"
#include "core/ascii.hpp"
#include "sip/status.hpp"

namespace talky::call {

void Call::receive_request(sip::TransactionId id, const sip::IncomingPtr& request, Time now) {
  const sip::MessageView& view = request->view();
  const sip::DialogId dialog_id = sip::dialog_id_of_request(view);
  sip::Dialog* dialog = dialog_ && dialog_->id() == dialog_id ? &*dialog_ : nullptr;
  for (sip::Dialog& fork : forks_) {
    if (fork.id() == dialog_id) dialog = &fork;
  }
  if (dialog == nullptr) {
    return services_.layer.respond(id, sip::Builder::reply(*request, 481).build(), now);
  }
  if (over() && referral_ && view.method() == sip::Method::subscribe) {
    return receive_subscribe(id, *request, now);
  }
  if (over()) { // BYEs that cross are both answered with 200
    return respond(id, *request, view.method() == sip::Method::bye ? 200 : 481, now);
  }
  if (const int status = dialog->receive_request(*request); status != 0)
    return respond(id, *request, status, now);
  switch (view.method()) {
    case sip::Method::invite: return receive_reinvite(id, request, now);
    case sip::Method::update: return receive_update(id, request, now);
    case sip::Method::bye: return receive_bye(id, request, now);
    case sip::Method::info: return receive_info(id, *request, now);
    case sip::Method::prack: return receive_prack(id, *request, now);
    case sip::Method::options: {
      sip::Builder ok = reply(*request, 200);
      ok.header(sip::HeaderId::allow, allow(services_.config))
          .header(sip::HeaderId::accept, accepted_types)
          .header(sip::HeaderId::supported, supported(services_.config));
      return services_.layer.respond(id, ok.build(), now);
    }
    case sip::Method::message: return respond(id, *request, 200, now);
    case sip::Method::refer: return receive_refer(id, request, now);
    case sip::Method::notify: return receive_notify(id, *request, now);
    case sip::Method::subscribe: return receive_subscribe(id, *request, now);
    default: {
      sip::Builder refusal = reply(*request, 405);
      refusal.header(sip::HeaderId::allow, allow(services_.config));
      return services_.layer.respond(id, refusal.build(), now);
    }
  }
}

void Call::receive_bye(sip::TransactionId id, const sip::IncomingPtr& request, Time now) {
  respond(id, *request, 200, now);
  std::string_view reason = request->view().value(sip::HeaderId::reason);
  switch (state_) {
    case State::incoming:
    case State::ringing: return refuse(487, "", EndCause::cancelled, true, now);
    case State::calling:
    case State::cancelling: // of an early dialog: its INVITE goes on until its final response
      std::erase_if(forks_, [&](const sip::Dialog& fork) {
        return fork.id() == sip::dialog_id_of_request(request->view());
      });
      return;
    default:
      state_ = State::ended;
      // Many phones say BYE as soon as the other call stands.
      return end(transferring_ || follows_refer() ? EndCause::transferred : EndCause::hangup, true,
                 sip::unfold(reason), now);
  }
}

void Call::receive_info(sip::TransactionId id, const sip::Incoming& request, Time now) {
  const sip::MessageView& view = request.view();
  if (view.has(sip::HeaderId::content_type) && !view.body().empty()) {
    const auto type = sip::MediaType::parse(view.value(sip::HeaderId::content_type));
    std::optional<InfoDigit> digit;
    if (type && type->matches("application/dtmf-relay")) {
      digit = parse_dtmf_relay(view.body());
    } else if (type && type->matches("application/dtmf")) {
      digit = parse_dtmf(view.body());
    } else {
      sip::Builder refusal = reply(request, 415);
      refusal.header(sip::HeaderId::accept, "application/dtmf-relay, application/dtmf");
      return services_.layer.respond(id, refusal.build(), now);
    }
    if (!digit) return respond(id, request, 400, now, "Bad DTMF Body");
    tell_digit(
        {key_, digit->digit, digit->duration_ms, media_ ? media_->samples() : 0, DtmfPressed::Via::info},
        now);
  }
  respond(id, request, 200, now);
}

void Call::receive_prack(sip::TransactionId id, const sip::Incoming& request, Time now) {
  if (!reliable_provisional_) return respond(id, request, 481, now);
  const int status = reliable_provisional_->receive(request.view(), now);
  // Our reliable responses carry no SDP, so a PRACK may only bring a new offer; the 200 to INVITE answers the
  // first.
  if (status == 200 && !request.view().body().empty()) return respond(id, request, 488, now);
  respond(id, request, status, now);
  while (auto message = reliable_provisional_->poll())
    services_.layer.respond(server_invite_, *message, now);
}

// ---- Requests of ours ----

sip::TransactionId Call::send_request(sip::Builder builder, sip::Method method, std::string_view type,
                                      std::string_view body, Time now, sip::Dialog* dialog) {
  const sip::Dialog& of = dialog != nullptr ? *dialog : *dialog_;
  add_identity(builder);
  if (digest_ && digest_->ready()) {
    builder.header(digest_->field(), digest_->authorization(sip::to_string(method), of.remote_target(),
                                                            services_.random.token(16)));
  }
  const sip::Message message = body.empty() ? builder.build() : builder.body(type, body);
  const sip::TransactionId id = services_.layer.request(of.flow(), message, now);
  own(id);
  return id;
}

void Call::receive_response(sip::TransactionId id, const sip::IncomingPtr& response, Time now) {
  const int status = response->view().status();
  if (sip::is_final(status) && response->view().method() != sip::Method::invite) disown(id);
  if (id == first_invite_) return invite_response(response, now);
  if (id == client_invite_) return reinvite_response(response, now);
  if (id == acked_invite_) { // the 2xx to our last re-INVITE, again
    if (ack_ && sip::is_success(status)) services_.layer.send(dialog_->flow(), *ack_);
    return;
  }
  if (sip::is_provisional(status)) return;
  const bool challenged = status == 401 || status == 407;
  if (id == client_bye_) {
    client_bye_ = 0;
    if (challenged && retry_with_credentials(response->view())) {
      client_bye_ = send_request(dialog_->request(sip::Method::bye), sip::Method::bye, "", "", now);
    } else {
      state_ = State::ended;
    }
  } else if (id == client_update_) {
    update_response(response, now);
  } else if (referral_ && id == referral_->notify) {
    if (!challenged || !retry_with_credentials(response->view())) return notify_answered(status, now);
    referral_->notify = 0;
    referral_->told = 0;
    notify_referrer(now);
  } else if (id == client_refer_) {
    client_refer_ = 0;
    refer_response(response->view(), now);
  } else if (id == client_info_) {
    client_info_ = 0;
    if (challenged && retry_with_credentials(response->view())) return send_next_info(now);
    if (status == 481 || status == 408) {
      if (!over()) send_bye(EndCause::lost, "the peer has lost the call", now);
      return;
    }
    if (!info_digits_.empty()) info_digits_.erase(0, 1);
    send_next_info(now);
  }
}

void Call::transaction_lost(sip::TransactionId id, Time now) {
  disown(id);
  if (id == client_bye_) {
    client_bye_ = 0;
    state_ = State::ended;
    return;
  }
  if (referral_ && id == referral_->notify) return notify_answered(0, now);
  if (over()) return;
  if (id == server_invite_ && (state_ == State::incoming || state_ == State::ringing)) {
    state_ = State::ended;
    return end(EndCause::lost, true, "the caller's connection closed", now);
  }
  if (id == first_invite_ && (state_ == State::calling || state_ == State::cancelling)) {
    const bool ours = state_ == State::cancelling;
    if (!ours && try_elsewhere(0)) return;
    state_ = State::ended;
    return end(ours ? cancel_cause_ : EndCause::lost, false, ours ? cancel_reason_ : "no response", now);
  }
  if (id == client_refer_) {
    client_refer_ = 0;
    return transfer_ended(0, now);
  }
  // A request inside the dialog without an answer ends it (RFC 3261 12.2.1.2).
  if (id == client_invite_ || id == client_update_ || id == client_info_) {
    client_invite_ = client_update_ = client_info_ = 0;
    send_bye(EndCause::lost, "no response", now);
  }
}

void Call::flow_opened(const sip::Flow& flow) {
  if (!dialog_) return;
  const sip::Flow& mine = dialog_->flow();
  if (mine.transport == flow.transport && mine.connection == 0 && mine.remote == flow.remote)
    dialog_->set_flow(flow);
}

// Over a new connection the peer is reached at its Contact, as its old port is gone.
void Call::flow_closed(const sip::Flow& flow) {
  if (!dialog_ || !flow.reliable() || dialog_->flow().connection != flow.connection || flow.connection == 0)
    return;
  sip::Flow next = dialog_->flow();
  next.connection = 0;
  if (const auto target = sip::Uri::parse(dialog_->remote_target()); target && target->host_ip()) {
    next.remote = {*target->host_ip(), target->port_or_default()};
  }
  dialog_->set_flow(next);
}

// ---- DTMF ----

Result<> Call::dtmf(std::string_view digits, Duration length, Time now) {
  if (state_ != State::confirmed && state_ != State::answered)
    return fail(Errc::closed, 0, "an answered call");
  if (plan_ && plan_->dtmf_send_payload_type) return media_->send_dtmf(digits, length);
  constexpr std::string_view keys = "0123456789*#ABCDabcd";
  constexpr std::size_t max_waiting = 256;
  const std::size_t bad = digits.find_first_not_of(keys);
  if (bad != std::string_view::npos && digits[bad] != ',') return fail(Errc::malformed, bad, "0-9 * # A-D");
  if (info_digits_.size() + digits.size() > max_waiting)
    return fail(Errc::too_large, 0, "at most 256 digits waiting");
  for (const char c : digits) {
    if (c != ',') info_digits_.push_back(c >= 'a' ? static_cast<char>(c - 'a' + 'A') : c);
  }
  info_length_ = length;
  send_next_info(now);
  return {};
}

// One at a time: INFOs that overtake each other would change the order of the digits.
void Call::send_next_info(Time now) {
  if (client_info_ != 0 || over()) return;
  if (info_digits_.empty()) return emit(DtmfFinished{key_});
  client_info_ =
      send_request(dialog_->request(sip::Method::info), sip::Method::info, "application/dtmf-relay",
                   build_dtmf_relay(info_digits_.front(), info_length_), now);
}

} // namespace talky::call
