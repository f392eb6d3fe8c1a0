// Calls from browsers (man talky-api, CALLS FROM A BROWSER): who asks for one gets a WebSocket and a worker.
#pragma once
#include <cstddef>
#include <memory>
#include <set>

#include "core/endpoint.hpp"
#include "sipd/api/route_table.hpp"
#include "sipd/api/web_caller.hpp"
#include "sipd/api/worker_questions.hpp"
#include "sipd/messages/web_line.hpp"

namespace talky::sipd {

class WebCallers {
 public:
  WebCallers(net::Loop& loop, WorkerQuestions& workers) : loop_(loop), workers_(workers) {} // the API's loop

  void listens_on(const Endpoint& endpoint) { endpoint_ = endpoint; } // before the first request
  void add_routes(RouteTable& routes);
  void end(); // the daemon ends

 private:
  void call(const http::Request& request, const http::Reply& reply);
  void begin(const std::shared_ptr<http::WebSocket>& socket, WebCall call);

  net::Loop& loop_;
  WorkerQuestions& workers_;
  Endpoint endpoint_;
  std::set<std::shared_ptr<WebCaller>> callers_;
  std::size_t next_ = 0; // the worker of the next call
};

} // namespace talky::sipd
