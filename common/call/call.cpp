#include "call/call.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <utility>

#include "call/protocol.hpp"
#include "core/overloaded.hpp"
#include "sip/status.hpp"

namespace talky::call {
namespace {

// How much longer than its queue a call may take to play its last words, e.g. while the peer has us on hold.
constexpr Duration kPlayoutGrace = std::chrono::seconds(10);

} // namespace

Call::Call(const Services& services, CallKey key, sip::TransactionId transaction, sip::IncomingPtr invite,
           sip::Dialog dialog, Time now)
    : state_(State::incoming),
      invited_(now),
      signalling_(services, key, dialog.id().local_tag, std::string(invite->view().call_id())),
      session_timer_({services.config.session_expires, services.config.min_se}),
      sound_(signalling_, timers_),
      renegotiation_(signalling_, timers_, sound_, session_timer_, false),
      referral_(signalling_, timers_),
      dtmf_(signalling_) {
  signalling_.set_dialog(std::move(dialog));
  renegotiation_.allow_update(invite->view().lists(sip::HeaderId::allow, "UPDATE"));
  incoming_ = std::make_unique<IncomingInvite>(signalling_, timers_, transaction, std::move(invite), now);
}

Call::Call(const Services& services, CallKey key, InviteOptions options, Time now)
    : state_(State::calling),
      invited_(now),
      signalling_(services, key, services.random.token(16), options.call_id),
      session_timer_({services.config.session_expires, services.config.min_se}),
      sound_(signalling_, timers_),
      outgoing_(
          std::make_unique<OutgoingInvite>(signalling_, timers_, sound_, session_timer_, std::move(options))),
      renegotiation_(signalling_, timers_, sound_, session_timer_, true),
      referral_(signalling_, timers_),
      dtmf_(signalling_) {}

int Call::progress() const {
  if (answered_) return 200;
  if (!over()) return std::max(outgoing_->ringing_status(), 100);
  if (outgoing_->status() >= 300) return outgoing_->status();
  switch (ended_ ? ended_->cause : EndCause::lost) {
    case EndCause::no_answer: return 408;
    case EndCause::media_failed: return 488;
    case EndCause::lost: return 503;
    default: return 487;
  }
}

sip::Dialog* Call::dialog_of(const sip::DialogId& id) {
  if (sip::Dialog* const dialog = signalling_.dialog(); dialog != nullptr && dialog->id() == id)
    return dialog;
  return outgoing_ ? outgoing_->early_dialog(id) : nullptr;
}

// A call that stands, or one that we are placing by ourselves; never one that we have not answered yet.
bool Call::replaceable() const {
  return confirmed() || (state_ == State::calling && refer() == 0);
}

// ---- The first INVITE of an incoming call ----

Result<> Call::ring(Time now) {
  if (!waits()) return fail(Errc::closed, 0, "a call that waits");
  state_ = State::ringing;
  incoming_->ring(now);
  return {};
}

Result<> Call::accept(const AcceptOptions& options, Time now) {
  if (!waits() || incoming_->accepted()) return fail(Errc::closed, 0, "a call that waits for an answer");
  for (const auto& [name, value] : options.headers) {
    if (!sip::is_token(name)) return fail(Errc::malformed, 0, "a header name");
  }
  const sdp::Capabilities& capabilities =
      options.capabilities ? *options.capabilities : signalling_.config().capabilities;
  if (auto agreed = sound_.negotiate(capabilities, options.media, incoming_->offer()); !agreed) {
    refuse(488, "", EndCause::media_failed, false, now);
    return agreed;
  }
  if (auto made = sound_.create(capabilities, options.recording, false); !made) {
    refuse(500, "", EndCause::media_failed, false, now);
    return made;
  }
  incoming_->accept(options.headers);
  if (options.ring_time > Duration::zero()) {
    timers_.set(Timer::answer, now + options.ring_time);
    return ring(now);
  }
  answer(now);
  return {};
}

void Call::answer(Time now) {
  state_ = State::answered;
  incoming_->answer(
      session_timer_,
      sound_.plan() ? sound_.negotiation().local_description() : sound_.negotiation().make_offer(), now);
  report_answered(now);
}

void Call::report_answered(Time now) {
  answered_ = now;
  const auto& plan = sound_.plan();
  signalling_.emit(CallAnswered{key(), plan.value_or(sdp::MediaPlan{}), now});
  if (plan && plan->remote_hold) signalling_.emit(Held{key()});
}

Result<> Call::reject(int status, std::string_view reason, Time now) {
  if (!waits()) return fail(Errc::closed, 0, "a call that waits");
  if (status < 300 || status > 699) return fail(Errc::malformed, 0, "a status from 300 to 699");
  refuse(status, reason, EndCause::rejected, false, now);
  return {};
}

void Call::refuse(int status, std::string_view reason, EndCause cause, bool by_peer, Time now) {
  incoming_->refuse(status, reason, now);
  end(State::ended, cause, by_peer, reason, now);
}

void Call::receive_cancel(Time now) {
  if (waits()) refuse(487, "", EndCause::cancelled, true, now);
}

void Call::receive_ack(const sip::IncomingPtr& ack, Time now) {
  if (!over() && signalling_.receive_ack(ack)) acknowledged(&ack->view(), now);
}

// The peer has our 2xx: its ACK came, or something else that shows it.
void Call::acknowledged(const sip::MessageView* ack, Time now) {
  signalling_.stop_2xx();
  const bool first = state_ == State::answered;
  state_ = State::confirmed;
  renegotiation_.begin();
  if (sound_.negotiation().offer_pending()) { // the late offer of our 2xx
    const std::string_view answer = ack != nullptr ? ack->body() : std::string_view{};
    if (sound_.negotiation().accept_answer(answer)) {
      sound_.apply_plan(phase(), now);
    } else if (first) {
      return send_bye(EndCause::media_failed, "no usable answer in the ACK", now);
    }
  }
  // An address that is not the one that signals may be anybody's: it has to send first.
  if (const media::Media* const media = sound_.media(); media != nullptr && media->awaits_media()) {
    sound_.expect_media(now);
  } else {
    start_media(now);
  }
  if (bye_when_acknowledged_) return end_by(bye_when_acknowledged_, now);
  check_playout(now);
  renegotiation_.negotiate(now);
}

// ---- The first INVITE of an outgoing call ----

Result<> Call::redirect(const Redirection& to, Time now) {
  if (!outgoing_) return fail(Errc::closed, 0, "a redirected call");
  return outgoing_->redirect(to, now);
}

void Call::carry_out(const OutgoingInvite::Outcome& outcome, Time now) {
  using Kind = OutgoingInvite::Outcome::Kind;
  switch (outcome.kind) {
    case Kind::pending: return;
    case Kind::over: return end(State::ended, outcome.cause, outcome.by_peer, outcome.reason, now);
    case Kind::hang_up: return send_bye(outcome.cause, outcome.reason, now);
    case Kind::answered: break;
  }
  state_ = State::confirmed;
  renegotiation_.allow_update(outgoing_->allows_update());
  renegotiation_.begin();
  report_answered(now);
  start_media(now);
  check_playout(now);
}

// ---- Requests and responses ----

void Call::receive_request(sip::TransactionId id, const sip::IncomingPtr& request, Time now) {
  const sip::MessageView& view = request->view();
  sip::Dialog* const dialog = dialog_of(sip::dialog_id_of_request(view));
  if (dialog == nullptr)
    return signalling_.layer().respond(id, sip::Builder::reply(*request, 481).build(), now);
  if (over() && !referral_.idle() && view.method() == sip::Method::subscribe)
    return referral_.receive_subscribe(id, *request, now);
  if (over()) // BYEs that cross are both answered with 200
    return signalling_.respond(id, *request, view.method() == sip::Method::bye ? 200 : 481, now);
  if (const int status = dialog->receive_request(*request); status != 0)
    return signalling_.respond(id, *request, status, now);
  switch (view.method()) {
    case sip::Method::invite:
      if (waits()) return signalling_.respond_busy(id, *request, now);
      if (!confirmed()) return signalling_.respond(id, *request, 491, now);
      if (!renegotiation_.check_invite(id, *request, now)) return;
      // Who sends another INVITE in the dialog has our 2xx to the first.
      if (signalling_.awaits_ack()) acknowledged(nullptr, now);
      if (over()) return signalling_.respond(id, *request, 481, now);
      return renegotiation_.accept_invite(id, *request, now);
    case sip::Method::update:
      if (waits() && !view.body().empty()) return signalling_.respond_busy(id, *request, now); // RFC 3311 5.2
      return renegotiation_.receive_update(id, *request, phase(), now);
    case sip::Method::bye: return receive_bye(id, *request, now);
    case sip::Method::info: {
      const media::Media* const media = sound_.media();
      return dtmf_.receive_info(id, *request, media != nullptr ? media->samples() : 0, now);
    }
    case sip::Method::prack:
      if (!incoming_) return signalling_.respond(id, *request, 481, now);
      return incoming_->receive_prack(id, *request, now);
    case sip::Method::options: {
      sip::Builder ok = signalling_.reply(*request, 200);
      ok.header(sip::HeaderId::allow, allow(signalling_.config()))
          .header(sip::HeaderId::accept, kAcceptedTypes)
          .header(sip::HeaderId::supported, supported(signalling_.config()));
      return signalling_.layer().respond(id, ok.build(), now);
    }
    case sip::Method::message: return signalling_.respond(id, *request, 200, now);
    case sip::Method::refer: return referral_.receive_refer(id, request, state_ == State::confirmed, now);
    case sip::Method::notify: return end_by(referral_.receive_notify(id, *request, now), now);
    case sip::Method::subscribe: return referral_.receive_subscribe(id, *request, now);
    default: {
      sip::Builder refusal = signalling_.reply(*request, 405);
      refusal.header(sip::HeaderId::allow, allow(signalling_.config()));
      return signalling_.layer().respond(id, refusal.build(), now);
    }
  }
}

void Call::receive_bye(sip::TransactionId id, const sip::Incoming& request, Time now) {
  signalling_.respond(id, request, 200, now);
  if (waits()) return refuse(487, "", EndCause::cancelled, true, now);
  if (state_ == State::calling || state_ == State::cancelling) // its INVITE goes on until its final response
    return outgoing_->drop_early_dialog(sip::dialog_id_of_request(request.view()));
  // Many phones say BYE as soon as the other call stands.
  const EndCause cause = referral_.ends_by_transfer() ? EndCause::transferred : EndCause::hangup;
  end(State::ended, cause, true, sip::unfold(request.view().value(sip::HeaderId::reason)), now);
}

void Call::receive_response(sip::TransactionId id, const sip::IncomingPtr& response, Time now) {
  const sip::MessageView& view = response->view();
  const int status = view.status();
  if (sip::is_final(status) && view.method() != sip::Method::invite) signalling_.disown(id);
  if (outgoing_ && id == outgoing_->transaction()) return carry_out(outgoing_->receive(response, now), now);
  if (renegotiation_.owns(id)) return end_by(renegotiation_.receive(id, *response, now), now);
  if (sip::is_success(status) && signalling_.acknowledge_again(id)) return; // of our last re-INVITE
  if (sip::is_provisional(status)) return;
  if (id == bye_) {
    bye_ = 0;
    if ((status == 401 || status == 407) && signalling_.learn_challenge(view)) {
      bye_ =
          signalling_.request(signalling_.dialog()->request(sip::Method::bye), sip::Method::bye, "", "", now);
    } else {
      state_ = State::ended;
    }
  } else if (referral_.owns(id)) {
    end_by(referral_.receive(id, view, now), now);
  } else if (dtmf_.owns(id)) {
    end_by(dtmf_.receive(view, now), now);
  }
}

void Call::transaction_lost(sip::TransactionId id, Time now) {
  signalling_.disown(id);
  if (id == bye_ && id != 0) {
    bye_ = 0;
    state_ = State::ended;
    return;
  }
  if (referral_.owns(id)) return end_by(referral_.lost(id, now), now);
  if (over()) return;
  if (incoming_ && id == incoming_->transaction() && waits())
    return end(State::ended, EndCause::lost, true, "the caller's connection closed", now);
  if (outgoing_ && id == outgoing_->transaction()) return carry_out(outgoing_->lost(now), now);
  // A request inside the dialog without an answer ends it (RFC 3261 12.2.1.2).
  if (renegotiation_.owns(id) || dtmf_.owns(id)) {
    renegotiation_.forget_requests();
    dtmf_.forget_request();
    send_bye(EndCause::lost, "no response", now);
  }
}

// ---- What may be asked of a call that stands ----

Result<> Call::set_hold(bool hold, Time now) {
  if (!confirmed()) return fail(Errc::closed, 0, "an answered call");
  renegotiation_.set_hold(hold, now);
  return {};
}

Result<> Call::dtmf(std::string_view digits, Duration length, Time now) {
  if (!confirmed()) return fail(Errc::closed, 0, "an answered call");
  if (sound_.plan() && sound_.plan()->dtmf_send_payload_type)
    return sound_.media()->send_dtmf(digits, length);
  return dtmf_.send(digits, length, now);
}

Result<> Call::transfer(std::string_view target, Time now) {
  if (state_ != State::confirmed) return fail(Errc::closed, 0, "an answered call, not in transfer");
  return referral_.transfer(target, now);
}

// ---- Sound ----

void Call::start_media(Time now) {
  media::Media* const media = sound_.media();
  if (media == nullptr || media->started() || over()) return;
  media->start(now);
  if (closing_) limit_playout(now);
}

bool Call::receive_rtp(Bytes bytes, const Endpoint& source, bool is_rtcp, Time now) {
  if (sound_.media() == nullptr || over()) return false;
  // Before the ACK nothing is sent but SIP, until the peer talks to the address in our answer: it has that
  // answer, so it listens. After the ACK media may come from elsewhere, too (a NAT with several addresses).
  const bool expected = state_ == State::answered
                            ? sound_.media()->trusts(source)
                            : state_ == State::confirmed || (state_ == State::calling && sound_.plan());
  const bool starts = expected && !is_rtcp && !sound_.started();
  if (starts) start_media(now);
  return sound_.receive(bytes, source, is_rtcp, now) || starts;
}

std::optional<Output> Call::translate(media::MediaOutput& output, Time now) {
  using Translated = std::optional<Output>;
  const auto log = [](log::Level level, const log::Line& line) { return Output(Log{level, line.str()}); };
  return std::visit(
      Overloaded{
          [&](media::SendRtp& out) {
            return Translated(SendMedia{key(), out.to, false, out.bytes});
          },
          [&](media::SendRtcp& out) {
            return Translated(SendMedia{key(), out.to, true, out.bytes});
          },
          [&](media::CallerFrame& out) {
            return Translated(CallerAudio{key(), out});
          },
          [&](media::RecordingFrame& out) {
            return Translated(RecordedAudio{key(), out});
          },
          [&](media::DtmfReceived& out) {
            dtmf_.pressed({key(), out.digit, out.duration_ms, out.at_sample, DtmfPressed::Via::rtp}, now);
            return Translated();
          },
          [&](media::DtmfSent&) { return Translated(DtmfFinished{key()}); },
          [&](media::MarkReached& out) {
            return Translated(MarkPassed{key(), std::move(out.name), out.samples_played, out.discarded});
          },
          [&](media::PlayoutOverflow& out) {
            return Translated(log(log::Level::warn, log::Line("call.playout_full")
                                                        .add("call", signalling_.call_id())
                                                        .add("refused_samples", out.samples)));
          },
          [&](media::RtpTimeout&) {
            if (sound_.fell_silent()) hangup(EndCause::rtp_timeout, "no media received", false, now);
            return Translated();
          },
          [&](media::Latched& out) {
            return Translated(log(log::Level::debug, log::Line("call.latched")
                                                         .add("call", signalling_.call_id())
                                                         .add("source", out.source.to_string())));
          },
          [](media::PeerBye&) { return Translated(); }},
      output);
}

std::optional<Output> Call::poll(Time now) {
  while (media::Media* const media = sound_.media()) {
    auto output = media->poll();
    if (!output) break;
    if (auto translated = translate(*output, now)) return translated;
  }
  check_playout(now);
  if (!ended_ || ended_reported_) return std::nullopt;
  ended_reported_ = true;
  if (sound_.media() != nullptr) ended_->quality = sound_.media()->quality();
  return std::move(*ended_);
}

// ---- The end ----

void Call::hangup(EndCause cause, std::string_view reason, bool after_playout, Time now) {
  if (over()) return;
  if (after_playout && sound_.media() != nullptr) {
    if (closing_) return;
    closing_ = true;
    closing_reason_ = reason;
    if (sound_.started()) limit_playout(now);
    return check_playout(now);
  }
  switch (state_) {
    case State::incoming:
    case State::ringing:
      return refuse(cause == EndCause::shutdown ? 503 : 480, "",
                    cause == EndCause::hangup ? EndCause::cancelled : cause, false, now);
    case State::calling:
      if (outgoing_->waits_for_redirect()) { // nothing is under way
        const bool ours = cause == EndCause::hangup;
        return end(State::ended, ours ? EndCause::rejected : cause, ours, reason, now);
      }
      state_ = State::cancelling;
      return outgoing_->cancel(cause == EndCause::hangup ? EndCause::cancelled : cause, reason, now);
    case State::answered: // RFC 3261 15: no BYE before the ACK
      bye_when_acknowledged_ = Bye{cause, std::string(reason)};
      return;
    case State::confirmed: return send_bye(cause, reason, now);
    case State::cancelling:
    case State::ending:
    case State::ended: return;
  }
}

void Call::limit_playout(Time now) {
  const std::uint64_t queued_us = sound_.media()->samples_queued() * 1'000'000 / media::kSampleRate;
  timers_.set(Timer::playout_limit,
              now + std::chrono::microseconds(static_cast<std::int64_t>(queued_us)) + kPlayoutGrace);
}

// Hangs up once all that was queued has left, and the peer has had the time to play it.
void Call::check_playout(Time now) {
  if (!closing_ || !sound_.started() || over()) return;
  if (!timers_.runs(Timer::last_word) && sound_.media()->playout_idle() && dtmf_.idle())
    timers_.set(Timer::last_word, now + signalling_.config().goodbye_delay);
  if (timers_.due(Timer::playout_limit, now)) {
    run_timer(Timer::playout_limit, now);
  } else if (timers_.due(Timer::last_word, now)) {
    run_timer(Timer::last_word, now);
  }
}

void Call::end_by(const std::optional<Bye>& bye, Time now) {
  if (bye && !over()) send_bye(bye->cause, bye->reason, now);
}

void Call::send_bye(EndCause cause, std::string_view reason, Time now) {
  sip::Builder bye = signalling_.dialog()->request(sip::Method::bye);
  if (!reason.empty()) {
    // RFC 3326 with the causes of Q.850: 16 is normal clearing, 31 normal but unspecified.
    bye.header(sip::HeaderId::reason, fmt::format("Q.850;cause={};text={}",
                                                  cause == EndCause::hangup ? 16 : 31, sip::quote(reason)));
  }
  bye_ = signalling_.request(std::move(bye), sip::Method::bye, "", "", now);
  end(State::ending, cause, false, reason, now);
}

void Call::end(State state, EndCause cause, bool by_peer, std::string_view reason, Time now) {
  state_ = state;
  if (ended_) return;
  const int status = incoming_ ? incoming_->status() : outgoing_->status();
  ended_ = call_ended(key(), cause, by_peer, status, reason, invited_, answered_, now);
  if (sound_.plan()) ended_->codec = sound_.plan()->codec;

  if (sound_.media() != nullptr) sound_.media()->stop(now);
  session_timer_.stop();
  signalling_.stop_2xx();
  if (incoming_) incoming_->stop();
  if (outgoing_) outgoing_->stop();
  renegotiation_.stop();
  dtmf_.stop();
  timers_.stop_all_but(Timer::referral_expires); // a subscription outlives the call
  referral_.call_ended(now);
  if (sip::Dialog* const dialog = signalling_.dialog()) dialog->terminate();
  // A 2xx to our INVITE may come again for as long as that, and every copy wants its ACK.
  linger_until_ = now;
  if (outgoing_ && answered_) *linger_until_ += signalling_.config().timers.timeout();
}

bool Call::gone(Time now) const {
  return state_ == State::ended && ended_reported_ && referral_.idle() && linger_until_ &&
         now >= *linger_until_;
}

// ---- Time ----

std::optional<Time> Call::deadline() const {
  auto first = earlier(timers_.deadline(), session_timer_.deadline());
  first = earlier(first, signalling_.deadline());
  if (incoming_) first = earlier(first, incoming_->deadline());
  if (const media::Media* const media = sound_.media()) first = earlier(first, media->deadline());
  return state_ == State::ended && referral_.idle() ? earlier(first, linger_until_) : first;
}

void Call::expire(Time now) {
  if (media::Media* const media = sound_.media()) media->expire(now);
  while (const auto timer = timers_.take(now))
    run_timer(*timer, now);
  if (over()) return;
  // RFC 3262 3: without PRACK the INVITE is refused.
  if (incoming_ && !incoming_->expire(now))
    return refuse(504, "No PRACK Received", EndCause::lost, false, now);
  if (!signalling_.expire_2xx(now)) return send_bye(EndCause::no_ack, "no ACK received", now);
  if (confirmed()) session_timer_.expire(now);
  while (const auto action = session_timer_.poll()) {
    if (*action == sip::SessionTimer::Action::hang_up)
      return hangup(EndCause::session_timer, "session timer expired", false, now);
    renegotiation_.refresh(now);
  }
  check_playout(now);
}

void Call::run_timer(Timer timer, Time now) {
  switch (timer) {
    case Timer::referral_expires: return refer_progress(408, now);
    case Timer::referral_bye: return send_bye(EndCause::transferred, "transferred", now);
    case Timer::decide: return refuse(480, "", EndCause::no_answer, false, now);
    case Timer::answer: return answer(now);
    case Timer::ring_again: return incoming_->ring(now);
    case Timer::no_answer: return hangup(EndCause::no_answer, "no answer", false, now);
    case Timer::transfer: return end_by(referral_.transfer_ended(0, now), now);
    case Timer::silence:
      if (sound_.is_silent() && sound_.fell_silent())
        hangup(EndCause::rtp_timeout, "no media received", false, now);
      return;
    case Timer::renegotiate: return renegotiation_.negotiate(now);
    case Timer::playout_limit:
    case Timer::last_word:
      closing_ = false;
      timers_.stop(Timer::playout_limit);
      timers_.stop(Timer::last_word);
      return hangup(EndCause::hangup, closing_reason_, false, now);
    case Timer::count_: return;
  }
}

} // namespace talky::call
