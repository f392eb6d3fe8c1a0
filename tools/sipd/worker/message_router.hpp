// Which worker a SIP message belongs to: the one that the hash of its Call-ID names, or of the
// address-of-record for REGISTER, wherever it came in. So a dialog and its transactions live in one place
// even if a phone changes ports or goes from UDP to TCP in between. A call that takes another one's place
// (RFC 3891) is where that one is, and not where its own Call-ID would be; all workers are told so.
//
// Of a stream of bytes it makes whole messages first (RFC 3261 18.3): only those can go to another worker.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/time.hpp"
#include "sip/flow.hpp"
#include "sip/framer_set.hpp"
#include "sip/message.hpp"

namespace talky::sipd {

class MessageRouter {
 public:
  struct Events {
    // A message, or what is none and is to be refused, for the worker of that number.
    std::function<void(std::size_t worker, const sip::Flow&, std::string_view bytes)> deliver;
    std::function<void(const sip::Flow&)> ping; // to be answered with a line end (RFC 5626 3.5.1)
  };
  // `own`: the number of this worker; what cannot be assigned stays here.
  MessageRouter(std::size_t own, std::size_t workers, Events events)
      : own_(own), workers_(workers), events_(std::move(events)) {}

  void received(const sip::Flow& flow, std::string_view bytes, Time now);
  void closed(const sip::Flow& flow) { framers_.erase(flow.connection); }
  // Connections whose message does not end: they are to be closed. When to look again is told by deadline().
  std::vector<std::uint64_t> expire(Time now) { return framers_.expire(now); }
  std::optional<Time> deadline() const { return framers_.deadline(); }

  // By the hash alone.
  std::size_t hashed(std::string_view call_id) const {
    return std::hash<std::string_view>{}(call_id) % workers_;
  }
  std::size_t home_of(std::string_view call_id) const;
  // Where a call is that is not where its hash says; nullopt: it is over.
  void moved(const std::string& call_id, std::optional<std::size_t> home);
  bool has_moved(const std::string& call_id) const { return moved_.contains(call_id); }

 private:
  std::size_t owner_of(std::string_view message);

  const std::size_t own_, workers_;
  Events events_;
  sip::FramerSet framers_; // of connections
  std::unordered_map<std::string, std::size_t> moved_;
  sip::MessageView scratch_;
};

} // namespace talky::sipd
