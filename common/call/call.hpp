// One call: a SIP dialog, the negotiation of its media, and the media itself, joined. A UserAgent owns the
// calls, gives each what belongs to it, wakes it at deadline() and drains it with poll().
//
//   incoming -> (ringing) -> answered -> confirmed -> ending -> ended        we were called
//   calling -> (cancelling) -> confirmed -> ending -> ended                  we called
//
// In `answered` our 200 waits for its ACK; in `ending` our BYE waits for its answer. CallEnded is told when
// `ending` or `ended` begins. The object stays a little longer, so that late messages of its dialog are
// answered rightly: see gone().
#pragma once
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "call/config.hpp"
#include "call/events.hpp"
#include "core/random.hpp"
#include "media/media.hpp"
#include "sdp/offer_answer.hpp"
#include "sip/dialog.hpp"
#include "sip/digest.hpp"
#include "sip/reliable_2xx.hpp"
#include "sip/reliable_provisional.hpp"
#include "sip/session_timer.hpp"
#include "sip/transaction_layer.hpp"

namespace talky::call {

// What the calls of one UserAgent share. All of it outlives them.
struct Services {
  const Config& config;
  sip::TransactionLayer& layer;
  Random& random;
  std::deque<Output>& outbox;
  std::unordered_map<sip::TransactionId, CallKey>& owners; // which call a transaction belongs to
};

class Call { // NOLINT(clang-analyzer-optin.performance.Padding): members stand by subject
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

  // Incoming: `invite` has passed all checks; `dialog` was made from it with `local_tag`.
  Call(Services services, CallKey key, sip::TransactionId transaction, sip::IncomingPtr invite,
       sip::Dialog dialog, Time now);
  // Outgoing; start() sends the INVITE.
  Call(Services services, CallKey key, InviteOptions options, Time now);
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  ~Call() = default;

  CallKey key() const { return key_; }
  State state() const { return state_; }
  bool over() const { return state_ == State::ending || state_ == State::ended; }
  const std::string& local_tag() const { return local_tag_; }
  const IpAddress& source() const { return source_; } // of an incoming INVITE
  bool is_incoming() const { return incoming_; }
  // What UserAgent passes on between calls.
  CallKey refer() const { return invite_options_.refer; } // whose REFER this one follows; 0: none
  int progress() const; // of an outgoing call, as a status: 100, 180 ..., 200, or why it failed
  bool names(const sip::DialogId& dialog) const; // one of its dialogs is this one
  bool replaceable() const;                      // by an INVITE with Replaces (RFC 3891 3)
  bool confirmed() const { return state_ == State::confirmed || state_ == State::answered; }

  // Commands of UserAgent; see there.
  Result<> start(Time now);
  Result<> ring(Time now);
  Result<> accept(const AcceptOptions& options, Time now);
  Result<> reject(int status, std::string_view reason, Time now);
  void hangup(EndCause cause, std::string_view reason, bool after_playout, Time now);
  Result<> set_hold(bool hold, Time now);
  Result<> dtmf(std::string_view digits, Duration length, Time now);
  Result<> transfer(std::string_view target, Time now);
  Result<> answer_refer(int status, Time now);
  Result<> end_refer(int status, Time now);
  Result<> redirect(const Redirection& to, Time now);
  // What the call that follows our peer's REFER has come to: a provisional or final status. An answered one
  // ends this call.
  void refer_progress(int status, Time now);
  bool follows_refer() const { return referral_ && referral_->accepted; }
  void attach_bridge();
  media::Media* media() { return media_ ? &*media_ : nullptr; }
  const media::Media* media() const { return media_ ? &*media_ : nullptr; }
  bool hangs_up_after_playout() const { return closing_ || bye_when_acknowledged_; }

  // From the transaction layer: what belongs to this call.
  void receive_request(sip::TransactionId id, const sip::IncomingPtr& request, Time now);
  void receive_ack(const sip::IncomingPtr& ack, Time now);
  void receive_cancel(Time now);
  void receive_response(sip::TransactionId id, const sip::IncomingPtr& response, Time now);
  void transaction_lost(sip::TransactionId id, Time now); // timed out, or its flow failed

  void receive_rtp(Bytes bytes, const Endpoint& source, bool is_rtcp, Time now);
  void flow_opened(const sip::Flow& flow);
  void flow_closed(const sip::Flow& flow);

  void expire(Time now);
  std::optional<Time> deadline() const;
  // Media outputs, and CallEnded as the last.
  std::optional<Output> poll(Time now);
  // Nothing refers to it any more, and no late message is to be expected.
  bool gone(Time now) const;

