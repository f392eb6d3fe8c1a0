// The server's side of the first INVITE: ringing, answer, refusal, CANCEL and ACK.
#include "call/call.hpp"
#include "call/protocol.hpp"

namespace talky::call {
namespace {

// RFC 3261 13.3.1.1: a provisional response at least every minute keeps proxies from giving up.
constexpr Duration ring_interval = std::chrono::seconds(60);

void add_headers(sip::Builder& builder, const Headers& headers) {
  for (const auto& [name, value] : headers)
    builder.header(name, value);
}

} // namespace

Result<> Call::ring(Time now) {
  if (state_ != State::incoming && state_ != State::ringing)
    return fail(Errc::closed, 0, "a call that waits");
  send_ringing(now);
  return {};
}

void Call::send_ringing(Time now) {
  state_ = State::ringing;
  ring_again_at_ = now + ring_interval;
  const bool reliable = invite_->view().lists(sip::HeaderId::require, "100rel");
  sip::Builder ringing = reply(*invite_, 180);
  ringing.header(sip::HeaderId::allow, allow(services_.config));
  add_headers(ringing, accept_options_.headers);
  if (!reliable) return services_.layer.respond(server_invite_, ringing.build(), now);
  // The first reliable response to an INVITE without an offer would have to carry ours (RFC 3261 13.2.1),
  // which is not known before the answer: such a caller hears nothing until then.
  if (invite_->view().body().empty()) return;
  if (!reliable_provisional_) {
    const auto cseq = invite_->view().cseq();
    reliable_provisional_.emplace(services_.config.timers,
                                  static_cast<std::uint32_t>(services_.random.below(1'000'000) + 1),
                                  cseq ? cseq->number : 0);
  }
  if (reliable_provisional_->outstanding()) return;
  reliable_provisional_->respond(std::move(ringing), "", "", now);
  while (auto message = reliable_provisional_->poll())
    services_.layer.respond(server_invite_, *message, now);
}

Result<> Call::accept(const AcceptOptions& options, Time now) {
  if ((state_ != State::incoming && state_ != State::ringing) || accepted_) {
    return fail(Errc::closed, 0, "a call that waits for an answer");
  }
  for (const auto& [name, value] : options.headers) {
    if (!sip::is_token(name)) return fail(Errc::malformed, 0, "a header name");
  }
  const sdp::Capabilities& capabilities =
      options.capabilities ? *options.capabilities : services_.config.capabilities;
  negotiation_.emplace(capabilities, options.media, services_.random() >> 1);
  media::MediaSession session;
  const std::string_view offer = invite_->view().body();
  if (!offer.empty()) {
    if (const auto answer = negotiation_->accept_offer(offer); !answer) {
      negotiation_.reset();
      refuse(488, "", EndCause::media_failed, false, now);
      return tl::unexpected(answer.error());
    }
    plan_ = negotiation_->plan();
    session = media::MediaSession::from(*plan_);
  } else {
    session = open_session(capabilities);
  }
  if (auto made = make_media(session, options.recording); !made) {
    refuse(500, "", EndCause::media_failed, false, now);
    return made;
  }
  accepted_ = true;
  accept_options_ = options;
  decide_until_.reset();
  if (options.ring_time > Duration::zero()) {
    send_ringing(now);
    answer_at_ = now + options.ring_time;
  } else {
    answer(now);
  }
  return {};
}

void Call::answer(Time now) {
  // RFC 3262 3: while a reliable provisional response waits for its PRACK the 2xx may wait, but need not if
  // neither carries an offer or answer that the other depends on.
  ring_again_at_.reset();
  if (reliable_provisional_) reliable_provisional_->stop();
  reliable_provisional_.reset();
  sip::Builder ok = reply(*invite_, 200);
  ok.header(sip::HeaderId::allow, allow(services_.config))
      .header(sip::HeaderId::supported, supported(services_.config));
  session_timer_.receive_request(invite_->view(), now); // its interval was checked when the INVITE came
  session_timer_.answer_headers(ok);
  add_headers(ok, accept_options_.headers);
  const std::string& description = plan_ ? negotiation_->local_description() : negotiation_->make_offer();
  sip::Message message = ok.body(sdp_type, description);
  services_.layer.respond(server_invite_, message, now);
  const auto cseq = invite_->view().cseq();
  reliable_2xx_.emplace(services_.config.timers, std::move(message), cseq ? cseq->number : 0, now);
  state_ = State::answered;
  last_status_ = 200;
  start_media_at_ = now + services_.config.start_delay;
  if (!plan_) start_media_at_.reset(); // what to send is not known before the ACK brings the answer
  tell_answered(now);
}

Result<> Call::reject(int status, std::string_view reason, Time now) {
  if (state_ != State::incoming && state_ != State::ringing)
    return fail(Errc::closed, 0, "a call that waits");
  if (status < 300 || status > 699) return fail(Errc::malformed, 0, "a status from 300 to 699");
  refuse(status, reason, EndCause::rejected, false, now);
  return {};
}

void Call::refuse(int status, std::string_view reason, EndCause cause, bool by_peer, Time now) {
  sip::Builder refusal = reply(*invite_, status, reason);
  if (status == 503) refusal.header(sip::HeaderId::retry_after, 5);
  services_.layer.respond(server_invite_, refusal.build(), now);
  last_status_ = status;
  state_ = State::ended;
  end(cause, by_peer, reason, now);
}

void Call::receive_cancel(Time now) {
  if (state_ != State::incoming && state_ != State::ringing) return;
  refuse(487, "", EndCause::cancelled, true, now);
}

void Call::receive_ack(const sip::IncomingPtr& ack, Time now) {
  if (!dialog_ || over() || !reliable_2xx_) return;
  if (sip::dialog_id_of_request(ack->view()) != dialog_->id()) return;
  dialog_->receive_request(*ack);
  if (reliable_2xx_->receive(ack->view())) acknowledged(&ack->view(), now);
}

// The peer has our 2xx: its ACK came, or something else that shows it.
void Call::acknowledged(const sip::MessageView* ack, Time now) {
  reliable_2xx_.reset();
  const bool first = state_ == State::answered;
  state_ = State::confirmed;
  if (negotiation_->offer_pending()) { // the late offer of our 2xx
    const std::string_view sdp = ack != nullptr ? ack->body() : std::string_view{};
    const auto taken = negotiation_->accept_answer(sdp);
    if (taken) {
      apply_plan(now);
    } else if (first) {
      return send_bye(EndCause::media_failed, "no usable answer in the ACK", now);
    }
  }
  start_media(now);
  if (bye_when_acknowledged_) return send_bye(bye_cause_, *bye_when_acknowledged_, now);
  check_playout(now);
  negotiate(now);
}

} // namespace talky::call
