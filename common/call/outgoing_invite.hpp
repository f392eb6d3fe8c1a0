// The client's side of the first INVITE: credentials, provisional responses, forks, the 2xx and its ACK, and
// the other places of a 3xx, called one after the other (RFC 3261 13.2, 8.1.3.4; RFC 3262). Which of them may
// be called at all, and how they are reached, is decided outside: CallRedirected and redirect().
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "call/call_media.hpp"
#include "call/call_signalling.hpp"
#include "call/timer_table.hpp"
#include "sip/reliable_provisional.hpp"
#include "sip/session_timer.hpp"

namespace talky::call {

class OutgoingInvite {
 public:
  // What a response, or its absence, means for the call.
  struct Outcome {
    enum class Kind : std::uint8_t {
      pending,  // nothing yet
      answered, // the dialog stands, and the session is agreed on
      hang_up,  // the dialog stands, and is of no use: BYE
      over      // there is no dialog
    };
    Kind kind = Kind::pending;
    EndCause cause = EndCause::rejected; // of the last two
    bool by_peer = false;
    std::string reason;
  };

  OutgoingInvite(CallSignalling& signalling, TimerTable& timers, CallMedia& media, sip::SessionTimer& timer,
                 InviteOptions options);

  // Sends the INVITE. Errors: malformed (a URI or header that is none), unsupported (no such codec).
  Result<> start(Time now);
  Outcome receive(const sip::IncomingPtr& response, Time now);
  Outcome lost(Time now); // no response, or the connection has closed
  void cancel(EndCause cause, std::string_view reason, Time now);
  void stop() { over_ = true; } // the call has ended

  // After CallRedirected. Errors: malformed (no SIP URI), closed (not redirected, or not there).
  Result<> redirect(const Redirection& to, Time now);
  bool waits_for_redirect() const { return redirected_; }

  sip::Dialog* early_dialog(const sip::DialogId& id); // nullptr: none of its forks
  void drop_early_dialog(const sip::DialogId& id);

  CallKey refer() const { return options_.refer; }
  sip::TransactionId transaction() const { return transaction_; }
  int status() const { return status_; }                 // final response; 0: none
  int ringing_status() const { return ringing_status_; } // the last provisional one; 0: none
  bool allows_update() const { return allows_update_; }  // whoever answered

 private:
  struct Contact {
    std::uint16_t q = 1000; // thousandths
    std::string uri;
  };

  Result<> check() const;
  void send(Time now);
  Outcome fail_over(const sip::MessageView& response);
  void provisional(const sip::IncomingPtr& response, Time now);
  // False: a copy of a reliable one that has been seen.
  bool receive_early(sip::Dialog& dialog, const sip::IncomingPtr& response, Time now);
  Outcome success(const sip::IncomingPtr& response, Time now);
  void acknowledge(std::string_view answer);
  sip::Dialog* fork(const sip::Incoming& response);
  void drop_fork(const sip::Incoming& response, Time now);
  void learn_contacts(const sip::MessageView& response);
  bool try_elsewhere(int status);

  CallSignalling& signalling_;
  TimerTable& timers_;
  CallMedia& media_;
  sip::SessionTimer& session_timer_;
  InviteOptions options_;
  std::string contact_;
  std::uint32_t cseq_ = 0;
  std::string sent_;          // the INVITE, for Dialog::from_response
  std::string authorization_; // of the last INVITE; its ACK carries it, too (RFC 3261 22.1)
  sip::TransactionId transaction_ = 0;
  std::vector<sip::Dialog> forks_;                                                     // early dialogs
  std::vector<std::pair<std::string, sip::ReliableProvisionalReceiver>> provisionals_; // by To tag
  bool over_ = false;
  bool cancelled_ = false;
  EndCause cancel_cause_ = EndCause::cancelled;
  std::string cancel_reason_;
  int status_ = 0;
  int ringing_status_ = 0;
  bool allows_update_ = false;

  // Redirection
  std::vector<Contact> contacts_;  // of 3xx that have not been called, the most wanted first
  std::vector<std::string> known_; // every URI that was called or is in contacts_: none comes in twice
  unsigned redirects_ = 0;         // so far
  bool redirected_ = false;        // CallRedirected waits for redirect() or cancel()
};

} // namespace talky::call
