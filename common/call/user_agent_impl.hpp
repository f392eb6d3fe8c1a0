// Inside of UserAgent: the transaction layer, the registrar, the calls and their timers.
#pragma once
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "call/call.hpp"
#include "call/user_agent.hpp"
#include "sip/digest.hpp"
#include "sip/framer_set.hpp"
#include "sip/registrar.hpp"
#include "sip/transaction_layer.hpp"

namespace talky::call {

class UserAgent::Impl {
 public:
  Impl(Config config, Random random);

  void receive_sip(const sip::Flow& flow, std::string_view bytes, Time now);
  void receive_rtp(CallKey key, Bytes bytes, const Endpoint& source, bool is_rtcp, Time now);
  void flow_opened(const sip::Flow& flow, Time now);
  void flow_closed(const sip::Flow& flow, Time now);
  Result<CallKey> invite(const InviteOptions& options, Time now);
  Result<> end_refer(CallKey key, int status, Time now);
  std::optional<Location> locate(const sip::Uri& uri, bool any_domain) const;
  void learn(const RegistrationChanged& change, Time now);
  void offer_digests(std::vector<sip::DigestAlgorithm> algorithms) {
    if (digest_) digest_->offer(std::move(algorithms));
  }
  void shutdown(Time now);
  void expire(Time now);
  std::optional<Time> deadline() const;
  std::optional<Output> poll();

  // Runs `command` on a call that has not ended, and what follows from it.
  template <class Command>
  auto with(CallKey key, Time now, Command command) -> decltype(command(std::declval<Call&>()));
  template <class Command>
  auto with_media(CallKey key, Command command) -> decltype(command(std::declval<media::Media&>()));
  Call* find(CallKey key);

  std::size_t live() const { return live_; }
  std::size_t transactions() const { return layer_.size(); }
  std::size_t dialogs() const { return calls_.size(); }
  std::size_t registrations() const { return registrar_.size(); }
  std::uint64_t queued(CallKey key) const;
  std::optional<media::MediaQuality> quality(CallKey key) const;

 private:
  void receive_stream(const sip::Flow& flow, std::string_view bytes, Time now);
  void pump(Time now);    // carries out what the transaction layer has to say
  void touch(Call& call); // to be drained by poll()
  void follow_up(Call& call);
  void schedule(Call& call);
  void erase_if_gone(Call& call);
  Call& add(std::unique_ptr<Call> call);
  Call* owner(sip::TransactionId id);

  // user_agent_requests.cpp: requests that belong to no call
  void request(sip::TransactionId id, const sip::IncomingPtr& request, Time now);
  void outside(sip::TransactionId id, const sip::IncomingPtr& request, Time now);
  void new_call(sip::TransactionId id, const sip::IncomingPtr& request, Time now);
  bool is_ours(const sip::Incoming& request) const; // its Request-URI
  int find_replaced(const sip::MessageView& view, CallKey& replaced);
  void register_(sip::TransactionId id, const sip::IncomingPtr& request, Time now);
  void tell_registrations();
  // False: a challenge or refusal has been sent. `user` is who proved it.
  bool authorized(sip::TransactionId id, const sip::IncomingPtr& request, bool even_if_registered,
                  std::string& user, Time now);
  sip::Builder reply(const sip::Incoming& request, int status, std::string_view reason = {});
  void respond(sip::TransactionId id, const sip::Incoming& request, int status, Time now,
               std::string_view reason = {});

  Config config_;
  Random random_;
  sip::TransactionLayer layer_;
  std::optional<sip::DigestServer> digest_;
  sip::Registrar registrar_;
  sip::FramerSet framers_;
  std::deque<Output> outbox_;
  std::unordered_map<sip::TransactionId, CallKey> owners_;
  std::unordered_map<CallKey, std::unique_ptr<Call>> calls_;
  std::unordered_map<std::string, CallKey> by_tag_;
  CallCounter counter_;
  std::size_t live_ = 0;
  CallKey next_key_ = 1;
  bool shutting_down_ = false;
  Time now_{};

  // Deadlines of calls, earliest first. An entry counts only if its call still names this time.
  using Timer = std::pair<Time, CallKey>;
  std::priority_queue<Timer, std::vector<Timer>, std::greater<>> timers_;
  std::deque<CallKey> ready_; // to be drained, each once
};

template <class Command>
auto UserAgent::Impl::with(CallKey key, Time now, Command command)
    -> decltype(command(std::declval<Call&>())) {
  now_ = now;
  Call* const call = find(key);
  if (call == nullptr) return fail(Errc::not_found, 0, "a call that has not ended");
  auto result = command(*call);
  touch(*call);
  pump(now);
  return result;
}

template <class Command>
auto UserAgent::Impl::with_media(CallKey key, Command command)
    -> decltype(command(std::declval<media::Media&>())) {
  Call* const call = find(key);
  if (call == nullptr) return fail(Errc::not_found, 0, "a call that has not ended");
  if (call->media() == nullptr) return fail(Errc::closed, 0, "a call that has been accepted");
  auto result = command(*call->media());
  touch(*call);
  return result;
}

} // namespace talky::call
