#include "sipd/api/api.hpp"

#include <utility>

#include "core/overloaded.hpp"
#include "net/background_thread.hpp"
#include "sipd/agent/agent.hpp"
#include "sipd/api/api_json.hpp"
#include "sipd/api/call_event_json.hpp"
#include "sipd/api/openapi.hpp"
#include "sipd/sinks/records.hpp"
#include "sipd/worker/worker.hpp"

namespace talky::sipd {
namespace {

using http::Reply;
using http::Request;
using http::Response;

constexpr auto kStopLimit = std::chrono::seconds(1);
constexpr std::uint64_t kMaxBody = 4 << 20; // two minutes of sound

Response ok() {
  return Response::text(200, "text/plain; charset=utf-8", "ok\n");
}

} // namespace

Api::Api(Options options, const WorkerServices& shared)
    : shared_(shared),
      log_(shared.log),
      access_(std::move(options.tokens)),
      routes_(access_),
      metrics_(options.max_calls, options.workers),
      state_([this](const ApiState::Event& event) { on_event(event); }),
      workers_(loop_),
      snapshots_(workers_, state_, metrics_),
      sip_(loop_, workers_, state_, {options.max_calls, options.workers, std::move(options.bridge)}),
      calls_(loop_, workers_, snapshots_, state_, sip_, options.agent_command),
      readers_(loop_, state_),
      audio_clients_(loop_, access_, workers_, state_),
      web_callers_(loop_, workers_),
      pages_(std::move(options.web)),
      voices_(loop_, options.agent_command, std::move(options.samples), shared.log),
      history_(loop_, std::move(options.cdr), std::move(options.recordings),
               [this](std::string_view uuid) { return state_.find(uuid) != nullptr; }) {
  add_routes();
  http::ServerOptions server;
  server.max_body = kMaxBody;
  server_ = std::make_unique<http::Server>(
      loop_, server,
      [this](Request request, const Reply& reply) {
        const Reply answer = counted(request, reply);
        routes_.serve(std::move(request), answer);
      },
      log_);
}

Api::~Api() {
  stop();
}

net::SysResult<Endpoint> Api::listen(const Endpoint& endpoint) {
  const auto bound = server_->listen(endpoint);
  if (bound) {
    endpoint_ = *bound;
    access_.listens_on(*bound);
    web_callers_.listens_on(*bound);
  }
  return bound;
}

void Api::start(std::vector<Worker*> workers, std::vector<Endpoint> listening, SipService::Probe probe) {
  workers_.start(std::move(workers));
  sip_.started(std::move(listening), endpoint_, std::move(probe));
  thread_ = std::thread([this] {
    net::begin_background_thread();
    loop_.run();
  });
}

void Api::closing() {
  loop_.post([this] { closing_ = true; });
}

void Api::stop() {
  if (!thread_.joinable()) return;
  loop_.post([this] {
    closing_ = true;
    audio_clients_.end();
    web_callers_.end();
    workers_.forget();
    snapshots_.forget();
    server_->stop(net::now() + kStopLimit, [this] {
      server_.reset();
      loop_.stop();
    });
  });
  thread_.join();
}

// ---- What happens in the daemon

void Api::happened(const std::shared_ptr<const CallFacts>& call, const CallEvent& event, const Moment& now) {
  if (!concerns_api(event)) return;
  loop_.post([this, call, event, now] {
    state_.happened(*call, event, now);
    count(*call, event);
    if (std::holds_alternative<event::Ended>(event)) audio_clients_.call_ended(call->uuid);
  });
}

void Api::count(const CallFacts& call, const CallEvent& event) {
  const auto seconds = [](auto us) { return static_cast<double>(us) / 1e6; };
  std::visit(Overloaded{[&](const event::Began&) { metrics_.began(); },
                        [&](const event::Answered& e) {
                          metrics_.answered(seconds(to_us(e.at) - to_us(call.began)));
                        },
                        [&](const event::FirstAudio&) {
                          const ApiState::Call* known = state_.find(call.uuid);
                          if (known && known->first_audio_us)
                            metrics_.first_audio(seconds(*known->first_audio_us));
                        },
                        [&](const event::TurnMeasured& e) { metrics_.turn(e.measure); },
                        [&](const event::Ended& e) { metrics_.ended(call.uuid, e); }, [](const auto&) {}},
             event);
}

void Api::registered(const call::RegistrationChanged& change) {
  loop_.post([this, change, at_us = net::wall_clock_us()] {
    metrics_.registered(change.expires_s > 0);
    state_.registered(change, at_us);
  });
}

void Api::on_event(const ApiState::Event& event) {
  readers_.send(event);
  audio_clients_.event(event);
}

// ---- Requests

void Api::add_routes() {
  routes_.get("/healthz", Role::none, [](const Request&, const Reply& reply) { reply(ok()); });
  routes_.get("/readyz", Role::none, [this](const Request&, const Reply& reply) {
    if (closing_ || !sip_.running()) return reply(http::problem(503, "no calls are taken at present"));
    if (shared_.talky_agent != nullptr && !shared_.talky_agent->ready())
      return reply(
          http::problem(503, "the agent is not there yet: it is being started, or loads its models"));
    reply(ok());
  });
  routes_.get("/metrics", Role::read, [this](const Request&, const Reply& reply) {
    snapshots_.refresh([this, reply](bool) { // old figures are better than none
      reply(Response::text(200, "text/plain; version=0.0.4; charset=utf-8", metrics_text()));
    });
  });
  routes_.get("/api/v1", Role::read,
              [this](const Request&, const Reply& reply) { reply(json_answer(200, routes_.index_json())); });
  routes_.get("/api/v1/openapi.json", Role::read, [](const Request&, const Reply& reply) {
    reply(json_answer(200, std::string(kOpenapiDocument)));
  });
  sip_.add_routes(routes_);
  routes_.get("/api/v1/sip/registrations", Role::read, [this](const Request&, const Reply& reply) {
    reply(json_answer(200, state_.registrations_json(net::wall_clock_us())));
  });
  calls_.add_routes(routes_);
  readers_.add_routes(routes_);
  audio_clients_.add_routes(routes_);
  web_callers_.add_routes(routes_);
  pages_.add_routes(routes_);
  voices_.add_routes(routes_);
  history_.add_routes(routes_);
}

Reply Api::counted(const Request& request, const Reply& reply) {
  return Reply([this, reply, method = std::string(to_string(request.method)), path = request.path,
                peer = request.peer](Response response) {
    metrics_.http_request(response.websocket ? 101 : response.status);
    log_(log::Level::debug, log::Line("http")
                                .add("method", method)
                                .add("path", path)
                                .add("status", response.status)
                                .add("peer", peer.to_string())
                                .str());
    if (!response.headers.has("Cache-Control")) response.headers.add("Cache-Control", "no-store");
    response.headers.add("X-Content-Type-Options", "nosniff");
    reply(std::move(response));
  });
}

// What /metrics shows of the moment.
std::string Api::metrics_text() {
  const std::int64_t now_us = net::wall_clock_us();
  Metrics::Gauges gauges;
  gauges.active = state_.calls().size();
  gauges.registrations = state_.registrations(now_us);
  gauges.http_connections = server_->connections();
  gauges.event_readers = readers_.size();
  gauges.event_readers_cut = readers_.cut_off();
  gauges.listeners = audio_clients_.size();
  gauges.listener_frames_dropped = audio_clients_.dropped();
  for (const auto& [uuid, call] : state_.calls())
    gauges.queued_samples += call.now.queued;
  gauges.uptime_s = static_cast<double>(now_us - sip_.started_us()) / 1e6;
  gauges.sip_up = sip_.running();
  gauges.workers = snapshots_.counters();
  if (shared_.recorder) gauges.recorder = shared_.recorder->status();
  if (shared_.records) gauges.records = shared_.records->status();
  if (shared_.tracer) gauges.traces = shared_.tracer->counts();
  return metrics_.text(gauges);
}

} // namespace talky::sipd
