#include "call/call.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <type_traits>

#include "call/protocol.hpp"
#include "core/overloaded.hpp"
#include "sip/status.hpp"

namespace talky::call {
namespace {

// How much longer than its queue a call may take to play its last words, e.g. while the peer has us on hold.
constexpr Duration playout_grace = std::chrono::seconds(10);

} // namespace

Call::Call(Services services, CallKey key, sip::TransactionId transaction, sip::IncomingPtr invite,
           sip::Dialog dialog, Time now)
    : services_(services),
      key_(key),
      state_(State::incoming),
      incoming_(true),
      local_tag_(dialog.id().local_tag),
      source_(invite->flow().remote.ip),
      invited_(now),
      dialog_(std::move(dialog)),
      session_timer_({services.config.session_expires, services.config.min_se}),
      server_invite_(transaction),
      invite_(std::move(invite)),
      decide_until_(now + services.config.answer_timeout) {
  own(transaction);
  call_id_ = std::string(invite_->view().call_id());
  peer_allows_update_ = invite_->view().lists(sip::HeaderId::allow, "UPDATE");
}

Call::Call(Services services, CallKey key, InviteOptions options, Time now)
    : services_(services),
      key_(key),
      state_(State::calling),
      incoming_(false),
      local_tag_(services.random.token(16)),
      source_(options.flow.remote.ip),
      invited_(now),
      session_timer_({services.config.session_expires, services.config.min_se}),
      invite_options_(std::move(options)),
      call_id_(invite_options_.call_id.empty() ? services.random.uuid() : invite_options_.call_id) {}

bool Call::names(const sip::DialogId& dialog) const {
  if (dialog_) return dialog_->id() == dialog;
  return std::any_of(forks_.begin(), forks_.end(),
                     [&](const sip::Dialog& fork) { return fork.id() == dialog; });
}

// A call that stands, or one that we are placing by ourselves; never one that we have not answered yet.
bool Call::replaceable() const {
  return confirmed() || (state_ == State::calling && refer() == 0);
}

void Call::own(sip::TransactionId id) {
  services_.owners[id] = key_;
  owned_.push_back(id);
}

void Call::disown(sip::TransactionId id) {
  services_.owners.erase(id);
  std::erase(owned_, id);
}

void Call::forget_transactions() {
  for (const sip::TransactionId id : owned_)
    services_.owners.erase(id);
  owned_.clear();
}

void Call::add_identity(sip::Builder& builder) const {
  if (!services_.config.product.empty()) builder.header(sip::HeaderId::user_agent, services_.config.product);
}

sip::Builder Call::reply(const sip::Incoming& request, int status, std::string_view reason) const {
  sip::Builder builder = dialog_ ? dialog_->reply(request, status, reason)
                                 : sip::Builder::reply(request, status, {local_tag_, reason});
  if (!services_.config.product.empty()) builder.header(sip::HeaderId::server, services_.config.product);
  return builder;
}

void Call::respond(sip::TransactionId id, const sip::Incoming& request, int status, Time now,
                   std::string_view reason) {
  services_.layer.respond(id, reply(request, status, reason).build(), now);
}

// RFC 3261 14.2: try again within ten seconds.
void Call::respond_busy(sip::TransactionId id, const sip::Incoming& request, Time now) {
  sip::Builder builder = reply(request, 500, "Request Pending");
  builder.header(sip::HeaderId::retry_after, services_.random.below(10) + 1);
  services_.layer.respond(id, builder.build(), now);
}

// ---- Media ----

// Before offer and answer are complete: whatever our offer names is understood, and nothing is sent.
media::MediaSession Call::open_session(const sdp::Capabilities& capabilities) {
  media::MediaSession session;
  session.formats.clear();
  for (const sdp::Codec& codec : capabilities.codecs)
    session.formats.push_back({codec.name, codec.payload_type, codec.clock_rate});
  session.telephone_event_in = capabilities.telephone_event;
  session.direction = media::Direction::recvonly;
  return session;
}

Result<> Call::make_media(const media::MediaSession& session, bool recording) {
  media::MediaConfig config;
  config.session = session;
  config.cname = "talky-" + local_tag_;
  config.ntp_at_epoch = services_.config.ntp_at_epoch;
  config.rtp_timeout = services_.config.rtp_timeout;
  config.recording = recording;
  auto media = media::Media::create(config, services_.random);
  if (!media) return tl::unexpected(media.error());
  media_ = std::move(*media);
  if (bridge_attached_) media_->attach_bridge();
  return {};
}

void Call::start_media(Time now) {
  start_media_at_.reset();
  if (!media_ || media_->started() || over()) return;
  media_->start(now);
  if (closing_) limit_playout(now);
}

void Call::limit_playout(Time now) {
  const std::uint64_t queued_us = media_->samples_queued() * 1'000'000 / media::kSampleRate;
  closing_at_ = now + std::chrono::microseconds(static_cast<std::int64_t>(queued_us)) + playout_grace;
}

void Call::attach_bridge() {
  bridge_attached_ = true;
  if (media_) media_->attach_bridge();
}

void Call::receive_rtp(Bytes bytes, const Endpoint& source, bool is_rtcp, Time now) {
  if (!media_ || over()) return;
  // The peer talks to the address in our answer, so it has that answer: it listens, too.
  const bool expected = state_ == State::answered || (state_ == State::calling && plan_);
  if (expected && !is_rtcp) start_media(now);
  media_->receive(bytes, source, is_rtcp, now);
  if (!is_rtcp) peer_silent_ = false;
}

// Some phones send a key both as telephone-event and as INFO: the second of such a pair is not told.
void Call::tell_digit(const DtmfPressed& pressed, Time now) {
  constexpr Duration pair_distance = std::chrono::milliseconds(800);
  if (last_digit_ && last_digit_->digit == pressed.digit && last_digit_->via != pressed.via &&
      now - last_digit_at_ < pair_distance) {
    last_digit_.reset();
    return;
  }
  last_digit_ = pressed;
  last_digit_at_ = now;
  emit(pressed);
}

// Held calls are silent by right. Phones that hold with sendonly mostly send nothing, too.
void Call::media_silent(Time now) {
  peer_silent_ = true;
  if (plan_ && !plan_->remote_hold) hangup(EndCause::rtp_timeout, "no media received", false, now);
}

void Call::tell_answered(Time now) {
  answered_ = now;
  answer_told_ = true;
  emit(CallAnswered{key_, plan_.value_or(sdp::MediaPlan{}), now});
  if (plan_ && plan_->remote_hold) emit(Held{key_});
}

std::optional<Output> Call::translate(media::MediaOutput& output, Time now) {
  const auto log = [](log::Level level, const log::Line& line) { return Output(Log{level, line.str()}); };
  return std::visit(
      Overloaded{
          [&](media::SendRtp& out) {
            return std::optional<Output>(SendMedia{key_, out.to, false, out.bytes});
          },
          [&](media::SendRtcp& out) {
            return std::optional<Output>(SendMedia{key_, out.to, true, out.bytes});
          },
          [&](media::CallerFrame& out) {
            return std::optional<Output>(CallerAudio{key_, out});
          },
          [&](media::RecordingFrame& out) {
            return std::optional<Output>(RecordedAudio{key_, out});
          },
          [&](media::DtmfReceived& out) {
            tell_digit({key_, out.digit, out.duration_ms, out.at_sample, DtmfPressed::Via::rtp}, now);
            return std::optional<Output>();
          },
          [&](media::DtmfSent&) { return std::optional<Output>(DtmfFinished{key_}); },
          [&](media::MarkReached& out) {
            return std::optional<Output>(
                MarkPassed{key_, std::move(out.name), out.samples_played, out.discarded});
          },
          [&](media::PlayoutOverflow& out) {
            return std::optional<Output>(log(
                log::Level::warn,
                log::Line("call.playout_full").add("call", call_id_).add("refused_samples", out.samples)));
          },
          [&](media::RtpTimeout&) {
            media_silent(now);
            return std::optional<Output>();
          },
          [&](media::Latched& out) {
            return std::optional<Output>(
                log(log::Level::debug,
                    log::Line("call.latched").add("call", call_id_).add("source", out.source.to_string())));
          },
          [](media::PeerBye&) { return std::optional<Output>(); }},
      output);
}

std::optional<Output> Call::poll(Time now) {
  while (media_) {
    auto output = media_->poll();
    if (!output) break;
    if (auto translated = translate(*output, now)) return translated;
  }
  check_playout(now);
  if (ended_ && !ended_told_) {
    ended_told_ = true;
    if (media_) ended_->quality = media_->quality();
    return std::move(*ended_);
  }
  return std::nullopt;
}

// ---- The end ----

void Call::hangup(EndCause cause, std::string_view reason, bool after_playout, Time now) {
  if (over()) return;
  if (after_playout && media_) {
    if (closing_) return;
    closing_ = true;
    closing_reason_ = reason;
    if (media_->started()) limit_playout(now);
    return check_playout(now);
  }
  switch (state_) {
    case State::incoming:
    case State::ringing:
      return refuse(cause == EndCause::shutdown ? 503 : 480, "",
                    cause == EndCause::hangup ? EndCause::cancelled : cause, false, now);
    case State::calling:
      if (redirected_) { // nothing is under way
        redirected_ = false;
        state_ = State::ended;
        return end(cause == EndCause::hangup ? EndCause::rejected : cause, cause == EndCause::hangup, reason,
                   now);
      }
      state_ = State::cancelling;
      cancel_cause_ = cause == EndCause::hangup ? EndCause::cancelled : cause;
      cancel_reason_ = reason;
      cancel_at_.reset();
      return services_.layer.cancel(client_invite_, now);
    case State::cancelling: return;
    case State::answered: // RFC 3261 15: no BYE before the ACK
      bye_when_acknowledged_ = std::string(reason);
      bye_cause_ = cause;
      return;
    case State::confirmed: return send_bye(cause, reason, now);
    case State::ending:
    case State::ended: return;
  }
}

// Hangs up once all that was queued has left, and the peer has had the time to play it.
void Call::check_playout(Time now) {
  if (!closing_ || !media_ || !media_->started() || over()) return;
  if (!last_word_until_ && media_->playout_idle() && info_digits_.empty()) {
    last_word_until_ = now + services_.config.goodbye_delay;
  }
  if ((closing_at_ && now >= *closing_at_) || (last_word_until_ && now >= *last_word_until_)) {
    closing_ = false;
    closing_at_.reset();
    last_word_until_.reset();
    hangup(EndCause::hangup, closing_reason_, false, now);
  }
}

void Call::send_bye(EndCause cause, std::string_view reason, Time now) {
  sip::Builder bye = dialog_->request(sip::Method::bye);
  if (!reason.empty()) {
    // RFC 3326 with the causes of Q.850: 16 is normal clearing, 31 normal but unspecified.
    bye.header(sip::HeaderId::reason, fmt::format("Q.850;cause={};text={}",
                                                  cause == EndCause::hangup ? 16 : 31, sip::quote(reason)));
  }
  state_ = State::ending;
  client_bye_ = send_request(std::move(bye), sip::Method::bye, "", "", now);
  end(cause, false, reason, now);
}

void Call::end(EndCause cause, bool by_peer, std::string_view reason, Time now) {
  if (ended_) return;
  if (state_ != State::ending) state_ = State::ended;
  ended_ = call_ended(key_, cause, by_peer, last_status_, reason, invited_, answered_, now);
  if (plan_) ended_->codec = plan_->codec;

  if (media_) media_->stop(now);
  session_timer_.stop();
  reliable_2xx_.reset();
  reliable_provisional_.reset();
  for (auto* timer : {&answer_at_, &ring_again_at_, &decide_until_, &start_media_at_, &cancel_at_, &retry_at_,
                      &closing_at_, &last_word_until_, &silence_until_, &transfer_until_}) {
    timer->reset();
  }
  drop_referral(now);
  if (dialog_) dialog_->terminate();
  // A 2xx to our INVITE may come again for as long as that, and every copy wants its ACK.
  linger_until_ = now;
  if (!incoming_ && answered_) *linger_until_ += services_.config.timers.timeout();
}

bool Call::gone(Time now) const {
  return state_ == State::ended && ended_told_ && !referral_ && linger_until_ && now >= *linger_until_;
}

// ---- Time ----

std::optional<Time> Call::deadline() const {
  std::optional<Time> first = state_ == State::ended && !referral_ ? linger_until_ : std::nullopt;
  for (const auto& timer :
       {answer_at_, ring_again_at_, decide_until_, start_media_at_, cancel_at_, retry_at_, closing_at_,
        last_word_until_, silence_until_, transfer_until_, session_timer_.deadline()}) {
    first = earlier(first, timer);
  }
  if (reliable_2xx_) first = earlier(first, reliable_2xx_->deadline());
  if (reliable_provisional_) first = earlier(first, reliable_provisional_->deadline());
  if (media_) first = earlier(first, media_->deadline());
  if (referral_) first = earlier(first, referral_->bye_at);
  if (follows_refer() && !sip::is_final(referral_->status)) first = earlier(first, referral_->until);
  return first;
}

void Call::expire(Time now) {
  const auto due = [now](std::optional<Time>& timer) {
    if (!timer || now < *timer) return false;
    timer.reset();
    return true;
  };
  if (media_) media_->expire(now);
  if (follows_refer() && now >= referral_->until && !sip::is_final(referral_->status))
    refer_progress(408, now);
  if (over()) return;
  if (referral_ && referral_->bye_at && now >= *referral_->bye_at) {
    return send_bye(EndCause::transferred, "transferred", now);
  }
  if (due(decide_until_)) return refuse(480, "", EndCause::no_answer, false, now);
  if (due(answer_at_)) answer(now);
  if (due(ring_again_at_)) send_ringing(now);
  if (due(cancel_at_)) hangup(EndCause::no_answer, "no answer", false, now);
  if (due(start_media_at_)) start_media(now);
  if (due(transfer_until_)) transfer_ended(0, now);
  if (due(silence_until_) && peer_silent_) media_silent(now);
  if (reliable_provisional_) {
    reliable_provisional_->expire(now);
    while (auto message = reliable_provisional_->poll())
      services_.layer.respond(server_invite_, *message, now);
    // RFC 3262 3: without PRACK the INVITE is refused.
    if (reliable_provisional_->failed()) return refuse(504, "No PRACK Received", EndCause::lost, false, now);
  }
  if (reliable_2xx_) {
    reliable_2xx_->expire(now);
    while (auto message = reliable_2xx_->poll())
      services_.layer.send(dialog_->flow(), *message);
    if (reliable_2xx_->failed()) return send_bye(EndCause::no_ack, "no ACK received", now);
  }
  run_session_timer(now);
  if (due(retry_at_)) negotiate(now);
  check_playout(now);
}

} // namespace talky::call
