// Where a call that sipd placed goes after a 3xx (RFC 3261 8.1.3.4): the places it names, the most wanted
// first, each held against what may be called and looked up, until one can be reached. None: the call ends.
#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "call/events.hpp"
#include "core/endpoint.hpp"
#include "sipd/call/way.hpp"
#include "sipd/messages/call_out.hpp"

namespace talky::sipd {

constexpr unsigned max_redirects = 5; // of one call

class Redirects : public std::enable_shared_from_this<Redirects> {
 public:
  struct Rules {
    std::vector<std::string> allowed;          // patterns; see Worker::permits()
    std::shared_ptr<const OutRules> passwords; // null: none are given
    IpAddress from;                            // of our side: its RTP sockets stay where they are
    std::string call;                          // uuid, for the log
  };
  // Tells the worker's UserAgent, later, where the call goes (redirect) or that it ends (hangup). Letting go
  // of it gives up without a word.
  static std::shared_ptr<Redirects> follow(Worker& worker, call::CallRedirected event, Rules rules);

  Redirects(Worker& worker, call::CallRedirected event, Rules rules);

 private:
  void next();
  bool may_call(const std::string& target) const;
  void found(const std::string& target, const tl::expected<Way, int>& way);

  Worker& worker_;
  call::CallRedirected event_;
  Rules rules_;
  std::size_t at_ = 0; // of event_.targets: the next one
  std::unique_ptr<FindWay> search_;
};

} // namespace talky::sipd
