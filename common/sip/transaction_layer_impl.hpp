// The inside of the transaction layer. Internal: include sip/transaction_layer.hpp.
#pragma once
#include <algorithm>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <queue>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "sip/matching.hpp"
#include "sip/transaction.hpp"
#include "sip/transaction_layer.hpp"

namespace talky::sip {

class TransactionLayer::Impl {
 public:
  Impl(Config config, const Random::Seed& seed);

  void receive(const Flow& flow, std::string_view datagram, Time now);
  void transport_failed(const Flow& flow);
  TransactionId request(const Flow& flow, const Message& message, Time now, std::string_view sent_by);
  void cancel(TransactionId invite, Time now);
  void respond(TransactionId id, const Message& response, Time now);
  void send(const Flow& flow, const Message& message, std::string_view sent_by);
  void expire(Time now);
  std::optional<Time> deadline() const;
  std::optional<LayerOutput> poll();

  std::size_t size() const { return transactions_.size(); }
  const Counters& counters() const { return counters_; }
  const Config& config() const { return config_; }
  std::string token(std::size_t length) { return random_.token(length); }

 private:
  using Machine = std::variant<InviteServer, NonInviteServer, InviteClient, NonInviteClient>;
  struct Transaction {
    TransactionId id;
    Machine machine;
    Flow flow;
    std::string key;    // in server_keys_ or client_keys_
    std::string merge;  // in merges_; "" if not there
    std::string to_tag; // that we sent
    bool server;
    bool user_knows;                              // its end is told
    bool pending = false;                         // counts for its source
    bool cancelled = false;                       // CancelReceived has been told
    std::optional<Time> scheduled = std::nullopt; // its valid entry in timers_
  };
  using Timer = std::pair<Time, TransactionId>; // equal times by id, so that every run is the same

  void receive_request(const IncomingPtr& request);
  void receive_ack(const IncomingPtr& ack);
  void receive_cancel(const IncomingPtr& cancel, std::string key);
  void receive_response(const IncomingPtr& response);
  // Whether a new server transaction may be made; answers 503 or keeps silence if not.
  bool admit(const Incoming& request);
  bool make_room();
  Transaction& add_server(const IncomingPtr& request, std::string key);
  Transaction& add(Machine machine, const Flow& flow, std::string key, bool server, bool user_knows);
  void refuse(const IncomingPtr& request, const Verdict& verdict, std::string key);
  void answer(Transaction& transaction, int status, Message reply, Time now);
  Transaction* find(std::unordered_map<std::string, TransactionId>& keys, const std::string& key);
  // Takes the outputs of a machine, then sets its timer or removes it.
  void drain(Transaction& transaction, const IncomingPtr& received, Time now);
  void send_cancel(const Transaction& transaction, Time now);
  void settle(Transaction& transaction);
  void remove(Transaction& transaction);
  void unpend(Transaction& transaction);
  void note(const Flow& flow, int status, std::string_view reason);
  Message with_via(const Message& message, const Flow& flow, std::string_view sent_by,
                   std::string_view branch);
  std::string stateless_tag(const MessageView& request) const;

  Config config_;
  Random random_;
  std::uint64_t tag_secret_;
  TransactionId last_id_ = 0;
  std::unordered_map<TransactionId, std::unique_ptr<Transaction>> transactions_;
  std::unordered_map<std::string, TransactionId> server_keys_, client_keys_, merges_;
  std::unordered_map<Endpoint, std::size_t> pending_; // by IP address, port 0
  std::deque<TransactionId> finished_; // only absorb retransmissions; oldest first; some are gone
  std::priority_queue<Timer, std::vector<Timer>, std::greater<>> timers_;
  std::deque<LayerOutput> outputs_;
  Counters counters_;
  Time overload_second_{};
  std::uint32_t overload_replies_ = 0;
};

} // namespace talky::sip
