#include <algorithm>
#include <utility>

#include "sip/status.hpp"
#include "sip/transaction.hpp"

namespace talky::sip {

std::string_view to_string(TransactionState state) {
  switch (state) {
    case TransactionState::calling: return "calling";
    case TransactionState::trying: return "trying";
    case TransactionState::proceeding: return "proceeding";
    case TransactionState::accepted: return "accepted";
    case TransactionState::completed: return "completed";
    case TransactionState::confirmed: return "confirmed";
    case TransactionState::terminated: break;
  }
  return "terminated";
}

std::optional<TransactionOutput> Outbox::poll() {
  if (next_ == queue_.size()) {
    queue_.clear();
    next_ = 0;
    return std::nullopt;
  }
  return std::move(queue_[next_++]);
}

InviteServer::InviteServer(const Timers& timers, bool reliable, Time now)
    : timers_(timers), reliable_(reliable), resend_(now + timers.trying) {}

void InviteServer::receive(Method method, Time now) {
  if (method == Method::ack) {
    if (state_ == TransactionState::accepted) {
      outbox_.push(TransactionOutput::Kind::deliver);
    } else if (state_ == TransactionState::completed) {
      resend_.reset();
      state_ = reliable_ ? TransactionState::terminated : TransactionState::confirmed;
      giving_up_ = now + timers_.t4; // timer I
    }
    return;
  }
  if (state_ == TransactionState::proceeding && last_.empty()) {
    send_trying();
  } else if (state_ == TransactionState::proceeding || state_ == TransactionState::completed) {
    outbox_.send(last_);
  }
}

void InviteServer::send_trying() {
  resend_.reset();
  last_ = std::exchange(trying_, {});
  if (!last_.empty()) outbox_.send(last_);
}

void InviteServer::respond(int status, Message response, Time now) {
  if (state_ == TransactionState::accepted) {
    if (is_success(status)) outbox_.send(std::move(response.bytes));
    return;
  }
  if (state_ != TransactionState::proceeding) return;

  resend_.reset();
  if (is_success(status)) {
    state_ = TransactionState::accepted;
    giving_up_ = now + timers_.timeout(); // timer L
    last_.clear();
    outbox_.send(std::move(response.bytes));
    return;
  }
  last_ = std::move(response.bytes);
  outbox_.send(last_);
  if (is_provisional(status)) return;

  state_ = TransactionState::completed;
  giving_up_ = now + timers_.timeout(); // timer H
  if (!reliable_) {
    interval_ = timers_.t1; // timer G
    resend_ = now + interval_;
  }
}

void InviteServer::expire(Time now) {
  if (giving_up_ && now >= *giving_up_) {
    if (state_ == TransactionState::completed) outbox_.push(TransactionOutput::Kind::time_out);
    state_ = TransactionState::terminated;
    return;
  }
  if (!resend_ || now < *resend_) return;
  if (state_ == TransactionState::proceeding) {
    send_trying();
    return;
  }
  outbox_.send(last_);
  interval_ = std::min(2 * interval_, timers_.t2);
  resend_ = now + interval_;
}

std::optional<Time> InviteServer::deadline() const {
  return state_ == TransactionState::terminated ? std::nullopt : earlier(resend_, giving_up_);
}

NonInviteServer::NonInviteServer(const Timers& timers, bool reliable)
    : timers_(timers), reliable_(reliable) {}

void NonInviteServer::receive() {
  if (state_ == TransactionState::proceeding || state_ == TransactionState::completed) outbox_.send(last_);
}

void NonInviteServer::respond(int status, Message response, Time now) {
  if (state_ != TransactionState::trying && state_ != TransactionState::proceeding) return;
  last_ = std::move(response.bytes);
  outbox_.send(last_);
  if (is_provisional(status)) {
    state_ = TransactionState::proceeding;
    return;
  }
  state_ = reliable_ ? TransactionState::terminated : TransactionState::completed;
  giving_up_ = now + timers_.timeout(); // timer J
}

void NonInviteServer::expire(Time now) {
  if (giving_up_ && now >= *giving_up_) state_ = TransactionState::terminated;
}

std::optional<Time> NonInviteServer::deadline() const {
  return state_ == TransactionState::terminated ? std::nullopt : giving_up_;
}

} // namespace talky::sip