  void forget_transactions(); // before it is destroyed

  CallKey replaces = 0; // an incoming call: whose place it takes once it has been answered

  // For UserAgent's scheduling.
  std::optional<Time> scheduled;
  bool listed = false;

 private:
  // call.cpp
  void emit(Output output) { services_.outbox.push_back(std::move(output)); }
  void end(EndCause cause, bool by_peer, std::string_view reason, Time now);
  void send_bye(EndCause cause, std::string_view reason, Time now);
  void check_playout(Time now);
  void limit_playout(Time now);
  std::optional<Output> translate(media::MediaOutput& output, Time now);
  void media_silent(Time now);
  void tell_digit(const DtmfPressed& pressed, Time now);
  void tell_answered(Time now);
  static media::MediaSession open_session(const sdp::Capabilities& capabilities);
  Result<> make_media(const media::MediaSession& session, bool recording);
  void start_media(Time now);
  void add_identity(sip::Builder& builder) const;
  sip::Builder reply(const sip::Incoming& request, int status, std::string_view reason = {}) const;
  void respond(sip::TransactionId id, const sip::Incoming& request, int status, Time now,
               std::string_view reason = {});
  void respond_busy(sip::TransactionId id, const sip::Incoming& request, Time now); // 500 with Retry-After
  void own(sip::TransactionId id);
  void disown(sip::TransactionId id);

  // call_incoming.cpp
  void send_ringing(Time now);
  void answer(Time now);
  void refuse(int status, std::string_view reason, EndCause cause, bool by_peer, Time now);
  void acknowledged(const sip::MessageView* ack, Time now);

  // call_outgoing.cpp
  Result<> check_invite() const;
  void send_invite(Time now);
  void invite_response(const sip::IncomingPtr& response, Time now);
  void provisional(const sip::IncomingPtr& response, Time now);
  void success(const sip::IncomingPtr& response, Time now);
  bool retry_with_credentials(const sip::MessageView& response);
  bool take_answer(std::string_view sdp);
  void acknowledge(std::uint32_t cseq, std::string_view sdp);
  void invite_failed(const sip::MessageView& response, Time now);
  sip::Dialog* fork(const sip::Incoming& response);
  void drop_fork(const sip::Incoming& response, Time now);

  // call_redirect.cpp: 3xx, and what is tried after it
  void learn_contacts(const sip::MessageView& response);
  bool try_elsewhere(int status);

  // call_dialog.cpp: requests inside the dialog, both ways
  sip::TransactionId send_request(sip::Builder builder, sip::Method method, std::string_view type,
                                  std::string_view body, Time now, sip::Dialog* dialog = nullptr);
  void receive_info(sip::TransactionId id, const sip::Incoming& request, Time now);
  void receive_prack(sip::TransactionId id, const sip::Incoming& request, Time now);
  void receive_bye(sip::TransactionId id, const sip::IncomingPtr& request, Time now);
  void send_next_info(Time now);
  void info_done(Time now);

  // call_transfer.cpp: REFER and what becomes of it
  void receive_notify(sip::TransactionId id, const sip::Incoming& request, Time now);
  void refer_response(const sip::MessageView& response, Time now);
  void transfer_ended(int status, Time now);

  // call_referral.cpp: a REFER of the peer's, and our NOTIFYs about it
  void receive_refer(sip::TransactionId id, const sip::IncomingPtr& request, Time now);
  void receive_subscribe(sip::TransactionId id, const sip::Incoming& request, Time now);
  void notify_referrer(Time now);
  void notify_answered(int status, Time now); // status 0: no answer
  void referral_done(Time now);
  void drop_referral(Time now);

  // call_session.cpp: re-INVITE, UPDATE, session timer
  void receive_reinvite(sip::TransactionId id, const sip::IncomingPtr& request, Time now);
  void receive_update(sip::TransactionId id, const sip::IncomingPtr& request, Time now);
  void respond_unacceptable(sip::TransactionId id, const sip::Incoming& request, const Error& error,
                            Time now);
  void negotiate(Time now);
  void send_reinvite(Time now);
  void send_update(Time now);
  void reinvite_response(const sip::IncomingPtr& response, Time now);
  void update_response(const sip::IncomingPtr& response, Time now);
  bool retry_later(const sip::MessageView& response, Time now);
  void apply_plan(Time now);
  void run_session_timer(Time now);

