// The SIP side: its state, its start and its stop.
#include <fmt/format.h>

#include <boost/json.hpp>
#include <utility>

#include "core/ascii.hpp"
#include "json/json.hpp"
#include "sipd/api/api.hpp"
#include "sipd/api/api_json.hpp"
#include "sipd/worker/worker.hpp"

namespace talky::sipd {
namespace {

using http::Reply;
using http::Request;

const char* name_of(int sip) {
  static constexpr const char* names[] = {"running", "draining", "stopped", "starting"};
  return names[sip];
}

} // namespace

void Api::start_sip(const Request& request, const Reply& reply) {
  std::vector<Endpoint> wanted = listening_;
  if (const auto text = request.query_value("port")) {
    const auto port = ascii::to_number<std::uint16_t>(*text);
    if (!port || *port == 0) return reply(http::problem(422, "port is a number from 1 to 65535"));
    for (Endpoint& endpoint : wanted)
      endpoint.port = *port;
  }
  if (sip_ == Sip::running && wanted == listening_) return reply(json_answer(200, status_json()));
  if (sip_ != Sip::stopped) return reply(http::problem(409, "it runs: stop it first, and wait until it has"));
  for (Endpoint& endpoint : wanted) {
    if (const auto free = probe_(endpoint); !free)
      return reply(http::problem(409, fmt::format("{}: {}", endpoint.to_string(), free.error().message())));
  }
  sip_ = Sip::starting;
  struct Progress {
    std::size_t missing;
    std::optional<net::SystemError> error;
  };
  const auto progress = std::make_shared<Progress>(Progress{workers_.size(), std::nullopt});
  const std::uint64_t id = remember(reply);
  const auto one_is_done = [this, id, wanted, progress](const net::SysResult<>& done) {
    if (!done) progress->error = done.error();
    if (--progress->missing > 0) return;
    if (progress->error) {
      sip_ = Sip::draining; // those that have begun end again
      workers_to_stop_ = workers_.size();
      for (Worker* worker : workers_)
        worker->post(
            [this, worker] { worker->stop_sip(true, [this] { loop_.post([this] { worker_stopped(); }); }); });
      return answer(id, http::problem(409, progress->error->message()));
    }
    sip_ = Sip::running;
    listening_ = wanted;
    state_.tell("sip.started", "", net::wall_clock_us());
    answer(id, json_answer(200, status_json()));
  };
  for (Worker* worker : workers_) {
    worker->post([this, worker, wanted, one_is_done] {
      loop_.post([one_is_done, done = worker->start_sip(wanted)] { one_is_done(done); });
    });
  }
}

void Api::stop_sip(const Request& request, const Reply& reply) {
  const auto wish = request.query_value("now");
  const bool now = is_on(wish);
  if (wish && !now && *wish != "0" && *wish != "false") return reply(http::problem(422, "now is 1 or 0"));
  if (sip_ == Sip::stopped) return reply(json_answer(200, status_json()));
  if (sip_ == Sip::starting) return reply(http::problem(409, "it is just being started"));
  if (sip_ == Sip::running) {
    sip_ = Sip::draining;
    workers_to_stop_ = workers_.size();
    state_.tell("sip.stopping", fmt::format(R"("now":{})", now), net::wall_clock_us());
  } else if (!now) {
    return reply(json_answer(202, status_json()));
  }
  for (Worker* worker : workers_)
    worker->post(
        [this, worker, now] { worker->stop_sip(now, [this] { loop_.post([this] { worker_stopped(); }); }); });
  reply(json_answer(202, status_json()));
}

void Api::worker_stopped() {
  if (sip_ != Sip::draining || workers_to_stop_ == 0 || --workers_to_stop_ > 0) return;
  sip_ = Sip::stopped;
  state_.forget_registrations();
  state_.tell("sip.stopped", "", net::wall_clock_us());
}

std::string Api::status_json() {
  const std::int64_t now_us = net::wall_clock_us();
  json::array listeners;
  for (const Endpoint& endpoint : listening_) {
    if (sip_ != Sip::stopped)
      listeners.push_back({{"address", endpoint.to_string()}, {"transports", {"udp", "tcp"}}});
  }
  const json::object out{{"state", name_of(static_cast<int>(sip_))},
                         {"version", TALKY_VERSION},
                         {"started_at", rfc3339(started_us_)},
                         {"uptime_s", (now_us - started_us_) / 1'000'000},
                         {"listeners", listeners},
                         {"http", endpoint_.to_string()},
                         {"registrations", state_.registrations(now_us)},
                         {"active_calls", state_.calls().size()},
                         {"capacity", options_.max_calls},
                         {"workers", options_.workers},
                         {"bridge", options_.bridge}};
  return json::compact(out) + "\n";
}
} // namespace talky::sipd
