#include "sipd/api/sip_service.hpp"

#include <fmt/format.h>

#include <memory>
#include <optional>
#include <utility>

#include "core/ascii.hpp"
#include "json/json.hpp"
#include "sipd/api/api_json.hpp"
#include "sipd/worker/worker.hpp"

namespace talky::sipd {

using http::Reply;
using http::Request;

// Of a start.
struct SipService::Progress {
  std::size_t missing; // workers that have not said how it went
  std::optional<net::SystemError> error;
};

const char* SipService::name_of(Phase phase) {
  switch (phase) {
    case Phase::running: return "running";
    case Phase::draining: return "draining";
    case Phase::stopped: return "stopped";
    case Phase::starting: break;
  }
  return "starting";
}

void SipService::started(std::vector<Endpoint> listening, const Endpoint& http, Probe probe) {
  listening_ = std::move(listening);
  http_ = http;
  probe_ = std::move(probe);
  started_us_ = net::wall_clock_us();
}

void SipService::add_routes(RouteTable& routes) {
  routes.get("/api/v1/sip/status", Role::read,
             [this](const Request&, const Reply& reply) { reply(json_answer(200, status_json())); });
  routes.post("/api/v1/sip/start",
              [this](const Request& request, const Reply& reply) { start(request, reply); });
  routes.post("/api/v1/sip/stop",
              [this](const Request& request, const Reply& reply) { stop(request, reply); });
}

void SipService::start(const Request& request, const Reply& reply) {
  std::vector<Endpoint> wanted = listening_;
  if (const auto text = request.query_value("port")) {
    const auto port = ascii::to_number<std::uint16_t>(*text);
    if (!port || *port == 0) return reply(http::problem(422, "port is a number from 1 to 65535"));
    for (Endpoint& endpoint : wanted)
      endpoint.port = *port;
  }
  if (running() && wanted == listening_) return reply(json_answer(200, status_json()));
  if (phase_ != Phase::stopped)
    return reply(http::problem(409, "it runs: stop it first, and wait until it has"));
  for (Endpoint& endpoint : wanted) {
    if (const auto free = probe_(endpoint); !free)
      return reply(http::problem(409, fmt::format("{}: {}", endpoint.to_string(), free.error().message())));
  }
  phase_ = Phase::starting;
  const auto progress = std::make_shared<Progress>(Progress{workers_.workers().size(), std::nullopt});
  workers_.ask_all(
      [this, wanted, progress](Worker& worker, const WorkerQuestions::Answer& answer) {
        answer([this, wanted, progress, done = worker.start_sip(wanted)] {
          one_has_started(*progress, wanted, done);
        });
      },
      [this, reply, progress](bool answered) {
        if (!answered) return reply(http::problem(504, "the worker does not answer"));
        if (progress->error) return reply(http::problem(409, progress->error->message()));
        reply(json_answer(200, status_json()));
      });
}

void SipService::one_has_started(Progress& progress, const std::vector<Endpoint>& wanted,
                                 const net::SysResult<>& done) {
  if (!done) progress.error = done.error();
  if (--progress.missing > 0) return;
  if (progress.error) {
    phase_ = Phase::draining; // those that have begun end again
    draining_ = workers_.workers().size();
    return drain(true);
  }
  phase_ = Phase::running;
  listening_ = wanted;
  state_.tell("sip.started", "", net::wall_clock_us());
}

void SipService::stop(const Request& request, const Reply& reply) {
  const auto wish = request.query_value("now");
  const bool now = is_on(wish);
  if (wish && !now && *wish != "0" && *wish != "false") return reply(http::problem(422, "now is 1 or 0"));
  if (phase_ == Phase::stopped) return reply(json_answer(200, status_json()));
  if (phase_ == Phase::starting) return reply(http::problem(409, "it is just being started"));
  if (running()) {
    phase_ = Phase::draining;
    draining_ = workers_.workers().size();
    state_.tell("sip.stopping", fmt::format(R"("now":{})", now), net::wall_clock_us());
  } else if (!now) {
    return reply(json_answer(202, status_json()));
  }
  drain(now);
  reply(json_answer(202, status_json()));
}

// It may take as long as the longest call.
void SipService::drain(bool now) {
  for (Worker* worker : workers_.workers()) {
    worker->post(
        [this, worker, now] { worker->stop_sip(now, [this] { loop_.post([this] { worker_stopped(); }); }); });
  }
}

void SipService::worker_stopped() {
  if (phase_ != Phase::draining || draining_ == 0 || --draining_ > 0) return;
  phase_ = Phase::stopped;
  state_.forget_registrations();
  state_.tell("sip.stopped", "", net::wall_clock_us());
}

std::string SipService::status_json() {
  const std::int64_t now_us = net::wall_clock_us();
  json::array listeners;
  for (const Endpoint& endpoint : listening_) {
    if (phase_ != Phase::stopped)
      listeners.push_back({{"address", endpoint.to_string()}, {"transports", {"udp", "tcp"}}});
  }
  const json::object out{{"state", name_of(phase_)},
                         {"version", TALKY_VERSION},
                         {"started_at", rfc3339(started_us_)},
                         {"uptime_s", (now_us - started_us_) / 1'000'000},
                         {"listeners", listeners},
                         {"http", http_.to_string()},
                         {"registrations", state_.registrations(now_us)},
                         {"active_calls", state_.calls().size()},
                         {"capacity", options_.max_calls},
                         {"workers", options_.workers},
                         {"bridge", options_.bridge}};
  return json::compact(out) + "\n";
}

} // namespace talky::sipd
