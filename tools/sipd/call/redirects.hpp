// Where a call that sipd placed goes after a 3xx (RFC 3261 8.1.3.4): the places it names, the most wanted
// first, each held against what may be called and looked up, until one can be reached. None: the call ends.
#pragma once
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "call/events.hpp"
#include "core/endpoint.hpp"
#include "sipd/call/next_hop.hpp"
#include "sipd/messages/call_event.hpp"

namespace talky::sipd {

constexpr unsigned kMaxRedirects = 5; // of one call

class Redirects : public std::enable_shared_from_this<Redirects> {
 public:
  struct Rules {
    CallHost::Wish wish; // whose the call is; only those of the API are given our passwords
    IpAddress from;      // of our side: its RTP sockets stay where they are
    std::function<void(event::Redirected, Time now)> report;
  };
  // Tells the UserAgent, later, where the call goes (redirect) or that it ends (hangup). Letting go
  // of it gives up without a word.
  static std::shared_ptr<Redirects> follow(CallHost& host, call::CallRedirected event, Rules rules);

  Redirects(CallHost& host, call::CallRedirected event, Rules rules);

 private:
  void next(Time now);
  bool may_call(const std::string& target) const;
  void found(const std::string& target, const tl::expected<NextHop, int>& hop, Time now);

  CallHost& host_;
  call::CallRedirected event_;
  Rules rules_;
  std::size_t at_ = 0; // of event_.targets: the next one
  std::unique_ptr<FindNextHop> search_;
};

} // namespace talky::sipd
