// The inside: which call a message, a packet or a moment belongs to.
#include "call/user_agent_impl.hpp"

#include <variant>

#include "call/protocol.hpp"

namespace talky::call {
namespace {

sip::TransactionLayer::Config layer_config(const Config& config) {
  sip::TransactionLayer::Config result;
  result.timers = config.timers;
  result.policy.methods = methods;
  result.policy.schemes = {"sip", "tel"}; // sips asks for TLS on every hop
  result.policy.extensions = {"timer", "100rel", "replaces"};
  if (config.follow_refer) {
    result.policy.extensions.emplace_back("norefersub");
  } else {
    result.policy.unlisted.insert(sip::Method::refer);
  }
  result.max_transactions = config.max_transactions;
  result.max_transactions_per_source = config.max_pending_per_source;
  result.server = config.product;
  return result;
}

Random::Seed draw_seed(Random& random) {
  Random::Seed seed{};
  for (auto& word : seed)
    word = random();
  return seed;
}

} // namespace

UserAgent::Impl::Impl(Config config, Random random)
    : config_(std::move(config)),
      random_(random),
      layer_(layer_config(config_), draw_seed(random_)),
      registrar_(config_.registrar),
      counter_(config_.max_calls, config_.max_calls_per_source) {
  if (!config_.admit) {
    config_.admit = [this](const IpAddress& source) { return counter_.enter(source); };
    config_.release = [this](const IpAddress& source) { counter_.leave(source); };
  }
  if (config_.find_user) {
    sip::DigestServer::Config digest;
    digest.realm = config_.realm;
    digest.key = config_.digest_key;
    digest.algorithms = config_.digest_algorithms;
    digest_.emplace(std::move(digest));
  }
}

// ---- Calls and their timers ----

Call* UserAgent::Impl::find(CallKey key) {
  const auto it = calls_.find(key);
  return it == calls_.end() || it->second->over() ? nullptr : it->second.get();
}

Call* UserAgent::Impl::owner(sip::TransactionId id) {
  const auto it = owners_.find(id);
  if (it == owners_.end()) return nullptr;
  const auto call = calls_.find(it->second);
  return call == calls_.end() ? nullptr : call->second.get();
}

Call& UserAgent::Impl::add(std::unique_ptr<Call> call) {
  Call& added = *call;
  ++live_;
  by_tag_.emplace(added.local_tag(), added.key());
  calls_.emplace(added.key(), std::move(call));
  return added;
}

void UserAgent::Impl::touch(Call& call) {
  if (call.listed) return;
  call.listed = true;
  ready_.push_back(call.key());
}

void UserAgent::Impl::schedule(Call& call) {
  const auto due = call.deadline();
  if (!due || (call.scheduled && *call.scheduled <= *due)) return; // an early call finds nothing to do
  call.scheduled = due;
  timers_.emplace(*due, call.key());
}

void UserAgent::Impl::erase_if_gone(Call& call) {
  if (!call.gone(now_)) return;
  call.forget_transactions();
  by_tag_.erase(call.local_tag());
  calls_.erase(call.key());
}

std::optional<Time> UserAgent::Impl::deadline() const {
  auto first = earlier(earlier(layer_.deadline(), registrar_.deadline()), framers_.deadline());
  if (!timers_.empty()) first = earlier(first, timers_.top().first);
  return first;
}

void UserAgent::Impl::expire(Time now) {
  now_ = now;
  layer_.expire(now);
  pump(now);
  registrar_.expire(now);
  tell_registrations();
  for (const std::uint64_t connection : framers_.expire(now)) {
    outbox_.emplace_back(
        Log{log::Level::info, log::Line("connection.stalled").add("why", "a message does not end").str()});
    outbox_.emplace_back(CloseFlow{{sip::Transport::tcp, {}, {}, connection}});
  }
  while (!timers_.empty() && timers_.top().first <= now) {
    const auto [due, key] = timers_.top();
    timers_.pop();
    const auto it = calls_.find(key);
    if (it == calls_.end() || it->second->scheduled != due) continue; // gone, or due earlier meanwhile
    it->second->scheduled.reset();
    it->second->expire(now);
    touch(*it->second);
  }
  pump(now);
}

std::optional<Output> UserAgent::Impl::poll() {
  for (;;) {
    if (!outbox_.empty()) {
      Output output = std::move(outbox_.front());
      outbox_.pop_front();
      return output;
    }
    if (ready_.empty()) return std::nullopt;
    const auto it = calls_.find(ready_.front());
    if (it == calls_.end()) {
      ready_.pop_front();
      continue;
    }
    Call& call = *it->second;
    follow_up(call);
    auto output = call.poll(now_);
    pump(now_); // a silent peer or the last word may have ended the call
    if (output) {
      if (std::holds_alternative<CallEnded>(*output)) {
        --live_;
        config_.release(call.is_incoming() ? call.source() : IpAddress());
      }
      return output;
    }
    if (!outbox_.empty()) continue; // and look at this call once more
    ready_.pop_front();
    call.listed = false;
    schedule(call);
    erase_if_gone(call);
  }
}

// ---- The network ----

void UserAgent::Impl::receive_sip(const sip::Flow& flow, std::string_view bytes, Time now) {
  now_ = now;
  if (flow.reliable()) {
    receive_stream(flow, bytes, now);
  } else {
    layer_.receive(flow, bytes, now);
  }
  pump(now);
}

void UserAgent::Impl::receive_stream(const sip::Flow& flow, std::string_view bytes, Time now) {
  if (!framers_.contains(flow.connection) && framers_.size() >= config_.max_connections) {
    outbox_.emplace_back(CloseFlow{flow});
    return;
  }
  sip::Framer& framer = framers_.feed(flow.connection, bytes);
  for (bool whole = false;; whole = true) {
    const auto item = framer.next();
    if (!item) {
      if (!framer.broken().empty()) layer_.receive(flow, framer.broken(), now);
      pump(now);
      outbox_.emplace_back(CloseFlow{flow});
      return;
    }
    if (!*item) return framers_.drained(flow.connection, whole, now);
    switch ((*item)->kind) {
      case sip::Framer::Kind::message: layer_.receive(flow, (*item)->bytes, now); break;
      case sip::Framer::Kind::ping: outbox_.emplace_back(SendSip{flow, "\r\n"}); break;
      case sip::Framer::Kind::pong: break;
    }
  }
}

void UserAgent::Impl::receive_rtp(CallKey key, Bytes bytes, const Endpoint& source, bool is_rtcp, Time now) {
  now_ = now;
  Call* const call = find(key);
  if (call == nullptr) return;
  call->receive_rtp(bytes, source, is_rtcp, now);
  touch(*call);
}

void UserAgent::Impl::flow_opened(const sip::Flow& flow, Time now) {
  now_ = now;
  for (auto& [key, call] : calls_)
    call->flow_opened(flow);
}

void UserAgent::Impl::flow_closed(const sip::Flow& flow, Time now) {
  now_ = now;
  framers_.erase(flow.connection);
  layer_.transport_failed(flow, now);
  if (flow.connection != 0) registrar_.flow_closed(flow.connection);
  tell_registrations();
  for (auto& [key, call] : calls_)
    call->flow_closed(flow);
  pump(now);
}

void UserAgent::Impl::pump(Time now) {
  while (auto output = layer_.poll()) {
    if (auto* const datagram = std::get_if<sip::Datagram>(&*output)) {
      outbox_.emplace_back(std::move(*datagram));
    } else if (const auto* const received = std::get_if<sip::RequestReceived>(&*output)) {
      request(received->id, received->request, now);
    } else if (const auto* const ack = std::get_if<sip::AckReceived>(&*output)) {
      const auto it = by_tag_.find(std::string(ack->ack->view().to_tag()));
      if (it == by_tag_.end()) continue;
      Call& call = *calls_.at(it->second);
      call.receive_ack(ack->ack, now);
      touch(call);
    } else if (const auto* const cancel = std::get_if<sip::CancelReceived>(&*output)) {
      if (Call* const call = owner(cancel->invite)) {
        call->receive_cancel(now);
        touch(*call);
      }
    } else if (const auto* const response = std::get_if<sip::ResponseReceived>(&*output)) {
      if (Call* const call = owner(response->id)) {
        call->receive_response(response->id, response->response, now);
        touch(*call);
      }
    } else if (const auto* const refused = std::get_if<sip::MessageRefused>(&*output)) {
      outbox_.emplace_back(Log{log::Level::info, log::Line("sip.refused")
                                                     .add("source", refused->flow.remote.to_string())
                                                     .add("status", refused->status)
                                                     .add("reason", refused->reason)
                                                     .str()});
    } else {
      const auto* const timed_out = std::get_if<sip::TransactionTimedOut>(&*output);
      const auto* const failed = std::get_if<sip::TransactionFailed>(&*output);
      const sip::TransactionId id = timed_out != nullptr ? timed_out->id : failed != nullptr ? failed->id : 0;
      if (Call* const call = owner(id)) {
        call->transaction_lost(id, now);
        touch(*call);
      }
    }
  }
}

Result<CallKey> UserAgent::Impl::invite(const InviteOptions& options, Time now) {
  now_ = now;
  if (shutting_down_) return fail(Errc::closed, 0, "a user agent that is not shutting down");
  if (options.refer != 0) {
    const auto referrer = calls_.find(options.refer);
    if (referrer == calls_.end() || !referrer->second->follows_refer())
      return fail(Errc::not_found, 0, "a call whose REFER is followed");
  }
  const Services services{config_, layer_, random_, outbox_, owners_};
  auto call = std::make_unique<Call>(services, next_key_, options, now);
  if (config_.admit(IpAddress()) != CallCounter::Verdict::granted)
    return fail(Errc::too_large, 0, "fewer calls than the limit");
  if (auto started = call->start(now); !started) {
    config_.release(IpAddress());
    return tl::unexpected(started.error());
  }
  touch(add(std::move(call)));
  pump(now);
  return next_key_++;
}

// Not with(): the call itself may have ended, and its subscription goes on.
Result<> UserAgent::Impl::end_refer(CallKey key, int status, Time now) {
  now_ = now;
  const auto it = calls_.find(key);
  if (it == calls_.end()) return fail(Errc::not_found, 0, "a call with a REFER");
  auto done = it->second->end_refer(status, now);
  touch(*it->second);
  pump(now);
  return done;
}

// What one call means for another. Called when all that it has said so far has been told: the rim has moved
// to the new call before the old one ends.
void UserAgent::Impl::follow_up(Call& call) {
  if (call.refer() != 0) {
    if (const auto referrer = calls_.find(call.refer()); referrer != calls_.end()) {
      referrer->second->refer_progress(call.progress(), now_);
      touch(*referrer->second);
    }
  }
  if (call.replaces != 0 && call.confirmed()) {
    if (Call* const replaced = find(std::exchange(call.replaces, 0))) {
      replaced->hangup(EndCause::transferred, "replaced", false, now_);
      touch(*replaced);
    }
  }
  pump(now_);
}

void UserAgent::Impl::shutdown(Time now) {
  now_ = now;
  shutting_down_ = true;
  std::vector<CallKey> keys; // in the order of their beginning
  for (const auto& [key, call] : calls_)
    keys.push_back(key);
  std::sort(keys.begin(), keys.end());
  for (const CallKey key : keys) {
    Call& call = *calls_.at(key);
    call.hangup(EndCause::shutdown, "shutting down", false, now);
    touch(call);
  }
  pump(now);
}

std::uint64_t UserAgent::Impl::queued(CallKey key) const {
  const auto it = calls_.find(key);
  if (it == calls_.end()) return 0;
  const media::Media* const media = std::as_const(*it->second).media();
  return media != nullptr ? media->samples_queued() : 0;
}

std::optional<media::MediaQuality> UserAgent::Impl::quality(CallKey key) const {
  const auto it = calls_.find(key);
  const media::Media* const media = it == calls_.end() ? nullptr : std::as_const(*it->second).media();
  return media != nullptr ? std::optional(media->quality()) : std::nullopt;
}

} // namespace talky::call
