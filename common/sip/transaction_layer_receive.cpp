// What comes in: matching, and what the layer answers by itself.
#include <algorithm>
#include <utility>

#include "core/ascii.hpp"
#include "core/fnv.hpp"
#include "sip/status.hpp"
#include "sip/transaction_layer_impl.hpp"

namespace talky::sip {

namespace {

bool is_keep_alive(std::string_view datagram) { // RFC 5626 4.4.1, and the zeros that some phones send
  return datagram.find_first_not_of(std::string_view("\r\n \0", 4)) == std::string_view::npos;
}

} // namespace

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
