// One call: a SIP dialog, the negotiation of its media, and the media itself, joined. A UserAgent owns the
// calls, gives each what belongs to it, wakes it at deadline() and drains it with poll().
//
//   incoming -> (ringing) -> answered -> confirmed -> ending -> ended        we were called
//   calling -> (cancelling) -> confirmed -> ending -> ended                  we called
//
// In `answered` our 200 waits for its ACK; in `ending` our BYE waits for its answer. The call ends for its
// owner when `ending` or `ended` begins: CallEnded. The object stays a little longer, so that late messages
// of its dialog are answered rightly: see gone().
//
// The state of a subject stands in a class of its own: the first INVITE (IncomingInvite, OutgoingInvite),
// what changes the session (Renegotiation), REFER (Referral), keys (CallDtmf), sound (CallMedia). All of them
// speak through CallSignalling and set their timers in the TimerTable. What they cannot decide, the end of
// the call, they return; the Call carries it out.
//
// Everything that it has to say goes to Services::outbox, in the order in which it happens; poll() adds what
// the media makes, which is made only then.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "call/call_dtmf.hpp"
#include "call/call_media.hpp"
#include "call/call_signalling.hpp"
#include "call/incoming_invite.hpp"
#include "call/outgoing_invite.hpp"
#include "call/referral.hpp"
#include "call/renegotiation.hpp"
#include "call/timer_table.hpp"
#include "sip/session_timer.hpp"

namespace talky::call {

class Call {
 public:
  enum class State : std::uint8_t {
    incoming,
    ringing,
    answered,
    calling,
    cancelling,
    confirmed,
    ending,
    ended
  };

  // Incoming: `invite` has passed all checks; `dialog` was made from it.
  Call(const Services& services, CallKey key, sip::TransactionId transaction, sip::IncomingPtr invite,
       sip::Dialog dialog, Time now);
  // Outgoing; start() sends the INVITE.
  Call(const Services& services, CallKey key, InviteOptions options, Time now);
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  ~Call() { signalling_.forget_transactions(); }

  CallKey key() const { return signalling_.key(); }
  const std::string& local_tag() const { return signalling_.local_tag(); }
  bool over() const { return state_ == State::ending || state_ == State::ended; }
  bool confirmed() const { return state_ == State::confirmed || state_ == State::answered; }
  IpAddress source() const { return incoming_ ? incoming_->source() : IpAddress(); } // of an incoming INVITE
  // What UserAgent passes on between calls.
  CallKey refer() const { return outgoing_ ? outgoing_->refer() : 0; } // whose REFER this one follows
  int progress() const; // of an outgoing call, as a status: 100, 180 ..., 200, or why it failed
  bool has_dialog(const sip::DialogId& id) { return dialog_of(id) != nullptr; }
  bool replaceable() const; // by an INVITE with Replaces (RFC 3891 3)

  // Commands of UserAgent; see there.
  Result<> start(Time now) { return outgoing_->start(now); }
  Result<> ring(Time now);
  Result<> accept(const AcceptOptions& options, Time now);
  Result<> reject(int status, std::string_view reason, Time now);
  void hangup(EndCause cause, std::string_view reason, bool after_playout, Time now);
  Result<> set_hold(bool hold, Time now);
  Result<> dtmf(std::string_view digits, Duration length, Time now);
  Result<> transfer(std::string_view target, Time now);
  Result<> answer_refer(int status, Time now) { return referral_.answer(status, now); }
  Result<> redirect(const Redirection& to, Time now);
  // What the call that follows our peer's REFER has come to: a provisional or final status. An answered one
  // ends this call.
  void refer_progress(int status, Time now) { end_by(referral_.progress(status, now), now); }
  bool follows_refer() const { return referral_.follows(); }
  CallMedia& sound() { return sound_; }
  bool hangs_up_after_playout() const { return closing_ || bye_when_acknowledged_; }

  // From the transaction layer: what belongs to this call.
  void receive_request(sip::TransactionId id, const sip::IncomingPtr& request, Time now);
  void receive_ack(const sip::IncomingPtr& ack, Time now);
  void receive_cancel(Time now);
  void receive_response(sip::TransactionId id, const sip::IncomingPtr& response, Time now);
  void transaction_lost(sip::TransactionId id, Time now); // timed out, or its flow failed

  // True: something has come of it, poll() and deadline() are to be asked.
  bool receive_rtp(Bytes bytes, const Endpoint& source, bool is_rtcp, Time now);
  CallSignalling& signalling() { return signalling_; } // for flows that open and close

  void expire(Time now);
  std::optional<Time> deadline() const;
  // What the media has made, and CallEnded as the last. Borrowed parts are valid until the next poll().
  std::optional<Output> poll(Time now);
  // Nothing refers to it any more, and no late message is to be expected.
  bool gone(Time now) const;

  CallKey replaces = 0; // an incoming call: whose place it takes once it has been answered

  // For CallTable.
  std::optional<Time> scheduled;
  bool listed = false;

 private:
  bool waits() const { return state_ == State::incoming || state_ == State::ringing; }
  CallMedia::Phase phase() const { return answered_ ? CallMedia::Phase::running : CallMedia::Phase::early; }
  sip::Dialog* dialog_of(const sip::DialogId& id); // nullptr: none of ours
  void answer(Time now);
  void report_answered(Time now);
  void acknowledged(const sip::MessageView* ack, Time now);
  void carry_out(const OutgoingInvite::Outcome& outcome, Time now);
  void receive_bye(sip::TransactionId id, const sip::Incoming& request, Time now);
  void start_media(Time now);
  std::optional<Output> translate(media::MediaOutput& output, Time now);
  void limit_playout(Time now);
  void check_playout(Time now);
  void run_timer(Timer timer, Time now);
  void refuse(int status, std::string_view reason, EndCause cause, bool by_peer, Time now);
  void end_by(const std::optional<Bye>& bye, Time now);
  void send_bye(EndCause cause, std::string_view reason, Time now);
  void end(State state, EndCause cause, bool by_peer, std::string_view reason, Time now);

  State state_;
  Time invited_;
  std::optional<Time> answered_; // CallAnswered has been emitted

  CallSignalling signalling_;
  TimerTable timers_;
  sip::SessionTimer session_timer_;
  CallMedia sound_;
  std::unique_ptr<IncomingInvite> incoming_; // one of these two
  std::unique_ptr<OutgoingInvite> outgoing_;
  Renegotiation renegotiation_;
  Referral referral_;
  CallDtmf dtmf_;

  // The end
  std::optional<Bye> bye_when_acknowledged_;
  bool closing_ = false; // to be hung up once everything that was queued has left
  std::string closing_reason_;
  sip::TransactionId bye_ = 0; // under way
  std::optional<CallEnded> ended_;
  bool ended_reported_ = false;
  std::optional<Time> linger_until_; // for late messages
};

} // namespace talky::call
