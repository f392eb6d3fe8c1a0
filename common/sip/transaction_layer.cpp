#include "sip/transaction_layer.hpp"

#include <utility>

#include "sip/status.hpp"
#include "sip/transaction_layer_impl.hpp"

namespace talky::sip {

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
  const std::string branch = std::string(branch_cookie) + random_.token(20);
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
  const std::string branch = std::string(branch_cookie) + random_.token(20);
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

} // namespace talky::sip