  Services services_;
  CallKey key_;
  State state_;
  bool incoming_;
  std::string local_tag_;
  IpAddress source_{};
  Time invited_;
  std::optional<Time> answered_;
  bool answer_told_ = false;

  // Signalling
  std::optional<sip::Dialog> dialog_; // incoming: from the start; outgoing: from the first 2xx
  std::vector<sip::Dialog> forks_;    // early dialogs of an outgoing call
  std::optional<sip::Reliable2xx> reliable_2xx_;
  std::optional<sip::ReliableProvisional> reliable_provisional_;
  std::vector<std::pair<std::string, sip::ReliableProvisionalReceiver>> provisionals_; // by To tag
  sip::SessionTimer session_timer_;
  bool peer_allows_update_ = false;

  // Incoming, until it is answered
  sip::TransactionId server_invite_ = 0;
  sip::IncomingPtr invite_;
  AcceptOptions accept_options_;
  bool accepted_ = false;
  std::optional<Time> answer_at_, ring_again_at_, decide_until_, start_media_at_;

  // Outgoing
  InviteOptions invite_options_;
  std::string call_id_, contact_;
  std::uint32_t cseq_ = 0;
  std::string sent_invite_; // the message, for Dialog::from_response
  std::optional<sip::DigestClient> digest_;
  std::optional<Time> cancel_at_;
  EndCause cancel_cause_ = EndCause::cancelled;
  std::string cancel_reason_;
  std::string authorization_;       // of the last INVITE; its ACK carries it, too (RFC 3261 22.1)
  std::optional<sip::Message> ack_; // of the last 2xx: sent again whenever that comes again
  sip::TransactionId first_invite_ = 0, acked_invite_ = 0;
  int last_status_ = 0; // final response of the INVITE
  int ringing_status_ = 0;

  std::vector<sip::TransactionId> owned_; // entries of ours in services_.owners
  // Client transactions under way; 0 is none
  sip::TransactionId client_invite_ = 0, client_update_ = 0, client_info_ = 0, client_bye_ = 0,
                     client_refer_ = 0;
  bool transferring_ = false;
  std::optional<Time> transfer_until_;
  struct Referral {                     // a REFER that we follow, with its implicit subscription
    sip::TransactionId transaction = 0; // waits for answer_refer(); 0 afterwards
    sip::IncomingPtr request;           // likewise
    std::string event;                  // of the NOTIFYs
    bool accepted = false;
    bool subscribed = true;        // false: the peer wants no NOTIFY, or has lost interest
    bool unsubscribes = false;     // one last NOTIFY is owed
    int status = 100;              // that the peer is to know
    int told = 0;                  // that it knows, or will by the NOTIFY under way
    sip::TransactionId notify = 0; // under way
    Time until{};                  // of the subscription
    std::optional<Time> bye_at;    // answered: the latest time of our BYE
  };
  std::optional<Referral> referral_;
  std::uint32_t referrals_ = 0; // in this dialog so far
  struct Contact {
    std::uint16_t q = 1000; // thousandths
    std::string uri;
  };
  std::vector<Contact> contacts_;  // of 3xx that have not been called, the most wanted first
  std::vector<std::string> known_; // every URI that was called or is in contacts_: none comes in twice
  unsigned redirects_ = 0;         // so far
  bool redirected_ = false;        // CallRedirected waits for redirect() or hangup()
  std::optional<Time> retry_at_;   // after 491 or 500: no renegotiation before this
  media::Direction agreed_direction_ =
      media::Direction::sendrecv; // what our last successful re-INVITE asked for
  bool direction_due_ = false, refresh_due_ = false;

  // Media
  std::optional<sdp::OfferAnswer> negotiation_;
  std::optional<sdp::MediaPlan> plan_;
  std::optional<media::Media> media_;
  bool bridge_attached_ = false;
  bool peer_silent_ = false;
  std::optional<Time> silence_until_;
  std::optional<DtmfPressed> last_digit_;
  Time last_digit_at_{};
  std::string info_digits_;
  Duration info_length_{};

  // The end
  std::optional<std::string> bye_when_acknowledged_;
  EndCause bye_cause_ = EndCause::hangup;
  bool closing_ = false;
  std::optional<Time> closing_at_;      // hang up after playout, at the latest then
  std::optional<Time> last_word_until_; // the queue is empty: BYE then
  std::string closing_reason_;
  std::optional<CallEnded> ended_;
  bool ended_told_ = false;
  std::optional<Time> linger_until_;
};

} // namespace talky::call
