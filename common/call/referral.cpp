#include "call/referral.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <utility>

#include "call/protocol.hpp"
#include "core/ascii.hpp"
#include "sip/refer.hpp"
#include "sip/status.hpp"

namespace talky::call {
namespace {

constexpr Duration kTransferTimeout = std::chrono::seconds(60); // for the target to be reached
// Longer than any outgoing call may ring.
constexpr Duration kSubscriptionTime = std::chrono::seconds(300);
// After the last NOTIFY most phones say BYE by themselves; ours follows the NOTIFY's answer, or this.
constexpr Duration kByeAfter = std::chrono::seconds(2);

const Bye kTransferred{EndCause::transferred, "transferred"};

bool is_about_refer(const sip::MessageView& view) {
  const auto event = sip::TokenParams::parse(view.value(sip::HeaderId::event));
  return event && ascii::iequals(event->token, "refer");
}

} // namespace

// ---- A REFER of ours ----

Result<> Referral::transfer(std::string_view target, Time now) {
  if (transferring_ || followed_) return fail(Errc::closed, 0, "an answered call, not in transfer");
  const auto uri = sip::Uri::parse(target);
  if (!uri || (!uri->is_sip() && uri->scheme != sip::Uri::Scheme::tel)) {
    return fail(Errc::malformed, 0, "a target such as sip:200@127.0.0.1");
  }
  sip::Dialog& dialog = *signalling_.dialog();
  sip::Builder refer = dialog.request(sip::Method::refer);
  refer.header(sip::HeaderId::refer_to, fmt::format("<{}>", target))
      .header(sip::HeaderId::referred_by, dialog.contact());
  transferring_ = true;
  timers_.set(Timer::transfer, now + kTransferTimeout);
  refer_ = signalling_.request(std::move(refer), sip::Method::refer, "", "", now);
  return {};
}

std::optional<Bye> Referral::receive_notify(sip::TransactionId id, const sip::Incoming& request, Time now) {
  const sip::MessageView& view = request.view();
  if (!transferring_ || !is_about_refer(view)) {
    signalling_.respond_bad_event(id, request, now);
    return std::nullopt;
  }
  signalling_.respond(id, request, 200, now);
  const int status = sip::sipfrag_status(view.body());
  const auto state = sip::TokenParams::parse(view.value(sip::HeaderId::subscription_state));
  const bool last = state && ascii::iequals(state->token, "terminated");
  if (!sip::is_final(status) && !last) return std::nullopt;
  return transfer_ended(status, now);
}

std::optional<Bye> Referral::transfer_ended(int status, Time) {
  if (!transferring_ || over_) return std::nullopt;
  timers_.stop(Timer::transfer);
  if (sip::is_success(status)) return kTransferred;
  transferring_ = false;
  signalling_.emit(TransferFailed{signalling_.key(), status});
  return std::nullopt;
}

// ---- A REFER of the peer's ----

void Referral::receive_refer(sip::TransactionId id, const sip::IncomingPtr& request, bool confirmed,
                             Time now) {
  const sip::MessageView& view = request->view();
  if (!signalling_.config().follow_refer) return signalling_.respond(id, *request, 603, now);
  if (view.count(sip::HeaderId::refer_to) != 1)
    return signalling_.respond(id, *request, 400, now, "One Refer-To Expected");
  const auto refer = sip::ReferTo::parse(view.value(sip::HeaderId::refer_to));
  if (!refer) {
    const Error& error = refer.error();
    if (error.code != Errc::unsupported) return signalling_.respond(id, *request, 400, now, "Bad Refer-To");
    return signalling_.respond(id, *request, error.offset == 0 ? 416 : 603, now);
  }
  if (!confirmed) return signalling_.respond_busy(id, *request, now);
  if (followed_ || transferring_) return signalling_.respond(id, *request, 491, now);

  Followed& followed = followed_.emplace(Followed{});
  followed.transaction = id;
  followed.request = request;
  const auto cseq = view.cseq();
  // The first REFER of a dialog needs no id, and some phones do not expect one (RFC 3515 2.4.6).
  followed.event = received_++ == 0 ? "refer" : fmt::format("refer;id={}", cseq ? cseq->number : 0);
  followed.subscribed = !ascii::iequals(ascii::trim(view.value(sip::HeaderId::refer_sub)), "false");
  signalling_.emit(TransferRequested{signalling_.key(), refer->uri,
                                     sip::unfold(view.value(sip::HeaderId::referred_by)), refer->replaces,
                                     refer->require_replaces});
}

Result<> Referral::answer(int status, Time now) {
  if (!followed_ || followed_->accepted) return fail(Errc::closed, 0, "a REFER that waits");
  if (status != 202 && (status < 300 || status > 699)) return fail(Errc::malformed, 0, "202, or 300 to 699");
  Followed& followed = *followed_;
  const sip::IncomingPtr request = std::move(followed.request);
  sip::Builder answer = signalling_.reply(*request, status);
  if (status == 202 && !followed.subscribed) answer.header(sip::HeaderId::refer_sub, "false"); // RFC 4488 4
  signalling_.layer().respond(std::exchange(followed.transaction, 0), answer.build(), now);
  if (status != 202) {
    followed_.reset();
    return {};
  }
  followed.accepted = true;
  subscribe_until(now + kSubscriptionTime);
  notify(now);
  return {};
}

void Referral::subscribe_until(Time until) {
  followed_->until = until;
  if (!sip::is_final(followed_->status)) timers_.set(Timer::referral_expires, until);
}

std::optional<Bye> Referral::progress(int status, Time now) {
  if (!follows() || sip::is_final(followed_->status)) return std::nullopt;
  followed_->status = status;
  if (sip::is_final(status)) timers_.stop(Timer::referral_expires);
  if (sip::is_success(status) && !over_) timers_.set(Timer::referral_bye, now + kByeAfter);
  return notify(now);
}

// One NOTIFY at a time, so that none overtakes another; what has been passed over meanwhile is not reported.
std::optional<Bye> Referral::notify(Time now) {
  Followed& followed = *followed_;
  if (followed.notify != 0) return std::nullopt;
  if (!followed.subscribed || (followed.reported == followed.status && !followed.unsubscribes))
    return sip::is_final(followed.status) ? done() : std::nullopt;
  followed.reported = followed.status;
  sip::Builder notify = signalling_.dialog()->request(sip::Method::notify);
  const auto left = std::chrono::ceil<std::chrono::seconds>(followed.until - now).count();
  std::string state = fmt::format("active;expires={}", left);
  if (sip::is_final(followed.status)) state = "terminated;reason=noresource";
  if (followed.unsubscribes) state = "terminated;reason=timeout";
  notify.header(sip::HeaderId::event, followed.event)
      .header(sip::HeaderId::subscription_state, state)
      .header(sip::HeaderId::allow, allow(signalling_.config()))
      .header(sip::HeaderId::supported, supported(signalling_.config()));
  followed.notify = signalling_.request(std::move(notify), sip::Method::notify, sip::kSipfragType,
                                        sip::make_sipfrag(followed.status), now);
  return std::nullopt;
}

std::optional<Bye> Referral::notify_answered(int status, Time now) {
  followed_->notify = 0;
  // RFC 6665 4.2.2: no answer, or one of these, ends the subscription; the transfer goes on without it.
  const bool lost = status == 0 || status == 481 || status == 404 || status == 489;
  if (std::exchange(followed_->unsubscribes, false) || lost) followed_->subscribed = false;
  return notify(now);
}

// The peer knows all there is to know.
std::optional<Bye> Referral::done() {
  const int status = followed_->status;
  followed_.reset();
  timers_.stop(Timer::referral_bye);
  if (!sip::is_success(status) || over_) return std::nullopt;
  return kTransferred;
}

void Referral::receive_subscribe(sip::TransactionId id, const sip::Incoming& request, Time now) {
  const sip::MessageView& view = request.view();
  if (!follows() || !is_about_refer(view)) return signalling_.respond_bad_event(id, request, now);
  const auto longest =
      static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::seconds>(kSubscriptionTime).count());
  const std::uint32_t expires =
      std::min(sip::parse_delta_seconds(view.value(sip::HeaderId::expires)).value_or(longest), longest);
  sip::Builder ok = signalling_.reply(request, 200);
  ok.header(sip::HeaderId::expires, expires);
  signalling_.layer().respond(id, ok.build(), now);
  if (expires == 0) {
    subscribe_until(now + kSubscriptionTime); // the transfer itself goes on
    followed_->unsubscribes = true;
  } else {
    subscribe_until(now + std::chrono::seconds(expires));
  }
  followed_->reported = 0; // RFC 6665 4.2.1.2: each SUBSCRIBE is followed by a NOTIFY
  notify(now);
}

// ---- Both ----

std::optional<Bye> Referral::receive(sip::TransactionId id, const sip::MessageView& response, Time now) {
  const int status = response.status();
  if (id == refer_) {
    refer_ = 0;
    if (over_ || sip::is_success(status)) return std::nullopt; // the NOTIFYs bring the rest
    return transfer_ended(status, now);
  }
  const bool challenged = status == 401 || status == 407;
  if (!challenged || !signalling_.learn_challenge(response)) return notify_answered(status, now);
  followed_->notify = 0;
  followed_->reported = 0;
  return notify(now);
}

std::optional<Bye> Referral::lost(sip::TransactionId id, Time now) {
  if (id != refer_) return notify_answered(0, now);
  refer_ = 0;
  return transfer_ended(0, now);
}

// While a REFER waits for its answer, or while it is followed.
void Referral::call_ended(Time now) {
  over_ = true;
  if (!followed_ || followed_->accepted) return; // a subscription outlives the call (RFC 5057 4)
  signalling_.respond(followed_->transaction, *followed_->request, 481, now);
  followed_.reset();
}

} // namespace talky::call
