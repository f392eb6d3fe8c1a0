#include "call/incoming_invite.hpp"

#include <utility>

#include "call/protocol.hpp"

namespace talky::call {
namespace {

// RFC 3261 13.3.1.1: a provisional response at least every minute keeps proxies from giving up.
constexpr Duration kRingInterval = std::chrono::seconds(60);

void add_headers(sip::Builder& builder, const Headers& headers) {
  for (const auto& [name, value] : headers)
    builder.header(name, value);
}

} // namespace

IncomingInvite::IncomingInvite(CallSignalling& signalling, TimerTable& timers, sip::TransactionId transaction,
                               sip::IncomingPtr invite, Time now)
    : signalling_(signalling),
      timers_(timers),
      transaction_(transaction),
      invite_(std::move(invite)),
      source_(invite_->flow().remote.ip) {
  signalling_.own(transaction);
  timers_.set(Timer::decide, now + signalling_.config().answer_timeout);
}

void IncomingInvite::accept(const Headers& headers) {
  accepted_ = true;
  headers_ = headers;
  timers_.stop(Timer::decide);
}

void IncomingInvite::ring(Time now) {
  timers_.set(Timer::ring_again, now + kRingInterval);
  const bool reliable = invite_->view().lists(sip::HeaderId::require, "100rel");
  sip::Builder ringing = signalling_.reply(*invite_, 180);
  ringing.header(sip::HeaderId::allow, allow(signalling_.config()));
  add_headers(ringing, headers_);
  if (!reliable) return signalling_.layer().respond(transaction_, ringing.build(), now);
  // The first reliable response to an INVITE without an offer would have to carry ours (RFC 3261 13.2.1),
  // which is not known before the answer: such a caller hears nothing until then.
  if (invite_->view().body().empty()) return;
  if (!provisional_) {
    const auto cseq = invite_->view().cseq();
    provisional_.emplace(signalling_.config().timers,
                         static_cast<std::uint32_t>(signalling_.random().below(1'000'000) + 1),
                         cseq ? cseq->number : 0);
  }
  if (provisional_->outstanding()) return;
  provisional_->respond(std::move(ringing), "", "", now);
  send_provisional(now);
}

void IncomingInvite::send_provisional(Time now) {
  while (auto message = provisional_->poll())
    signalling_.layer().respond(transaction_, *message, now);
}

// RFC 3262 3: while a reliable provisional response waits for its PRACK the 2xx may wait, but need not if
// neither carries an offer or answer that the other depends on.
void IncomingInvite::answer(sip::SessionTimer& timer, std::string_view description, Time now) {
  timers_.stop(Timer::ring_again);
  provisional_.reset();
  sip::Builder ok = signalling_.reply(*invite_, 200);
  ok.header(sip::HeaderId::allow, allow(signalling_.config()))
      .header(sip::HeaderId::supported, supported(signalling_.config()));
  timer.receive_request(invite_->view(), now); // its interval was checked when the INVITE came
  timer.answer_headers(ok);
  add_headers(ok, headers_);
  signalling_.respond_2xx(transaction_, *invite_, ok.body(kSdpType, description), now);
  status_ = 200;
  invite_.reset();
  Headers().swap(headers_);
}

void IncomingInvite::refuse(int status, std::string_view reason, Time now) {
  sip::Builder refusal = signalling_.reply(*invite_, status, reason);
  if (status == 503) refusal.header(sip::HeaderId::retry_after, 5);
  signalling_.layer().respond(transaction_, refusal.build(), now);
  status_ = status;
}

void IncomingInvite::receive_prack(sip::TransactionId id, const sip::Incoming& prack, Time now) {
  if (!provisional_) return signalling_.respond(id, prack, 481, now);
  const int status = provisional_->receive(prack.view(), now);
  // Our reliable responses carry no SDP, so a PRACK may only bring a new offer; the 200 to INVITE answers the
  // first.
  const bool offers = status == 200 && !prack.view().body().empty();
  signalling_.respond(id, prack, offers ? 488 : status, now);
  if (!offers) send_provisional(now);
}

bool IncomingInvite::expire(Time now) {
  if (!provisional_) return true;
  provisional_->expire(now);
  send_provisional(now);
  return !provisional_->failed();
}

} // namespace talky::call
