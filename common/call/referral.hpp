// REFER both ways (RFC 3515). Ours: a blind transfer, and the NOTIFYs about what became of it. The peer's:
// the answer, the NOTIFYs of its implicit subscription, and the end of this call once the new one stands. The
// new call itself is another Call: see InviteOptions::refer.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "call/call_signalling.hpp"
#include "call/timer_table.hpp"

namespace talky::call {

class Referral {
 public:
  Referral(CallSignalling& signalling, TimerTable& timers) : signalling_(signalling), timers_(timers) {}

  // ---- Ours: TransferFailed, or a Bye once the peer has come through ----
  // Errors: malformed (no SIP or tel URI), closed (another one is under way).
  Result<> transfer(std::string_view target, Time now);
  std::optional<Bye> receive_notify(sip::TransactionId id, const sip::Incoming& request, Time now);
  std::optional<Bye> transfer_ended(int status, Time now); // 0: no answer

  // ---- The peer's: TransferRequested ----
  void receive_refer(sip::TransactionId id, const sip::IncomingPtr& request, bool confirmed, Time now);
  Result<> answer(int status, Time now);
  bool follows() const { return followed_ && followed_->accepted; } // it has been accepted
  // What the call that follows it has come to: a provisional or final status.
  std::optional<Bye> progress(int status, Time now);
  // A refresh of its subscription, or the end of that (RFC 3515 2.4.4).
  void receive_subscribe(sip::TransactionId id, const sip::Incoming& request, Time now);
  // The subscription may outlive the call (RFC 5057 4).
  bool idle() const { return !followed_; }

  // ---- Both ----
  bool ends_by_transfer() const { return transferring_ || follows(); }
  bool owns(sip::TransactionId id) const {
    return id != 0 && (id == refer_ || (followed_ && id == followed_->notify));
  }
  std::optional<Bye> receive(sip::TransactionId id, const sip::MessageView& response, Time now);
  std::optional<Bye> lost(sip::TransactionId id, Time now);
  void call_ended(Time now);

 private:
  struct Followed {                     // a REFER that we follow, with its implicit subscription
    sip::TransactionId transaction = 0; // waits for answer(); 0 afterwards
    sip::IncomingPtr request;           // likewise
    std::string event;                  // of the NOTIFYs
    bool accepted = false;
    bool subscribed = true;        // false: the peer wants no NOTIFY, or has lost interest
    bool unsubscribes = false;     // one last NOTIFY is owed
    int status = 100;              // that the peer is to know
    int reported = 0;              // that it knows, or will by the NOTIFY under way
    sip::TransactionId notify = 0; // under way
    Time until{};                  // of the subscription
  };

  void subscribe_until(Time until);
  std::optional<Bye> notify(Time now);
  std::optional<Bye> notify_answered(int status, Time now); // status 0: no answer
  std::optional<Bye> done();

  CallSignalling& signalling_;
  TimerTable& timers_;
  sip::TransactionId refer_ = 0; // of ours, under way
  bool transferring_ = false;
  std::optional<Followed> followed_;
  std::uint32_t received_ = 0; // REFERs in this dialog so far
  bool over_ = false;          // the call
};

} // namespace talky::call
