// A REFER of the peer's that we follow (RFC 3515): the answer, the NOTIFYs of its implicit subscription, and
// the end of this call once the new one stands. The new call itself is another Call: see
// InviteOptions::refer.
#include <fmt/format.h>
#include <algorithm>

#include "call/call.hpp"
#include "call/protocol.hpp"
#include "core/ascii.hpp"
#include "sip/refer.hpp"
#include "sip/status.hpp"

namespace talky::call {
namespace {

// Longer than any outgoing call may ring.
constexpr Duration subscription_time = std::chrono::seconds(300);
// After the last NOTIFY most phones say BYE by themselves; ours follows the NOTIFY's answer, or this.
constexpr Duration bye_after = std::chrono::seconds(2);

} // namespace

void Call::receive_refer(sip::TransactionId id, const sip::IncomingPtr& request, Time now) {
  const sip::MessageView& view = request->view();
  if (!services_.config.follow_refer) return respond(id, *request, 603, now);
  if (view.count(sip::HeaderId::refer_to) != 1)
    return respond(id, *request, 400, now, "One Refer-To Expected");
  const auto refer = sip::ReferTo::parse(view.value(sip::HeaderId::refer_to));
  if (!refer) {
    const Error& error = refer.error();
    if (error.code != Errc::unsupported) return respond(id, *request, 400, now, "Bad Refer-To");
    return error.offset == 0 ? respond(id, *request, 416, now) : respond(id, *request, 603, now);
  }
  if (state_ != State::confirmed) return respond_busy(id, *request, now);
  if (referral_ || transferring_) return respond(id, *request, 491, now);

  Referral referral;
  referral.transaction = id;
  referral.request = request;
  const auto cseq = view.cseq();
  // The first REFER of a dialog needs no id, and some phones do not expect one (RFC 3515 2.4.6).
  referral.event = referrals_++ == 0 ? "refer" : fmt::format("refer;id={}", cseq ? cseq->number : 0);
  referral.subscribed = !ascii::iequals(ascii::trim(view.value(sip::HeaderId::refer_sub)), "false");
  referral_ = std::move(referral);
  emit(TransferRequested{key_, refer->uri, sip::unfold(view.value(sip::HeaderId::referred_by)),
                         refer->replaces, refer->require_replaces});
}

Result<> Call::answer_refer(int status, Time now) {
  if (!referral_ || referral_->accepted) return fail(Errc::closed, 0, "a REFER that waits");
  if (status != 202 && (status < 300 || status > 699)) return fail(Errc::malformed, 0, "202, or 300 to 699");
  Referral& referral = *referral_;
  const sip::IncomingPtr request = std::move(referral.request);
  sip::Builder answer = reply(*request, status);
  if (status == 202 && !referral.subscribed) answer.header(sip::HeaderId::refer_sub, "false"); // RFC 4488 4
  services_.layer.respond(std::exchange(referral.transaction, 0), answer.build(), now);
  if (status != 202) {
    referral_.reset();
    return {};
  }
  referral.accepted = true;
  referral.until = now + subscription_time;
  notify_referrer(now);
  return {};
}

Result<> Call::end_refer(int status, Time now) {
  if (!follows_refer()) return fail(Errc::closed, 0, "a REFER that is followed");
  refer_progress(status, now);
  return {};
}

void Call::refer_progress(int status, Time now) {
  if (!follows_refer() || sip::is_final(referral_->status)) return;
  referral_->status = status;
  if (sip::is_success(status) && !over()) referral_->bye_at = now + bye_after;
  notify_referrer(now);
}

// One NOTIFY at a time, so that none overtakes another; what has been passed over meanwhile is not told.
void Call::notify_referrer(Time now) {
  Referral& referral = *referral_;
  if (referral.notify != 0) return;
  if (!referral.subscribed || (referral.told == referral.status && !referral.unsubscribes)) {
    if (sip::is_final(referral.status)) referral_done(now);
    return;
  }
  referral.told = referral.status;
  sip::Builder notify = dialog_->request(sip::Method::notify);
  const auto left = std::chrono::ceil<std::chrono::seconds>(referral.until - now).count();
  std::string state = fmt::format("active;expires={}", left);
  if (sip::is_final(referral.status)) state = "terminated;reason=noresource";
  if (referral.unsubscribes) state = "terminated;reason=timeout";
  notify.header(sip::HeaderId::event, referral.event)
      .header(sip::HeaderId::subscription_state, state)
      .header(sip::HeaderId::allow, allow(services_.config))
      .header(sip::HeaderId::supported, supported(services_.config));
  referral.notify = send_request(std::move(notify), sip::Method::notify, sip::sipfrag_type,
                                 sip::make_sipfrag(referral.status), now);
}

void Call::notify_answered(int status, Time now) {
  referral_->notify = 0;
  // RFC 6665 4.2.2: no answer, or one of these, ends the subscription; the transfer goes on without it.
  const bool lost = status == 0 || status == 481 || status == 404 || status == 489;
  if (lost || std::exchange(referral_->unsubscribes, false)) referral_->subscribed = false;
  notify_referrer(now);
}

// The peer knows all there is to know.
void Call::referral_done(Time now) {
  const int status = referral_->status;
  referral_.reset();
  if (sip::is_success(status) && !over()) send_bye(EndCause::transferred, "transferred", now);
}

// The call ends while a REFER waits for its answer, or while it is followed.
void Call::drop_referral(Time now) {
  if (!referral_) return;
  referral_->bye_at.reset();
  if (referral_->accepted) return; // the subscription outlives the call (RFC 5057 4)
  respond(referral_->transaction, *referral_->request, 481, now);
  referral_.reset();
}

// A refresh of the subscription that a REFER began, or its end (RFC 3515 2.4.4).
void Call::receive_subscribe(sip::TransactionId id, const sip::Incoming& request, Time now) {
  const sip::MessageView& view = request.view();
  const auto event = sip::TokenParams::parse(view.value(sip::HeaderId::event));
  if (!follows_refer() || !event || !ascii::iequals(event->token, "refer")) {
    sip::Builder refusal = reply(request, 489);
    refusal.header(sip::HeaderId::allow_events, allowed_events);
    return services_.layer.respond(id, refusal.build(), now);
  }
  const auto longest =
      static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::seconds>(subscription_time).count());
  const std::uint32_t expires =
      std::min(sip::parse_delta_seconds(view.value(sip::HeaderId::expires)).value_or(longest), longest);
  sip::Builder ok = reply(request, 200);
  ok.header(sip::HeaderId::expires, expires);
  services_.layer.respond(id, ok.build(), now);
  referral_->until = now + std::chrono::seconds(expires);
  if (expires == 0) {
    referral_->until = now + subscription_time; // the transfer itself goes on
    referral_->unsubscribes = true;
  }
  referral_->told = 0; // RFC 6665 4.2.1.2: each SUBSCRIBE is followed by a NOTIFY
  notify_referrer(now);
}

} // namespace talky::call
