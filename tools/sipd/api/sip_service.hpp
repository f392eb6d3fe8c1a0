// The SIP side of the daemon as the API sees it: its state, its start and its stop (man talky-api, THE SIP
// SIDE). It runs when the daemon does.
//
//   running -> draining -> stopped -> starting -> running
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/endpoint.hpp"
#include "net/udp.hpp"
#include "sipd/api/api_state.hpp"
#include "sipd/api/route_table.hpp"
#include "sipd/api/worker_questions.hpp"

namespace talky::sipd {

class SipService {
 public:
  // Whether a port is free for UDP and TCP.
  using Probe = std::function<net::SysResult<>(Endpoint&)>;
  struct Options {
    std::size_t max_calls = 500, workers = 1;
    std::string bridge; // where no route fits, as it was written
  };

  SipService(net::Loop& loop, WorkerQuestions& workers, ApiState& state, Options options)
      : loop_(loop), workers_(workers), state_(state), options_(std::move(options)) {}

  // The daemon's sockets are open.
  void started(std::vector<Endpoint> listening, const Endpoint& http, Probe probe);
  void add_routes(RouteTable& routes);

  bool running() const { return phase_ == Phase::running; } // calls are taken
  const std::vector<Endpoint>& listening() const { return listening_; }
  std::int64_t started_us() const { return started_us_; } // of the daemon

 private:
  enum class Phase : std::uint8_t { running, draining, stopped, starting };
  struct Progress;

  void start(const http::Request& request, const http::Reply& reply);
  void stop(const http::Request& request, const http::Reply& reply);
  void one_has_started(Progress& progress, const std::vector<Endpoint>& wanted, const net::SysResult<>& done);
  void drain(bool now);
  void worker_stopped();
  std::string status_json();
  static const char* name_of(Phase phase);

  net::Loop& loop_;
  WorkerQuestions& workers_;
  ApiState& state_;
  const Options options_;
  std::vector<Endpoint> listening_;
  Endpoint http_;
  Probe probe_;
  std::int64_t started_us_ = 0;
  Phase phase_ = Phase::running;
  std::size_t draining_ = 0; // workers that have not stopped yet
};

} // namespace talky::sipd
