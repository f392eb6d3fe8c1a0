// Requests that belong to no call: registrations, subscriptions, messages, and what is politely refused; and
// who may make them.
#pragma once
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "call/config.hpp"
#include "call/events.hpp"
#include "call/guess_guard.hpp"
#include "sip/digest.hpp"
#include "sip/registrar.hpp"
#include "sip/transaction_layer.hpp"
#include "sip/uri.hpp"

namespace talky::call {

class OutOfDialog {
 public:
  // All of it outlives this.
  OutOfDialog(const Config& config, sip::TransactionLayer& layer, std::deque<Output>& outbox);

  // Anything but INVITE and ACK.
  void receive(sip::TransactionId id, const sip::IncomingPtr& request, bool shutting_down, Time now);
  // It may be served here: it is for us, or has hops left (else 483).
  bool has_hops(const sip::Incoming& request) const;
  // May this request be served? False: a challenge or refusal has been sent. `user` is who proved it by a
  // password now.
  bool authorized(sip::TransactionId id, const sip::IncomingPtr& request, std::string& user, Time now);
  void offer_digests(std::vector<sip::DigestAlgorithm> algorithms) {
    if (digest_) digest_->offer(std::move(algorithms));
  }

  sip::Builder reply(const sip::Incoming& request, int status, std::string_view reason = {});
  void respond(sip::TransactionId id, const sip::Incoming& request, int status, Time now,
               std::string_view reason = {});

  // See UserAgent.
  std::optional<Location> locate(const sip::Uri& uri, bool any_domain) const;
  void learn(const RegistrationChanged& change, Time now);
  // Does it come from somebody who has registered here? With passwords: from whom its From names.
  bool is_registered(const sip::Incoming& request) const;
  std::size_t registrations() const { return registrar_.size(); }

  void flow_closed(const sip::Flow& flow, Time now) {
    if (flow.connection != 0) registrar_.flow_closed(flow.connection);
    report_registrations(now);
  }
  void expire(Time now) {
    registrar_.expire(now);
    report_registrations(now);
  }
  std::optional<Time> deadline() const { return registrar_.deadline(); }

 private:
  bool is_ours(const sip::Incoming& request) const; // its Request-URI
  bool is_trusted(const IpAddress& source) const { return config_.trusted && config_.trusted(source); }
  void report_guess(const sip::Incoming& request, const std::string& user, Time now);
  void receive_register(sip::TransactionId id, const sip::IncomingPtr& request, Time now);
  void report_registrations(Time now);

  const Config& config_;
  sip::TransactionLayer& layer_;
  std::deque<Output>& outbox_;
  std::optional<sip::DigestServer> digest_;
  GuessGuard guesses_;
  sip::Registrar registrar_;
};

} // namespace talky::call
