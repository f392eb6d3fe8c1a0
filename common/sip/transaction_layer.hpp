// Owns the transactions of one SIP stack: matches what comes in (RFC 3261 17.1.3, 17.2.3, with the rules for
// RFC 2543 peers), refuses what no user need see (sip/validate.hpp, merged requests, overload, CANCEL without
// a target), and tells its user (the TU: calls, registrar) the rest. Bytes and time in, datagrams and events
// out.
//
// Replies go to the source of the request, always; `received` and `rport` say what it was.
//
// The TU answers every RequestReceived with respond(); a 2xx to INVITE is retransmitted by the TU until its
// ACK comes (sip/reliable_2xx.hpp, sent with send()), as is required by RFC 3261 13.3.1.4.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "core/random.hpp"
#include "core/time.hpp"
#include "sip/builder.hpp"
#include "sip/flow.hpp"
#include "sip/message.hpp"
#include "sip/timers.hpp"
#include "sip/validate.hpp"

namespace talky::sip {

// Never used again in the life of a layer; 0 is none.
using TransactionId = std::uint64_t;

// A new request; the TU answers it with respond(id, ...). Never ACK or CANCEL.
struct RequestReceived {
  TransactionId id;
  IncomingPtr request;
};
// An ACK that belongs to no transaction: that of a 2xx, for the dialog.
struct AckReceived {
  IncomingPtr ack;
};
// The caller gave up before a final response. The CANCEL has its 200; the TU now answers `invite` with 487.
struct CancelReceived {
  TransactionId invite;
  IncomingPtr cancel;
};
// A response to request(id). After the final one no other comes, except further 2xx of a forked INVITE for 64
// T1.
struct ResponseReceived {
  TransactionId id;
  IncomingPtr response;
};
// No final response came (client), or no ACK for a 300-699 (INVITE server). The transaction is gone.
struct TransactionTimedOut {
  TransactionId id;
};
// The rim said that its flow cannot be used any more. The transaction is gone.
struct TransactionFailed {
  TransactionId id;
};
// For the log: a message was answered without the TU (status), or dropped (0).
struct MessageRefused {
  Flow flow;
  int status;
  std::string_view reason; // static text
};
using LayerOutput = std::variant<Datagram, RequestReceived, AckReceived, CancelReceived, ResponseReceived,
                                 TransactionTimedOut, TransactionFailed, MessageRefused>;

class TransactionLayer {
 public:
  struct Config {
    Timers timers = {};
    UasPolicy policy = {};
    // In all. When they are used up, the oldest of those that only absorb retransmissions make room; then
    // 503.
    std::size_t max_transactions = 50'000;
    // Requests of one IP address that wait for their answer or its ACK; beyond it 503.
    std::size_t max_transactions_per_source = 2'000;
    std::uint32_t overload_replies_per_second = 100; // 503s beyond the caps; then silence
    std::string server = {};                         // Server field of the replies made here; "" for none
  };
  struct Counters {
    std::uint64_t received = 0, keep_alives = 0, unparsable = 0, retransmissions = 0, refused = 0,
                  overload = 0;
    std::uint64_t stray_responses = 0, merged = 0;
  };

  // `seed` makes branches and tags; take it from the system's entropy.
  TransactionLayer(Config config, const Random::Seed& seed);
  ~TransactionLayer();
  TransactionLayer(TransactionLayer&&) noexcept;
  TransactionLayer& operator=(TransactionLayer&&) noexcept;

  // One datagram, or one message of a stream (sip/framer.hpp).
  void receive(const Flow& flow, std::string_view datagram, Time now);
  // The rim could not send on this flow, or its connection has closed: its client transactions fail, its
  // server transactions end without an event if they had answered and fail if they had not.
  void transport_failed(const Flow& flow, Time now);

  // Sends a request: puts Via with a new branch on top (sent-by is flow.local, unless `sent_by` says
  // "host:port") and retransmits as needed. Not for ACK.
  TransactionId request(const Flow& flow, const Message& message, Time now, std::string_view sent_by = {});
  // Sends the CANCEL of an INVITE sent with request(), as soon as RFC 3261 9.1 allows. The INVITE's final
  // response (487, or a 2xx that crossed) still comes as an event.
  void cancel(TransactionId invite, Time now);
  // Answers a request. Unknown ids (the transaction has ended meanwhile) are ignored.
  void respond(TransactionId id, const Message& response, Time now);
  // Sends without a transaction. A request (ACK of a 2xx) gets a Via with a new branch unless it has one; a
  // response (a 2xx again) goes as it is.
  void send(const Flow& flow, const Message& message, std::string_view sent_by = {});

  void expire(Time now);
  std::optional<Time> deadline() const;
  std::optional<LayerOutput> poll();

  std::size_t size() const; // live transactions
  const Counters& counters() const;
  const UasPolicy& policy() const;
  // A tag or Call-ID from the layer's own chance.
  std::string token(std::size_t length = 16);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

} // namespace talky::sip
