// How calls begin: telephones that call us, browsers that do, and calls that the HTTP API has us place.
// Whichever it is, what follows from here on is a Session like any other.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "call/events.hpp"
#include "sipd/call/call_host.hpp"
#include "sipd/messages/call_out.hpp"
#include "sipd/messages/web_line.hpp"
#include "sipd/worker/closing.hpp"
#include "sipd/worker/session_table.hpp"
#include "sipd/worker/worker_options.hpp"

namespace talky::sipd {

class FindNextHop;
struct NextHop;

class NewCalls {
 public:
  // All of them outlive it. `moved`: a call is here because it takes the place of one that is.
  NewCalls(CallHost& host, SessionTable& calls, const Closing& closing, const WorkerServices& shared,
           const LiveSettings& live, std::function<void(const std::string& call_id)> moved);
  ~NewCalls();
  NewCalls(const NewCalls&) = delete;
  NewCalls& operator=(const NewCalls&) = delete;

  void from_phone(const call::IncomingCall& call, Time now);
  void from_browser(WebCall call, Time now);
  // The bridge is called first, so that nobody is rung up for an agent that is not there; once it stands the
  // INVITE goes out (SipLeg::accept), and what the agent says meanwhile is heard from the answer on. `done`
  // is called once, at once or later, when the call is on its way or cannot be.
  void to_phone(const CallOut& call, const CallPlaced& done, Time now);

 private:
  void place(const CallOut& call, const NextHop& hop, const CallPlaced& done, Time now);

  CallHost& host_;
  SessionTable& calls_;
  const Closing& closing_;
  const WorkerServices& shared_;
  const LiveSettings& live_;
  std::function<void(const std::string&)> moved_;
  call::CallKey browsers_ = 0, placed_ = 0;                       // calls so far
  std::map<std::uint64_t, std::unique_ptr<FindNextHop>> finding_; // of calls that are to go out
  std::uint64_t searches_ = 0;
};

} // namespace talky::sipd
