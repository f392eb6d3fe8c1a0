#include "sip/transaction_layer.hpp"

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

#include "core/ascii.hpp"
#include "core/fnv.hpp"
#include "sip/matching.hpp"
#include "sip/status.hpp"
#include "sip/transaction.hpp"

namespace talky::sip {

namespace {

bool is_keep_alive(std::string_view datagram) { // RFC 5626 4.4.1, and the zeros that some phones send
  return datagram.find_first_not_of(std::string_view("\r\n \0", 4)) == std::string_view::npos;
}

} // namespace

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

TransactionLayer::TransactionLayer(Config config, const Random::Seed& seed)
    : impl_(std::make_unique<Impl>(std::move(config), seed)) {}
TransactionLayer::~TransactionLayer() = default;
TransactionLayer::TransactionLayer(TransactionLayer&&) noexcept = default;
TransactionLayer& TransactionLayer::operator=(TransactionLayer&&) noexcept = default;

void TransactionLayer::receive(const Flow& flow, std::string_view datagram, Time now) {
  impl_->receive(flow, datagram, now);
}
void TransactionLayer::transport_failed(const Flow& flow, [[maybe_unused]] Time now) {
  impl_->transport_failed(flow);
}
TransactionId TransactionLayer::request(const Flow& flow, const Message& message, Time now,
                                        std::string_view sent_by) {
  return impl_->request(flow, message, now, sent_by);
}
void TransactionLayer::cancel(TransactionId invite, Time now) {
  impl_->cancel(invite, now);
}
void TransactionLayer::respond(TransactionId id, const Message& response, Time now) {
  impl_->respond(id, response, now);
}
void TransactionLayer::send(const Flow& flow, const Message& message, std::string_view sent_by) {
  impl_->send(flow, message, sent_by);
}
void TransactionLayer::expire(Time now) {
  impl_->expire(now);
}
std::optional<Time> TransactionLayer::deadline() const {
  return impl_->deadline();
}
std::optional<LayerOutput> TransactionLayer::poll() {
  return impl_->poll();
}
std::size_t TransactionLayer::size() const {
  return impl_->size();
}
const TransactionLayer::Counters& TransactionLayer::counters() const {
  return impl_->counters();
}
const UasPolicy& TransactionLayer::policy() const {
  return impl_->config().policy;
}
std::string TransactionLayer::token(std::size_t length) {
  return impl_->token(length);
}

TransactionLayer::Impl::Impl(Config config, const Random::Seed& seed)
    : config_(std::move(config)), random_(seed), tag_secret_(random_()) {}

// --- commands
// ---------------------------------------------------------------------------------------------------------

Message TransactionLayer::Impl::with_via(const Message& message, const Flow& flow, std::string_view sent_by,
                                         std::string_view branch) {
  std::string via("SIP/2.0/");
  via.append(to_string(flow.transport)).append(" ");
  via.append(sent_by.empty() ? flow.local.to_string() : std::string(sent_by));
  via.append(";rport;branch=").append(branch);
  return with_top_header(message, HeaderId::via, via);
}

TransactionId TransactionLayer::Impl::request(const Flow& flow, const Message& message, Time now,
                                              std::string_view sent_by) {
  const std::string branch = std::string(kBranchCookie) + random_.token(20);
  const std::string_view method = method_of(message.bytes);
  std::string key = client_key(branch, method);
  Message out = with_via(message, flow, sent_by, branch);
  const bool reliable = flow.reliable();
  Machine machine = to_method(method) == Method::invite
                        ? Machine(InviteClient(config_.timers, reliable, std::move(out), now))
                        : Machine(NonInviteClient(config_.timers, reliable, std::move(out), now));
  Transaction& transaction = add(std::move(machine), flow, std::move(key), false, true);
  const TransactionId id = transaction.id;
  drain(transaction, nullptr, now);
  return id;
}

void TransactionLayer::Impl::cancel(TransactionId invite, Time now) {
  const auto found = transactions_.find(invite);
  if (found == transactions_.end()) return;
  auto* const machine = std::get_if<InviteClient>(&found->second->machine);
  if (machine == nullptr) return;
  machine->cancel(now);
  drain(*found->second, nullptr, now);
}

void TransactionLayer::Impl::respond(TransactionId id, const Message& response, Time now) {
  const auto found = transactions_.find(id);
  if (found == transactions_.end() || !found->second->server) return;
  answer(*found->second, status_of(response.bytes), response, now);
}

void TransactionLayer::Impl::answer(Transaction& transaction, int status, Message reply, Time now) {
  if (const std::string_view tag = to_tag_of(reply.bytes); !tag.empty()) transaction.to_tag = tag;
  if (auto* const invite = std::get_if<InviteServer>(&transaction.machine)) {
    invite->respond(status, std::move(reply), now);
  } else {
    std::get<NonInviteServer>(transaction.machine).respond(status, std::move(reply), now);
  }
  drain(transaction, nullptr, now);
}

void TransactionLayer::Impl::send(const Flow& flow, const Message& message, std::string_view sent_by) {
  const bool request = !method_of(message.bytes).empty();
  const auto view = message.view();
  if (!request || (view && view->has(HeaderId::via))) {
    outputs_.emplace_back(Datagram{flow, message.bytes});
    return;
  }
  const std::string branch = std::string(kBranchCookie) + random_.token(20);
  outputs_.emplace_back(Datagram{flow, with_via(message, flow, sent_by, branch).bytes});
}

void TransactionLayer::Impl::transport_failed(const Flow& flow) {
  std::vector<TransactionId> hit;
  for (const auto& [id, transaction] : transactions_) {
    if (transaction->flow == flow) hit.push_back(id);
  }
  std::sort(hit.begin(), hit.end()); // the map has no order, and runs must be alike
  for (const TransactionId id : hit) {
    Transaction& transaction = *transactions_.at(id);
    if (transaction.user_knows && (!transaction.server || transaction.pending)) {
      outputs_.emplace_back(TransactionFailed{id});
    }
    remove(transaction);
  }
}

// --- time
// -------------------------------------------------------------------------------------------------------------

void TransactionLayer::Impl::expire(Time now) {
  while (!timers_.empty() && timers_.top().first <= now) {
    const auto [time, id] = timers_.top();
    timers_.pop();
    const auto found = transactions_.find(id);
    if (found == transactions_.end() || found->second->scheduled != time) continue; // an entry out of date
    Transaction& transaction = *found->second;
    transaction.scheduled.reset();
    std::visit([now](auto& machine) { machine.expire(now); }, transaction.machine);
    drain(transaction, nullptr, now);
  }
}

std::optional<Time> TransactionLayer::Impl::deadline() const {
  if (timers_.empty()) return std::nullopt;
  return timers_.top().first;
}

std::optional<LayerOutput> TransactionLayer::Impl::poll() {
  if (outputs_.empty()) return std::nullopt;
  LayerOutput output = std::move(outputs_.front());
  outputs_.pop_front();
  return output;
}

// --- the life of a transaction
// ----------------------------------------------------------------------------------------

TransactionLayer::Impl::Transaction& TransactionLayer::Impl::add(Machine machine, const Flow& flow,
                                                                 std::string key, bool server,
                                                                 bool user_knows) {
  const TransactionId id = ++last_id_;
  auto& keys = server ? server_keys_ : client_keys_;
  keys.insert_or_assign(key, id);
  auto transaction = std::make_unique<Transaction>(
      Transaction{id, std::move(machine), flow, std::move(key), {}, {}, server, user_knows});
  return *transactions_.emplace(id, std::move(transaction)).first->second;
}

void TransactionLayer::Impl::remove(Transaction& transaction) {
  const TransactionId id = transaction.id;
  auto& keys = transaction.server ? server_keys_ : client_keys_;
  if (const auto found = keys.find(transaction.key); found != keys.end() && found->second == id)
    keys.erase(found);
  if (const auto found = merges_.find(transaction.merge); found != merges_.end() && found->second == id) {
    merges_.erase(found);
  }
  if (transaction.pending) unpend(transaction);
  transactions_.erase(id);
}

void TransactionLayer::Impl::unpend(Transaction& transaction) {
  transaction.pending = false;
  const auto source = pending_.find(Endpoint{transaction.flow.remote.ip, 0});
  if (source != pending_.end() && --source->second == 0) pending_.erase(source);
}

void TransactionLayer::Impl::drain(Transaction& transaction, const IncomingPtr& received, Time now) {
  const auto next = [&] {
    return std::visit([](auto& machine) { return machine.poll(); }, transaction.machine);
  };
  while (auto output = next()) {
    switch (output->kind) {
      case TransactionOutput::Kind::send:
        outputs_.emplace_back(Datagram{transaction.flow, std::move(output->bytes)});
        break;
      case TransactionOutput::Kind::deliver:
        if (!transaction.user_knows || !received) break;
        if (transaction.server) {
          outputs_.emplace_back(AckReceived{received});
        } else {
          outputs_.emplace_back(ResponseReceived{transaction.id, received});
        }
        break;
      case TransactionOutput::Kind::time_out:
        if (transaction.user_knows) outputs_.emplace_back(TransactionTimedOut{transaction.id});
        break;
      case TransactionOutput::Kind::send_cancel: send_cancel(transaction, now); break;
    }
  }
  settle(transaction);
}

// The CANCEL is a transaction of its own, of which the user hears nothing.
void TransactionLayer::Impl::send_cancel(const Transaction& transaction, Time now) {
  const auto invite = MessageView::parse(std::get<InviteClient>(transaction.machine).request());
  const auto via = invite ? invite->top_via() : fail(Errc::malformed, 0, "an INVITE");
  if (!via) return;
  NonInviteClient machine(config_.timers, transaction.flow.reliable(), make_cancel(*invite), now);
  std::string key = client_key(via->branch(), to_string(Method::cancel));
  drain(add(std::move(machine), transaction.flow, std::move(key), false, false), nullptr, now);
}

void TransactionLayer::Impl::settle(Transaction& transaction) {
  const auto state = std::visit([](const auto& machine) { return machine.state(); }, transaction.machine);
  if (state == TransactionState::terminated) {
    remove(transaction);
    return;
  }
  const bool invite = std::holds_alternative<InviteServer>(transaction.machine);
  const bool finished = state == TransactionState::accepted || state == TransactionState::confirmed ||
                        (state == TransactionState::completed && !invite);
  if (transaction.pending && finished) {
    unpend(transaction);
    finished_.push_back(transaction.id);
  }
  const auto due = std::visit([](const auto& machine) { return machine.deadline(); }, transaction.machine);
  if (due && due != transaction.scheduled) timers_.emplace(*due, transaction.id);
  transaction.scheduled = due;
}

// ---- What comes in: matching, and what the layer answers by itself ----

void TransactionLayer::Impl::note(const Flow& flow, int status, std::string_view reason) {
  ++counters_.refused;
  outputs_.emplace_back(MessageRefused{flow, status, reason});
}

void TransactionLayer::Impl::receive(const Flow& flow, std::string_view datagram, Time now) {
  if (is_keep_alive(datagram)) {
    ++counters_.keep_alives;
    return;
  }
  ++counters_.received;
  const auto message = Incoming::parse(datagram, flow, now);
  if (!message) {
    ++counters_.unparsable;
    note(flow, 0, message.error().what);
    return;
  }
  const MessageView& view = (*message)->view();
  if (view.is_response()) {
    receive_response(*message);
  } else if (view.method() == Method::ack) {
    receive_ack(*message);
  } else {
    receive_request(*message);
  }
}

TransactionLayer::Impl::Transaction* TransactionLayer::Impl::find(
    std::unordered_map<std::string, TransactionId>& keys, const std::string& key) {
  const auto id = keys.find(key);
  return id == keys.end() ? nullptr : transactions_.at(id->second).get();
}

void TransactionLayer::Impl::receive_response(const IncomingPtr& response) {
  const MessageView& view = response->view();
  if (const Verdict verdict = validate(view, config_.policy, response->flow().reliable());
      !verdict.accepted()) {
    note(response->flow(), 0, verdict.reason);
    return;
  }
  Transaction* const transaction =
      find(client_keys_, client_key(view.top_via()->branch(), view.method_text()));
  if (transaction == nullptr) {
    ++counters_.stray_responses;
    return;
  }
  const Time now = response->time();
  if (auto* const invite = std::get_if<InviteClient>(&transaction->machine)) {
    invite->receive(view, now);
  } else {
    std::get<NonInviteClient>(transaction->machine).receive(view, now);
  }
  drain(*transaction, response, now);
}

void TransactionLayer::Impl::receive_ack(const IncomingPtr& ack) {
  const MessageView& view = ack->view();
  if (Transaction* const transaction = find(server_keys_, server_key(view, Method::ack))) {
    // By the rules for RFC 2543 the To tag must be ours; with a magic cookie the branch has said all.
    const bool ours =
        transaction->to_tag.empty() || view.to_tag() == transaction->to_tag || view.top_via()->is_rfc3261();
    if (auto* const invite = std::get_if<InviteServer>(&transaction->machine); invite != nullptr && ours) {
      invite->receive(Method::ack, ack->time());
      drain(*transaction, ack, ack->time());
      return;
    }
  }
  if (const Verdict verdict = validate(view, config_.policy, ack->flow().reliable()); !verdict.accepted()) {
    note(ack->flow(), 0, verdict.reason);
    return;
  }
  outputs_.emplace_back(AckReceived{ack});
}

void TransactionLayer::Impl::receive_request(const IncomingPtr& request) {
  const MessageView& view = request->view();
  std::string key = server_key(view, view.method());
  if (Transaction* const known = key.empty() ? nullptr : find(server_keys_, key)) {
    ++counters_.retransmissions;
    if (auto* const invite = std::get_if<InviteServer>(&known->machine)) {
      invite->receive(Method::invite, request->time());
    } else {
      std::get<NonInviteServer>(known->machine).receive();
    }
    drain(*known, request, request->time());
    return;
  }
  if (!admit(*request)) return;

  const Verdict verdict = validate(view, config_.policy, request->flow().reliable());
  if (!verdict.accepted()) {
    refuse(request, verdict, std::move(key));
    return;
  }
  if (view.method() == Method::cancel) {
    receive_cancel(request, std::move(key));
    return;
  }
  std::string merge = view.to_tag().empty() ? merge_key(view) : std::string{};
  if (!merge.empty() && merges_.contains(merge)) { // RFC 3261 8.2.2.2
    ++counters_.merged;
    Verdict merged;
    merged.action = Verdict::Action::reject;
    merged.status = 482;
    merged.reason = "Merged Request";
    refuse(request, merged, std::move(key));
    return;
  }
  Transaction& transaction = add_server(request, std::move(key));
  transaction.user_knows = true;
  if (!merge.empty()) {
    merges_.emplace(merge, transaction.id);
    transaction.merge = std::move(merge);
  }
  outputs_.emplace_back(RequestReceived{transaction.id, request});
  settle(transaction);
}

// RFC 3261 9.2. Only the sender of the INVITE may cancel it: a branch is no secret on a shared network.
void TransactionLayer::Impl::receive_cancel(const IncomingPtr& cancel, std::string key) {
  const Time now = cancel->time();
  Transaction* const invite = find(server_keys_, server_key(cancel->view(), Method::invite));
  const bool match = invite != nullptr && std::holds_alternative<InviteServer>(invite->machine) &&
                     invite->flow.remote.ip == cancel->flow().remote.ip;
  const TransactionId invite_id = match ? invite->id : 0;
  bool tell = false;
  std::string tag;
  if (match) {
    tag = invite->to_tag.empty() ? token(16) : invite->to_tag;
    tell = invite->user_knows && !invite->cancelled &&
           std::get<InviteServer>(invite->machine).state() == TransactionState::proceeding;
    invite->cancelled = true;
  } else {
    tag = token(16);
  }
  Transaction& transaction = add_server(cancel, std::move(key));
  Builder reply = Builder::reply(*cancel, match ? 200 : 481, {.to_tag = tag});
  if (!config_.server.empty()) reply.header(HeaderId::server, config_.server);
  answer(transaction, match ? 200 : 481, reply.build(), now);
  if (tell) outputs_.emplace_back(CancelReceived{invite_id, cancel});
}

// --- refusing
// ---------------------------------------------------------------------------------------------------------

bool TransactionLayer::Impl::make_room() {
  if (transactions_.size() < config_.max_transactions) return true;
  while (!finished_.empty()) {
    const TransactionId id = finished_.front();
    finished_.pop_front();
    if (const auto found = transactions_.find(id); found != transactions_.end()) {
      remove(*found->second);
      return true;
    }
  }
  return false;
}

bool TransactionLayer::Impl::admit(const Incoming& request) {
  const auto source = pending_.find(Endpoint{request.flow().remote.ip, 0});
  const bool source_full = source != pending_.end() && source->second >= config_.max_transactions_per_source;
  if (!source_full && make_room()) return true;

  ++counters_.overload;
  const Time now = request.time();
  if (now - overload_second_ >= std::chrono::seconds(1)) {
    overload_second_ = now;
    overload_replies_ = 0;
  }
  if (request->values(HeaderId::via).empty() || overload_replies_ == config_.overload_replies_per_second)
    return false;
  ++overload_replies_;
  const std::string tag = stateless_tag(request.view());
  Builder reply = Builder::reply(request, 503, {.to_tag = tag});
  reply.header(HeaderId::retry_after, 5);
  outputs_.emplace_back(Datagram{request.flow(), reply.build().bytes});
  note(request.flow(), 503, reason_phrase(503));
  return false;
}

TransactionLayer::Impl::Transaction& TransactionLayer::Impl::add_server(const IncomingPtr& request,
                                                                        std::string key) {
  const bool reliable = request->flow().reliable();
  const bool invite = request->view().method() == Method::invite;
  Machine machine = invite ? Machine(InviteServer(config_.timers, reliable, request->time()))
                           : Machine(NonInviteServer(config_.timers, reliable));
  if (invite) std::get<InviteServer>(machine).set_trying(Builder::reply(*request, 100).build());
  Transaction& transaction = add(std::move(machine), request->flow(), std::move(key), true, false);
  transaction.pending = true;
  ++pending_[Endpoint{request->flow().remote.ip, 0}];
  return transaction;
}

// The same tag for every copy of a request, and none that a stranger could foresee.
std::string TransactionLayer::Impl::stateless_tag(const MessageView& request) const {
  Fnv1a hash(tag_secret_);
  hash.text(request.call_id());
  hash.text(request.value(HeaderId::from));
  hash.text(request.value(HeaderId::cseq));
  return Random(hash.value()).token(12);
}

void TransactionLayer::Impl::refuse(const IncomingPtr& request, const Verdict& verdict, std::string key) {
  if (verdict.action == Verdict::Action::drop) {
    note(request->flow(), 0, verdict.reason);
    return;
  }
  note(request->flow(), verdict.status, verdict.reason);
  Verdict reply = verdict;
  if (!config_.server.empty()) reply.headers.emplace_back(HeaderId::server, config_.server);
  Message message = reply_to(*request, reply, stateless_tag(request->view()));
  // The refusal of an INVITE waits for its ACK; any other is the same each time the request comes.
  if (request->view().method() == Method::invite && !key.empty()) {
    answer(add_server(request, std::move(key)), verdict.status, std::move(message), request->time());
  } else {
    outputs_.emplace_back(Datagram{request->flow(), std::move(message.bytes)});
  }
}

} // namespace talky::sip
