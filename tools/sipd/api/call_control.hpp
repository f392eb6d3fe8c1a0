// The calls that are up: /api/v1/sip/calls and what is done to one of them (man talky-api, CALLS).
#pragma once
#include <cstddef>
#include <string>

#include "ipc/control.hpp"
#include "sipd/api/api_state.hpp"
#include "sipd/api/route_table.hpp"
#include "sipd/api/sip_service.hpp"
#include "sipd/api/snapshots.hpp"
#include "sipd/api/speaker.hpp"
#include "sipd/api/worker_questions.hpp"
#include "sipd/messages/call_command.hpp"

namespace talky::sipd {

class CallControl {
 public:
  // All of them outlive it. `agent_command`: of the program that speaks where the agent cannot; "": none.
  CallControl(net::Loop& loop, WorkerQuestions& workers, Snapshots& snapshots, const ApiState& state,
              const SipService& sip, std::string agent_command)
      : workers_(workers),
        snapshots_(snapshots),
        state_(state),
        sip_(sip),
        speaker_(loop, std::move(agent_command)) {}

  void add_routes(RouteTable& routes);

 private:
  void list(const http::Reply& reply);
  void one(const std::string& uuid, const http::Reply& reply);
  void place(const http::Request& request, const http::Reply& reply);
  void command(const std::string& uuid, const http::Reply& reply, CallCommand what);
  void play(const http::Request& request, const http::Reply& reply);
  void say(const http::Request& request, const http::Reply& reply);
  void say_beside(const std::string& uuid, const http::Reply& reply, const ipc::Say& text);

  WorkerQuestions& workers_;
  Snapshots& snapshots_;
  const ApiState& state_;
  const SipService& sip_;
  Speaker speaker_;
  std::size_t next_ = 0; // the worker that places the next call
};

} // namespace talky::sipd
