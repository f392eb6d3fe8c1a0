// What changes a session that stands: re-INVITE and UPDATE both ways, hold, and the session timer.
#include <fmt/format.h>
#include <algorithm>

#include "call/call.hpp"
#include "call/protocol.hpp"
#include "sip/status.hpp"

namespace talky::call {

// ---- From the peer ----

void Call::respond_unacceptable(sip::TransactionId id, const sip::Incoming& request, const Error& error,
                                Time now) {
  sip::Builder refusal = reply(request, error.code == Errc::unsupported ? 488 : 400,
                               error.code == Errc::unsupported ? "" : "Bad Session Description");
  refusal.header(sip::HeaderId::warning,
                 fmt::format("304 talky {}", sip::quote(fmt::format("expected {}", error.what))));
  services_.layer.respond(id, refusal.build(), now);
}

void Call::receive_reinvite(sip::TransactionId id, const sip::IncomingPtr& request, Time now) {
  const sip::MessageView& view = request->view();
  if (state_ == State::incoming || state_ == State::ringing) return respond_busy(id, *request, now);
  if (state_ == State::calling || state_ == State::cancelling || client_invite_ != 0 ||
      negotiation_->offer_pending()) {
    return respond(id, *request, 491, now);
  }
  const bool offered = !view.body().empty();
  if (offered) {
    if (const auto checked = negotiation_->check_offer(view.body()); !checked) {
      return respond_unacceptable(id, *request, checked.error(), now);
    }
  }
  if (!session_timer_.receive_request(view, now)) {
    sip::Builder refusal = reply(*request, 422);
    session_timer_.reject_headers(refusal);
    return services_.layer.respond(id, refusal.build(), now);
  }
  // Who sends another INVITE in the dialog has our 2xx to the first.
  if (reliable_2xx_) acknowledged(nullptr, now);
  if (over()) return respond(id, *request, 481, now);

  std::string description;
  if (offered) {
    auto answer = negotiation_->accept_offer(view.body());
    if (!answer) return respond_unacceptable(id, *request, answer.error(), now);
    description = std::move(*answer);
    apply_plan(now);
  } else {
    description = negotiation_->make_offer();
  }
  refresh_due_ = false;
  sip::Builder ok = reply(*request, 200);
  ok.header(sip::HeaderId::allow, allow(services_.config))
      .header(sip::HeaderId::supported, supported(services_.config));
  session_timer_.answer_headers(ok);
  sip::Message message = ok.body(sdp_type, description);
  services_.layer.respond(id, message, now);
  const auto cseq = view.cseq();
  reliable_2xx_.emplace(services_.config.timers, std::move(message), cseq ? cseq->number : 0, now);
}

void Call::receive_update(sip::TransactionId id, const sip::IncomingPtr& request, Time now) {
  const sip::MessageView& view = request->view();
  const bool offered = !view.body().empty();
  if (offered) { // RFC 3311 5.2
    if (state_ == State::incoming || state_ == State::ringing) return respond_busy(id, *request, now);
    if (negotiation_->offer_pending()) return respond(id, *request, 491, now);
    if (const auto checked = negotiation_->check_offer(view.body()); !checked) {
      return respond_unacceptable(id, *request, checked.error(), now);
    }
  }
  if (!session_timer_.receive_request(view, now)) {
    sip::Builder refusal = reply(*request, 422);
    session_timer_.reject_headers(refusal);
    return services_.layer.respond(id, refusal.build(), now);
  }
  sip::Builder ok = reply(*request, 200);
  ok.header(sip::HeaderId::allow, allow(services_.config))
      .header(sip::HeaderId::supported, supported(services_.config));
  session_timer_.answer_headers(ok);
  refresh_due_ = false;
  if (!offered) return services_.layer.respond(id, ok.build(), now);
  auto answer = negotiation_->accept_offer(view.body());
  if (!answer) return respond_unacceptable(id, *request, answer.error(), now);
  apply_plan(now);
  services_.layer.respond(id, ok.body(sdp_type, *answer), now);
}

// Takes over what the negotiation has come to.
void Call::apply_plan(Time now) {
  const sdp::MediaPlan& plan = *negotiation_->plan();
  if (plan_ && *plan_ == plan) return;
  const bool was_held = plan_ && plan_->remote_hold;
  plan_ = plan;
  if (media_) {
    media::MediaSession session = media::MediaSession::from(plan);
    if (!answered_)
      session.direction = sdp::both(session.direction, media::Direction::recvonly); // early media
    if (const auto updated = media_->update(session, now); !updated) {
      emit(Log{
          log::Level::error,
          log::Line("call.media_refused").add("call", call_id_).add("expected", updated.error().what).str()});
    }
  }
  if (state_ != State::answered && state_ != State::confirmed) return;
  if (!answer_told_) return; // CallAnswered tells it
  emit(MediaChanged{key_, plan});
  if (plan.remote_hold && !was_held) emit(Held{key_});
  if (!plan.remote_hold && was_held) {
    emit(Resumed{key_});
    // If nothing came during the hold, somebody must be heard again within the usual time.
    if (peer_silent_ && services_.config.rtp_timeout > Duration::zero()) {
      silence_until_ = now + services_.config.rtp_timeout;
    }
  }
}

// ---- From us ----

Result<> Call::set_hold(bool hold, Time now) {
  if (!negotiation_ || (state_ != State::answered && state_ != State::confirmed)) {
    return fail(Errc::closed, 0, "an answered call");
  }
  const media::Direction wanted = hold ? media::Direction::sendonly : media::Direction::sendrecv;
  if (negotiation_->wanted_direction() == wanted) return {};
  negotiation_->set_direction(wanted);
  direction_due_ = true;
  negotiate(now);
  return {};
}

// Sends what is due, if nothing stands in the way. Called whenever something may have got out of it.
void Call::negotiate(Time now) {
  if (state_ != State::confirmed || client_invite_ != 0 || client_update_ != 0 || reliable_2xx_ || retry_at_)
    return;
  if (direction_due_ || (refresh_due_ && !peer_allows_update_)) {
    send_reinvite(now);
  } else if (refresh_due_) {
    send_update(now);
  }
}

void Call::send_reinvite(Time now) {
  direction_due_ = refresh_due_ = false;
  sip::Builder invite = dialog_->request(sip::Method::invite);
  invite.header(sip::HeaderId::allow, allow(services_.config))
      .header(sip::HeaderId::supported, supported(services_.config));
  session_timer_.request_headers(invite);
  client_invite_ =
      send_request(std::move(invite), sip::Method::invite, sdp_type, negotiation_->make_offer(), now);
}

// A refresh without an offer cannot collide with one (RFC 4028 7.4).
void Call::send_update(Time now) {
  refresh_due_ = false;
  sip::Builder update = dialog_->request(sip::Method::update);
  update.header(sip::HeaderId::supported, supported(services_.config));
  session_timer_.request_headers(update);
  client_update_ = send_request(std::move(update), sip::Method::update, "", "", now);
}

// After 491 (RFC 3261 14.1), or 500 with Retry-After. True: retry_at_ is set.
bool Call::retry_later(const sip::MessageView& response, Time now) {
  Duration wait{};
  if (response.status() == 491) {
    // Who made the Call-ID waits 2.1 to 4 s, the other up to 2 s, both in steps of 10 ms.
    const auto steps = incoming_ ? services_.random.below(201) : 210 + services_.random.below(191);
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
  retry_at_ = now + wait;
  return true;
}

void Call::reinvite_response(const sip::IncomingPtr& response, Time now) {
  const sip::MessageView& view = response->view();
  const int status = view.status();
  if (sip::is_provisional(status)) return;
  const sip::TransactionId id = client_invite_;
  client_invite_ = 0;
  const auto cseq = view.cseq();
  if (sip::is_success(status)) {
    if (acked_invite_ != first_invite_) disown(acked_invite_);
    acked_invite_ = id;
    dialog_->receive_response(*response);
    acknowledge(cseq ? cseq->number : dialog_->invite_cseq(), "");
    if (over()) return;
    session_timer_.receive_response(view, now);
    if (const auto taken = negotiation_->accept_answer(view.body()); !taken) {
      return send_bye(EndCause::media_failed, "no usable answer to a re-INVITE", now);
    }
    agreed_direction_ = negotiation_->wanted_direction();
    apply_plan(now);
    return negotiate(now);
  }
  disown(id);
  if (over()) return;
  negotiation_->abandon_offer();
  if ((status == 401 || status == 407) && retry_with_credentials(view)) {
    direction_due_ = true;
    return negotiate(now);
  }
  if (status == 422 && !session_timer_.receive_response(view, now)) {
    direction_due_ = true;
    return negotiate(now);
  }
  if (retry_later(view, now)) {
    direction_due_ = true;
    return;
  }
  dialog_->receive_response(*response);
  if (status == 481 || status == 408) return send_bye(EndCause::lost, "the peer has lost the call", now);
  // Anything else keeps the session as it was (RFC 3261 14.1).
  negotiation_->set_direction(agreed_direction_);
  emit(Log{log::Level::warn,
           log::Line("call.reinvite_refused").add("call", call_id_).add("status", status).str()});
}

void Call::update_response(const sip::IncomingPtr& response, Time now) {
  const sip::MessageView& view = response->view();
  const int status = view.status();
  client_update_ = 0;
  if (over()) return;
  if (sip::is_success(status)) {
    dialog_->receive_response(*response);
    session_timer_.receive_response(view, now);
  } else if ((status == 401 || status == 407) && retry_with_credentials(view)) {
    refresh_due_ = true;
  } else if (status == 422 && !session_timer_.receive_response(view, now)) {
    refresh_due_ = true;
  } else if (retry_later(view, now)) {
    refresh_due_ = true;
    return;
  } else if (status == 481 || status == 408) {
    return send_bye(EndCause::lost, "the peer has lost the call", now);
  } else if (status == 405 || status == 501) { // listed in Allow and yet not done
    peer_allows_update_ = false;
    refresh_due_ = true;
  }
  negotiate(now);
}

void Call::run_session_timer(Time now) {
  if (state_ != State::confirmed && state_ != State::answered) return;
  session_timer_.expire(now);
  while (const auto action = session_timer_.poll()) {
    if (*action == sip::SessionTimer::Action::hang_up) {
      return hangup(EndCause::session_timer, "session timer expired", false, now);
    }
    refresh_due_ = true;
    negotiate(now);
  }
}

} // namespace talky::call
