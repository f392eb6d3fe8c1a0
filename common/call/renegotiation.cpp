#include "call/renegotiation.hpp"

#include <algorithm>
#include <utility>

#include "call/protocol.hpp"
#include "sip/status.hpp"

namespace talky::call {

// ---- From the peer ----

// What can be said of it before anything has changed: the description, and the interval of the timer.
bool Renegotiation::check_offer(sip::TransactionId id, const sip::Incoming& request, Time now) {
  const sip::MessageView& view = request.view();
  if (!view.body().empty()) {
    if (const auto checked = media_.negotiation().check_offer(view.body()); !checked) {
      signalling_.respond_unacceptable(id, request, checked.error(), now);
      return false;
    }
  }
  if (session_timer_.receive_request(view, now)) return true;
  sip::Builder refusal = signalling_.reply(request, 422);
  session_timer_.reject_headers(refusal);
  signalling_.layer().respond(id, refusal.build(), now);
  return false;
}

sip::Builder Renegotiation::accept(const sip::Incoming& request) {
  refresh_due_ = false;
  sip::Builder ok = signalling_.reply(request, 200);
  ok.header(sip::HeaderId::allow, allow(signalling_.config()))
      .header(sip::HeaderId::supported, supported(signalling_.config()));
  session_timer_.answer_headers(ok);
  return ok;
}

bool Renegotiation::check_invite(sip::TransactionId id, const sip::Incoming& request, Time now) {
  if (invite_ != 0 || media_.negotiation().offer_pending()) {
    signalling_.respond(id, request, 491, now);
    return false;
  }
  return check_offer(id, request, now);
}

void Renegotiation::accept_invite(sip::TransactionId id, const sip::Incoming& request, Time now) {
  const std::string_view offer = request.view().body();
  std::string description;
  if (offer.empty()) {
    description = media_.negotiation().make_offer();
  } else {
    auto answer = media_.negotiation().accept_offer(offer);
    if (!answer) return signalling_.respond_unacceptable(id, request, answer.error(), now);
    description = std::move(*answer);
    media_.apply_plan(CallMedia::Phase::running, now);
  }
  signalling_.respond_2xx(id, request, accept(request).body(kSdpType, description), now);
}

void Renegotiation::receive_update(sip::TransactionId id, const sip::Incoming& request,
                                   CallMedia::Phase phase, Time now) {
  const std::string_view offer = request.view().body();
  if (!offer.empty() && media_.negotiation().offer_pending()) // RFC 3311 5.2
    return signalling_.respond(id, request, 491, now);
  if (!check_offer(id, request, now)) return;
  sip::Builder ok = accept(request);
  if (offer.empty()) return signalling_.layer().respond(id, ok.build(), now);
  auto answer = media_.negotiation().accept_offer(offer);
  if (!answer) return signalling_.respond_unacceptable(id, request, answer.error(), now);
  media_.apply_plan(phase, now);
  signalling_.layer().respond(id, ok.body(kSdpType, *answer), now);
}

// ---- From us ----

void Renegotiation::set_hold(bool hold, Time now) {
  const media::Direction wanted = hold ? media::Direction::sendonly : media::Direction::sendrecv;
  if (media_.negotiation().wanted_direction() == wanted) return;
  media_.negotiation().set_direction(wanted);
  direction_due_ = true;
  negotiate(now);
}

void Renegotiation::refresh(Time now) {
  refresh_due_ = true;
  negotiate(now);
}

void Renegotiation::negotiate(Time now) {
  if (!running_ || invite_ != 0 || update_ != 0 || signalling_.awaits_ack() ||
      timers_.runs(Timer::renegotiate))
    return;
  if (direction_due_ || (refresh_due_ && !peer_allows_update_)) {
    send_invite(now);
  } else if (refresh_due_) {
    send_update(now);
  }
}

void Renegotiation::send_invite(Time now) {
  direction_due_ = refresh_due_ = false;
  sip::Builder invite = signalling_.dialog()->request(sip::Method::invite);
  invite.header(sip::HeaderId::allow, allow(signalling_.config()))
      .header(sip::HeaderId::supported, supported(signalling_.config()));
  session_timer_.request_headers(invite);
  invite_ = signalling_.request(std::move(invite), sip::Method::invite, kSdpType,
                                media_.negotiation().make_offer(), now);
}

// A refresh without an offer cannot collide with one (RFC 4028 7.4).
void Renegotiation::send_update(Time now) {
  refresh_due_ = false;
  sip::Builder update = signalling_.dialog()->request(sip::Method::update);
  update.header(sip::HeaderId::supported, supported(signalling_.config()));
  session_timer_.request_headers(update);
  update_ = signalling_.request(std::move(update), sip::Method::update, "", "", now);
}

std::optional<Bye> Renegotiation::receive(sip::TransactionId id, const sip::Incoming& response, Time now) {
  if (sip::is_provisional(response.view().status())) return std::nullopt;
  return id == invite_ ? invite_answered(response, now) : update_answered(response, now);
}

// With credentials, or with a longer interval: the same request again, at once.
bool Renegotiation::send_again(const sip::MessageView& response, Time now) {
  const int status = response.status();
  return ((status == 401 || status == 407) && signalling_.learn_challenge(response)) ||
         (status == 422 && !session_timer_.receive_response(response, now));
}

// After 491 (RFC 3261 14.1), or 500 with Retry-After. True: the timer has been set.
bool Renegotiation::retry_later(const sip::MessageView& response, Time now) {
  Duration wait{};
  if (response.status() == 491) {
    // Who made the Call-ID waits 2.1 to 4 s, the other up to 2 s, both in steps of 10 ms.
    const auto steps =
        made_call_id_ ? 210 + signalling_.random().below(191) : signalling_.random().below(201);
    wait = std::chrono::milliseconds(10 * static_cast<std::int64_t>(steps));
  } else if (response.status() == 500 && response.has(sip::HeaderId::retry_after)) {
    const auto seconds =
        sip::parse_delta_seconds(sip::TokenParams::parse(response.value(sip::HeaderId::retry_after))
                                     .value_or(sip::TokenParams{})
                                     .token);
    wait = std::chrono::seconds(std::min<std::uint32_t>(seconds.value_or(1), 60));
  } else {
    return false;
  }
  timers_.set(Timer::renegotiate, now + wait);
  return true;
}

std::optional<Bye> Renegotiation::invite_answered(const sip::Incoming& response, Time now) {
  const sip::MessageView& view = response.view();
  const int status = view.status();
  const sip::TransactionId id = std::exchange(invite_, 0);
  sip::Dialog& dialog = *signalling_.dialog();
  if (sip::is_success(status)) {
    if (acknowledged_ != 0) signalling_.disown(acknowledged_);
    acknowledged_ = id;
    dialog.receive_response(response);
    const auto cseq = view.cseq();
    sip::Builder ack = dialog.ack(cseq ? cseq->number : dialog.invite_cseq());
    signalling_.add_identity(ack);
    signalling_.acknowledge(id, ack.build());
    if (!running_) return std::nullopt;
    session_timer_.receive_response(view, now);
    if (const auto taken = media_.negotiation().accept_answer(view.body()); !taken)
      return Bye{EndCause::media_failed, "no usable answer to a re-INVITE"};
    agreed_direction_ = media_.negotiation().wanted_direction();
    media_.apply_plan(CallMedia::Phase::running, now);
    negotiate(now);
    return std::nullopt;
  }
  signalling_.disown(id);
  if (!running_) return std::nullopt;
  media_.negotiation().abandon_offer();
  if (send_again(view, now)) {
    direction_due_ = true;
    negotiate(now);
    return std::nullopt;
  }
  if (retry_later(view, now)) {
    direction_due_ = true;
    return std::nullopt;
  }
  dialog.receive_response(response);
  if (status == 481 || status == 408) return Bye{EndCause::lost, "the peer has lost the call"};
  // Anything else keeps the session as it was (RFC 3261 14.1).
  media_.negotiation().set_direction(agreed_direction_);
  signalling_.emit(
      Log{log::Level::warn,
          log::Line("call.reinvite_refused").add("call", signalling_.call_id()).add("status", status).str()});
  return std::nullopt;
}

std::optional<Bye> Renegotiation::update_answered(const sip::Incoming& response, Time now) {
  const sip::MessageView& view = response.view();
  const int status = view.status();
  update_ = 0;
  if (!running_) return std::nullopt;
  if (sip::is_success(status)) {
    signalling_.dialog()->receive_response(response);
    session_timer_.receive_response(view, now);
  } else if (send_again(view, now)) {
    refresh_due_ = true;
  } else if (retry_later(view, now)) {
    refresh_due_ = true;
    return std::nullopt;
  } else if (status == 481 || status == 408) {
    return Bye{EndCause::lost, "the peer has lost the call"};
  } else if (status == 405 || status == 501) { // listed in Allow and yet not done
    peer_allows_update_ = false;
    refresh_due_ = true;
  }
  negotiate(now);
  return std::nullopt;
}

} // namespace talky::call
