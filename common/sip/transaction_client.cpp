#include <algorithm>
#include <utility>

#include "sip/status.hpp"
#include "sip/transaction.hpp"

namespace talky::sip {

namespace {

// What the ACK and the CANCEL of an INVITE have in common: its Request-URI, top Via, Route, From, Call-ID and
// CSeq number (RFC 3261 17.1.1.3, 9.1).
Message companion(const MessageView& invite, Method method, std::string_view to) {
  Builder out = Builder::request(method, invite.request_uri());
  const auto vias = invite.values(HeaderId::via);
  if (!vias.empty()) out.header(HeaderId::via, *vias.begin());
  out.copy(invite, HeaderId::route);
  out.header(HeaderId::max_forwards, "70");
  out.header(HeaderId::from, invite.value(HeaderId::from));
  out.header(HeaderId::to, to);
  out.header(HeaderId::call_id, invite.call_id());
  const auto cseq = invite.cseq();
  out.header(HeaderId::cseq, std::to_string(cseq ? cseq->number : 0).append(" ").append(to_string(method)));
  return out.build();
}

} // namespace

Message make_cancel(const MessageView& invite) {
  return companion(invite, Method::cancel, invite.value(HeaderId::to));
}

InviteClient::InviteClient(const Timers& timers, bool reliable, Message request, Time now)
    : timers_(timers),
      reliable_(reliable),
      request_(std::move(request.bytes)),
      interval_(timers.t1),
      giving_up_(now + timers.timeout()) {   // timer B
  if (!reliable_) resend_ = now + interval_; // timer A
  outbox_.send(request_);
}

void InviteClient::receive(const MessageView& response, Time now) {
  const int status = response.status();
  switch (state_) {
    case TransactionState::calling:
    case TransactionState::proceeding: break;
    case TransactionState::accepted: // retransmitted and forked 2xx; each is acknowledged by the dialog
      if (is_success(status)) outbox_.push(TransactionOutput::Kind::deliver);
      return;
    case TransactionState::completed:
      if (status >= 300) outbox_.send(ack_);
      return;
    default: return;
  }

  resend_.reset();
  outbox_.push(TransactionOutput::Kind::deliver);
  if (is_provisional(status)) {
    state_ = TransactionState::proceeding;
    if (!cancel_sent_) giving_up_.reset();
    if (cancelling_ && !cancel_sent_) send_cancel(now);
  } else if (is_success(status)) {
    state_ = TransactionState::accepted;
    giving_up_ = now + timers_.timeout(); // timer M
  } else {
    if (const auto invite = MessageView::parse(request_)) {
      ack_ = companion(*invite, Method::ack, response.value(HeaderId::to)).bytes;
    }
    outbox_.send(ack_);
    state_ = reliable_ ? TransactionState::terminated : TransactionState::completed;
    giving_up_ = now + timers_.d; // timer D
  }
}

void InviteClient::cancel(Time now) {
  cancelling_ = true;
  if (state_ == TransactionState::proceeding && !cancel_sent_) send_cancel(now);
}

void InviteClient::send_cancel(Time now) {
  cancel_sent_ = true;
  giving_up_ = now + timers_.timeout(); // RFC 3261 9.1, last paragraph
  outbox_.push(TransactionOutput::Kind::send_cancel);
}

void InviteClient::expire(Time now) {
  if (giving_up_ && now >= *giving_up_) {
    if (state_ == TransactionState::calling || state_ == TransactionState::proceeding)
      outbox_.push(TransactionOutput::Kind::time_out);
    state_ = TransactionState::terminated;
    return;
  }
  if (!resend_ || now < *resend_) return;
  outbox_.send(request_);
  interval_ *= 2;
  resend_ = now + interval_;
}

std::optional<Time> InviteClient::deadline() const {
  return state_ == TransactionState::terminated ? std::nullopt : earlier(resend_, giving_up_);
}

NonInviteClient::NonInviteClient(const Timers& timers, bool reliable, Message request, Time now)
    : timers_(timers),
      reliable_(reliable),
      request_(std::move(request.bytes)),
      interval_(timers.t1),
      giving_up_(now + timers.timeout()) {   // timer F
  if (!reliable_) resend_ = now + interval_; // timer E
  outbox_.send(request_);
}

void NonInviteClient::receive(const MessageView& response, Time now) {
  if (state_ != TransactionState::trying && state_ != TransactionState::proceeding) return;
  outbox_.push(TransactionOutput::Kind::deliver);
  if (is_provisional(response.status())) {
    state_ = TransactionState::proceeding;
    return;
  }
  resend_.reset();
  state_ = reliable_ ? TransactionState::terminated : TransactionState::completed;
  giving_up_ = now + timers_.t4; // timer K
}

void NonInviteClient::expire(Time now) {
  if (giving_up_ && now >= *giving_up_) {
    if (state_ != TransactionState::completed) outbox_.push(TransactionOutput::Kind::time_out);
    state_ = TransactionState::terminated;
    return;
  }
  if (!resend_ || now < *resend_) return;
  outbox_.send(request_);
  interval_ = state_ == TransactionState::proceeding ? timers_.t2 : std::min(2 * interval_, timers_.t2);
  resend_ = now + interval_;
}

std::optional<Time> NonInviteClient::deadline() const {
  return state_ == TransactionState::terminated ? std::nullopt : earlier(resend_, giving_up_);
}

} // namespace talky::sip
