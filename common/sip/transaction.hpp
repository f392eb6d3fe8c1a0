// The four transaction state machines of RFC 3261 17 with the Accepted state of RFC 6026. Each belongs to one
// request, is fed messages that somebody has matched (sip/transaction_layer.hpp) and the time, and is drained
// with poll(). None knows addresses, and none keeps a view of what it was given.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/time.hpp"
#include "sip/builder.hpp"
#include "sip/message.hpp"
#include "sip/timers.hpp"

namespace talky::sip {

enum class TransactionState : std::uint8_t {
  calling,    // INVITE client: no response yet
  trying,     // non-INVITE: no response yet
  proceeding, // provisional responses, or an INVITE server's start
  accepted,   // INVITE: 2xx (RFC 6026)
  completed,  // a final response; for INVITE 300-699
  confirmed,  // INVITE server: the ACK of a 300-699 has come
  terminated
};
std::string_view to_string(TransactionState state);

// What a machine wants done, in order.
struct TransactionOutput {
  enum class Kind : std::uint8_t {
    send,       // `bytes` to the peer
    deliver,    // the message just received is for the user of the transaction
    time_out,   // no (final) response, or no ACK: the transaction is over
    send_cancel // the moment has come to send the CANCEL that was asked for
  };
  Kind kind;
  std::string bytes = {};
};

// First in, first out; memory is kept.
class Outbox {
 public:
  void push(TransactionOutput::Kind kind) { queue_.push_back({kind, {}}); }
  void send(std::string bytes) { queue_.push_back({TransactionOutput::Kind::send, std::move(bytes)}); }
  std::optional<TransactionOutput> poll();

 private:
  std::vector<TransactionOutput> queue_;
  std::size_t next_ = 0;
};

// RFC 3261 17.2.1.
class InviteServer {
 public:
  InviteServer(const Timers& timers, bool reliable, Time now);

  // After this long without a response the machine sends `trying` by itself (a 100 built by the caller).
  void set_trying(Message trying) { trying_ = std::move(trying.bytes); }
  // A retransmitted INVITE, or an ACK.
  void receive(Method method, Time now);
  // 100-699. In `accepted` further 2xx pass (their retransmission is the user's: sip/reliable_2xx.hpp);
  // whatever else comes after a final response is ignored.
  void respond(int status, Message response, Time now);
  void expire(Time now);
  std::optional<Time> deadline() const;
  std::optional<TransactionOutput> poll() { return outbox_.poll(); }
  TransactionState state() const { return state_; }
  void terminate() { state_ = TransactionState::terminated; }

 private:
  void send_trying();

  Timers timers_;
  TransactionState state_ = TransactionState::proceeding;
  bool reliable_;
  std::string trying_, last_;     // last_: sent again when the INVITE comes again
  Duration interval_{};           // timer G
  std::optional<Time> resend_;    // `trying`, then timer G
  std::optional<Time> giving_up_; // timers H, I, L
  Outbox outbox_;
};

// RFC 3261 17.2.2.
class NonInviteServer {
 public:
  NonInviteServer(const Timers& timers, bool reliable);

  void receive(); // a retransmission
  void respond(int status, Message response, Time now);
  void expire(Time now);
  std::optional<Time> deadline() const; // timer J
  std::optional<TransactionOutput> poll() { return outbox_.poll(); }
  TransactionState state() const { return state_; }
  void terminate() { state_ = TransactionState::terminated; }

 private:
  Timers timers_;
  TransactionState state_ = TransactionState::trying;
  bool reliable_;
  std::string last_;
  std::optional<Time> giving_up_;
  Outbox outbox_;
};

// RFC 3261 17.1.1. Makes the ACK of a 300-699 itself; the ACK of a 2xx is the dialog's.
class InviteClient {
 public:
  // `request` with its Via; sent at once.
  InviteClient(const Timers& timers, bool reliable, Message request, Time now);

  void receive(const MessageView& response, Time now);
  // Ends the attempt (RFC 3261 9.1): send_cancel comes out when a provisional response is there, and TimeOut
  // if no final one follows within 64 T1.
  void cancel(Time now);
  void expire(Time now);
  std::optional<Time> deadline() const;
  std::optional<TransactionOutput> poll() { return outbox_.poll(); }
  TransactionState state() const { return state_; }
  const std::string& request() const { return request_; }
  void terminate() { state_ = TransactionState::terminated; }

 private:
  void send_cancel(Time now);

  Timers timers_;
  TransactionState state_ = TransactionState::calling;
  bool reliable_;
  bool cancelling_ = false, cancel_sent_ = false;
  std::string request_, ack_;
  Duration interval_{};           // timer A
  std::optional<Time> resend_;    // timer A
  std::optional<Time> giving_up_; // timers B, D, M
  Outbox outbox_;
};

// The CANCEL of an INVITE that was sent (RFC 3261 9.1), with the INVITE's own Via.
Message make_cancel(const MessageView& invite);

// RFC 3261 17.1.2.
class NonInviteClient {
 public:
  NonInviteClient(const Timers& timers, bool reliable, Message request, Time now);

  void receive(const MessageView& response, Time now);
  void expire(Time now);
  std::optional<Time> deadline() const;
  std::optional<TransactionOutput> poll() { return outbox_.poll(); }
  TransactionState state() const { return state_; }
  void terminate() { state_ = TransactionState::terminated; }

 private:
  Timers timers_;
  TransactionState state_ = TransactionState::trying;
  bool reliable_;
  std::string request_;
  Duration interval_{};           // timer E
  std::optional<Time> resend_;    // timer E
  std::optional<Time> giving_up_; // timers F, K
  Outbox outbox_;
};

} // namespace talky::sip
