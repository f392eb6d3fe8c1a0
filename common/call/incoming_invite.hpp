// The server's side of the first INVITE: ringing, answer and refusal (RFC 3261 13.3, RFC 3262).
#pragma once
#include <optional>
#include <string_view>

#include "call/call_signalling.hpp"
#include "call/timer_table.hpp"
#include "sip/reliable_provisional.hpp"
#include "sip/session_timer.hpp"

namespace talky::call {

class IncomingInvite {
 public:
  // `invite` has passed all checks and waits for its answer as `transaction`.
  IncomingInvite(CallSignalling& signalling, TimerTable& timers, sip::TransactionId transaction,
                 sip::IncomingPtr invite, Time now);

  sip::TransactionId transaction() const { return transaction_; }
  const IpAddress& source() const { return source_; }
  std::string_view offer() const { return invite_->view().body(); } // until it has been answered
  int status() const { return status_; }                            // of the final response; 0: none yet
  bool accepted() const { return accepted_; }

  void accept(const Headers& headers); // to be added to the 180 and 200
  void ring(Time now);
  void answer(sip::SessionTimer& timer, std::string_view description, Time now);
  void refuse(int status, std::string_view reason, Time now);

  void receive_prack(sip::TransactionId id, const sip::Incoming& prack, Time now);
  bool expire(Time now); // false: a reliable response has been sent in vain, and the call is to be refused
  std::optional<Time> deadline() const { return provisional_ ? provisional_->deadline() : std::nullopt; }
  void stop() { provisional_.reset(); }

 private:
  void send_provisional(Time now);

  CallSignalling& signalling_;
  TimerTable& timers_;
  sip::TransactionId transaction_;
  sip::IncomingPtr invite_; // until it has been answered
  IpAddress source_;
  Headers headers_;
  bool accepted_ = false;
  int status_ = 0;
  std::optional<sip::ReliableProvisional> provisional_;
};

} // namespace talky::call
