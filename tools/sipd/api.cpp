#include "api.hpp"

#include <fmt/format.h>
#include <sys/resource.h>

#include <boost/json.hpp>
#include <utility>

#include "api_json.hpp"
#include "openapi.hpp"
#include "worker.hpp"

namespace talky::sipd {
namespace {

namespace json = boost::json;
using net::HttpMethod;
using net::HttpReply;
using net::HttpRequest;
using net::HttpResponse;

constexpr auto fresh_for = std::chrono::milliseconds(250);
constexpr auto answer_limit = std::chrono::seconds(5); // of a worker
constexpr auto stop_limit = std::chrono::seconds(1);
constexpr int niceness = 5;
constexpr std::uint64_t max_body = 4 << 20; // two minutes of sound

const char* name_of(int sip) {
  static constexpr const char* names[] = {"running", "draining", "stopped", "starting"};
  return names[sip];
}

} // namespace

Api::Api(const Settings& settings, log::Sink log)
    : settings_(settings),
      log_(std::move(log)),
      metrics_(settings.max_calls, settings.workers),
      state_([this](const ApiState::Event& event) { on_event(event); }),
      readers_(loop_),
      refresh_limit_(loop_, [this] { finish_refresh(false); }) {
  net::HttpServerOptions options;
  options.max_body = max_body;
  server_ = std::make_unique<net::HttpServer>(
      loop_, options,
      [this](HttpRequest request, const HttpReply& reply) { handle(std::move(request), reply); }, log_);
  add_routes();
}

Api::~Api() {
  stop();
}

net::SysResult<Endpoint> Api::listen(const Endpoint& endpoint) {
  const auto bound = server_->listen(endpoint);
  if (bound) endpoint_ = *bound;
  return bound;
}

void Api::start(std::vector<Worker*> workers, std::vector<Endpoint> listening, Probe probe) {
  workers_ = std::move(workers);
  listening_ = std::move(listening);
  probe_ = std::move(probe);
  started_us_ = net::wall_clock_us();
  thread_ = std::thread([this] {
    (void)::setpriority(PRIO_PROCESS, 0,
                        niceness); // of this thread: where cores are few, a call's packets go first
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
    for (const auto& listener : std::exchange(listeners_, {}))
      listener->call_ended();
    pending_.clear();
    waiting_.clear();
    server_->stop(net::now() + stop_limit, [this] {
      server_.reset();
      loop_.stop();
    });
  });
  thread_.join();
}

// ---- What happens in the daemon

void Api::began(CallBegan event) {
  loop_.post([this, event = std::move(event)]() mutable {
    metrics_.began();
    state_.began(std::move(event));
  });
}

void Api::answered(CallAnsweredAt event) {
  loop_.post([this, event = std::move(event)] {
    const ApiState::Call* call = state_.find(event.uuid);
    if (call) metrics_.answered(static_cast<double>(to_us(event.at) - to_us(call->began.at)) / 1e6);
    state_.answered(event);
  });
}

void Api::happened(CallHappening event) {
  loop_.post([this, event = std::move(event)] {
    state_.happened(event);
    const ApiState::Call* call = event.type == "call.first_audio" ? state_.find(event.uuid) : nullptr;
    if (call && call->first_audio_us) metrics_.first_audio(static_cast<double>(*call->first_audio_us) / 1e6);
  });
}

void Api::ended(CallOver event) {
  loop_.post([this, event = std::move(event)] {
    metrics_.ended(event);
    state_.ended(event);
    std::vector<std::shared_ptr<AudioListener>> over;
    for (const auto& listener : listeners_) {
      if (listener->call() == event.uuid) over.push_back(listener);
    }
    for (const auto& listener : over) {
      listener->call_ended();
      listener_drops_ += listener->dropped();
      listeners_.erase(listener);
    }
  });
}

void Api::registered(const call::RegistrationChanged& change) {
  loop_.post([this, change, at_us = net::wall_clock_us()] {
    metrics_.registered(change.expires_s > 0);
    state_.registered(change, at_us);
  });
}

void Api::on_event(const ApiState::Event& event) {
  readers_.send(event);
  const auto all = listeners_;
  for (const auto& listener : all) {
    if (event.call == listener->call()) listener->event(event);
  }
}

// ---- Requests

void Api::route(HttpMethod method, const char* pattern, Role role, net::HttpHandler handler) {
  roles_[{method, pattern}] = role;
  router_.add(method, pattern,
              [this, role, handler = std::move(handler)](HttpRequest request, const HttpReply& reply) {
                if (auto refusal = refuse(request, endpoint_, settings_.http_tokens.get(), role))
                  return reply(std::move(*refusal));
                handler(std::move(request), reply);
              });
}

void Api::handle(HttpRequest request, const HttpReply& reply) {
  const HttpReply answer = counted(request, reply);
  // Before the router says what there is and what not.
  if (auto refusal = refuse(request, endpoint_, settings_.http_tokens.get(), Role::none))
    return answer(std::move(*refusal));
  router_(std::move(request), answer);
}

HttpReply Api::counted(const HttpRequest& request, const HttpReply& reply) {
  return HttpReply([this, reply, method = std::string(to_string(request.method)), path = request.path,
                    peer = request.peer](HttpResponse response) {
    metrics_.http_request(response.websocket ? 101 : response.status);
    log_(log::Level::debug, log::Line("http")
                                .add("method", method)
                                .add("path", path)
                                .add("status", response.status)
                                .add("peer", peer.to_string())
                                .str());
    response.headers.add("Cache-Control", "no-store");
    response.headers.add("X-Content-Type-Options", "nosniff");
    reply(std::move(response));
  });
}

void Api::add_routes() {
  const auto get = [this](const char* path, Role role, net::HttpHandler handler) {
    route(HttpMethod::get, path, role, std::move(handler));
  };
  const auto post = [this](const char* path, net::HttpHandler handler) {
    route(HttpMethod::post, path, Role::operate, std::move(handler));
  };
  get("/healthz", Role::none, [](const HttpRequest&, const HttpReply& reply) {
    reply(HttpResponse::text(200, "text/plain; charset=utf-8", "ok\n"));
  });
  get("/readyz", Role::none, [this](const HttpRequest&, const HttpReply& reply) {
    if (closing_ || sip_ != Sip::running) return reply(net::problem(503, "no calls are taken at present"));
    reply(HttpResponse::text(200, "text/plain; charset=utf-8", "ok\n"));
  });
  get("/metrics", Role::read, [this](const HttpRequest&, const HttpReply& reply) {
    refresh([this, reply](bool) { // old figures are better than none
      reply(HttpResponse::text(200, "text/plain; version=0.0.4; charset=utf-8", metrics_text()));
    });
  });
  get("/api/v1", Role::read,
      [this](const HttpRequest&, const HttpReply& reply) { reply(json_answer(200, index_json())); });
  get("/api/v1/openapi.json", Role::read, [](const HttpRequest&, const HttpReply& reply) {
    reply(json_answer(200, std::string(openapi_document)));
  });
  get("/api/v1/sip/status", Role::read,
      [this](const HttpRequest&, const HttpReply& reply) { reply(json_answer(200, status_json())); });
  post("/api/v1/sip/start",
       [this](const HttpRequest& request, const HttpReply& reply) { start_sip(request, reply); });
  post("/api/v1/sip/stop",
       [this](const HttpRequest& request, const HttpReply& reply) { stop_sip(request, reply); });
  get("/api/v1/sip/registrations", Role::read, [this](const HttpRequest&, const HttpReply& reply) {
    reply(json_answer(200, state_.registrations_json(net::wall_clock_us())));
  });
  get("/api/v1/sip/calls", Role::read, [this](const HttpRequest&, const HttpReply& reply) {
    refresh([this, reply](bool fresh) {
      if (!fresh) return reply(net::problem(504, "a worker does not answer"));
      reply(json_answer(200, state_.calls_json(net::wall_clock_us())));
    });
  });
  get("/api/v1/sip/calls/{id}", Role::read, [this](const HttpRequest& request, const HttpReply& reply) {
    refresh([this, reply, id = std::string(request.parameter("id"))](bool fresh) {
      if (!fresh) return reply(net::problem(504, "a worker does not answer"));
      const ApiState::Call* call = state_.find(id);
      if (!call) return reply(no_such_call());
      reply(json_answer(200, state_.call_json(*call, net::wall_clock_us())));
    });
  });
  route(HttpMethod::delete_, "/api/v1/sip/calls/{id}", Role::operate,
        [this](const HttpRequest& request, const HttpReply& reply) { command(request, reply, HangUp{}); });
  post("/api/v1/sip/calls/{id}/hold",
       [this](const HttpRequest& request, const HttpReply& reply) { command(request, reply, HoldCall{}); });
  post("/api/v1/sip/calls/{id}/resume",
       [this](const HttpRequest& request, const HttpReply& reply) { command(request, reply, ResumeCall{}); });
  post("/api/v1/sip/calls/{id}/dtmf", [this](const HttpRequest& request, const HttpReply& reply) {
    auto digits = parse_digits(request.body);
    if (!digits) return reply(net::problem(422, digits.error()));
    command(request, reply, std::move(*digits));
  });
  post("/api/v1/sip/calls/{id}/transfer", [this](const HttpRequest& request, const HttpReply& reply) {
    auto to = parse_transfer(request.body);
    if (!to) return reply(net::problem(422, to.error()));
    command(request, reply, std::move(*to));
  });
  post("/api/v1/sip/calls/{id}/play",
       [this](const HttpRequest& request, const HttpReply& reply) { play(request, reply); });
  get("/api/v1/sip/events", Role::read, [this](const HttpRequest& request, const HttpReply& reply) {
    const auto last = ascii::to_number<std::uint64_t>(request.headers.get("Last-Event-ID"));
    HttpResponse response;
    response.headers.add("Content-Type", "text/event-stream");
    response.stream = [this, last](const std::shared_ptr<net::HttpStream>& stream) {
      readers_.add(stream, state_, last);
    };
    reply(std::move(response));
  });
  get("/api/v1/sip/audio/{id}", Role::read,
      [this](const HttpRequest& request, const HttpReply& reply) { listen_in(request, reply); });
}

// ---- The workers are asked

void Api::refresh(Then then) {
  if (waiting_.empty() && refreshed_ != Time{} && net::now() - refreshed_ < fresh_for) return then(true);
  waiting_.push_back(std::move(then));
  if (waiting_.size() > 1) return; // they have been asked
  missing_ = workers_.size();
  ++round_;
  refresh_limit_.at(net::now() + answer_limit);
  for (Worker* worker : workers_) {
    worker->post([this, worker, round = round_] {
      loop_.post([this, round, calls = worker->snapshots()] { gathered(round, calls); });
    });
  }
}

void Api::gathered(std::uint64_t round, const std::vector<CallSnapshot>& calls) {
  for (const CallSnapshot& call : calls) {
    if (!state_.find(call.uuid)) continue; // it has ended meanwhile
    metrics_.live(call);
    state_.snapshot(call);
  }
  if (round == round_ && missing_ > 0 && --missing_ == 0) finish_refresh(true);
}

void Api::finish_refresh(bool fresh) {
  refresh_limit_.cancel();
  missing_ = 0;
  if (fresh) refreshed_ = net::now();
  for (const Then& then : std::exchange(waiting_, {}))
    then(fresh);
}

std::uint64_t Api::remember(const HttpReply& reply) {
  const std::uint64_t id = ++last_pending_;
  auto limit = std::make_unique<net::Timer>(
      loop_, [this, id] { answer(id, net::problem(504, "the worker does not answer")); });
  limit->at(net::now() + answer_limit);
  pending_.emplace(id, Pending{reply, std::move(limit)});
  return id;
}

void Api::answer(std::uint64_t id, HttpResponse response) {
  auto node = pending_.extract(id);
  if (!node.empty()) node.mapped().reply(std::move(response));
}

void Api::command(const HttpRequest& request, const HttpReply& reply, CallCommand command) {
  const std::string uuid(request.parameter("id"));
  const ApiState::Call* call = state_.find(uuid);
  if (!call) return reply(no_such_call());
  Worker* worker = workers_[call->began.worker];
  refreshed_ = {}; // what is asked for next shows what this has done
  // The reply stays here: were it let go on the worker's thread, it would answer from there.
  worker->post([this, worker, uuid, id = remember(reply), command = std::move(command)] {
    const Result<> done = worker->command(uuid, command);
    loop_.post([this, id, done] {
      HttpResponse response;
      response.status = 204;
      answer(id, done ? std::move(response) : refusal_of(done.error()));
    });
  });
}

void Api::play(const HttpRequest& request, const HttpReply& reply) {
  auto samples = decode_audio(request.body);
  if (!samples) return reply(net::problem(422, samples.error()));
  command(
      request, reply,
      PlayAudio{std::make_shared<const Samples>(std::move(*samples)), is_on(request.query_value("clear"))});
}

void Api::listen_in(const HttpRequest& request, const HttpReply& reply) {
  const std::string uuid(request.parameter("id"));
  const auto ear = parse_ear(request.query_value("leg").value_or("both"));
  if (!ear) return reply(net::problem(422, "leg is caller, agent or both"));
  if (request.query_value("mode").value_or("listen") != "listen")
    return reply(net::problem(422, "mode is listen"));
  if (!state_.find(uuid)) return reply(no_such_call());
  HttpResponse response;
  response.websocket = [this, uuid, ear](const std::shared_ptr<net::WebSocket>& socket) {
    listen_in(socket, uuid, *ear);
  };
  reply(std::move(response));
}

void Api::listen_in(const std::shared_ptr<net::WebSocket>& socket, const std::string& uuid, Ear ear) {
  const ApiState::Call* call = state_.find(uuid);
  if (!call) return socket->close(1000, "the call has ended");
  const auto listener = std::make_shared<AudioListener>(socket, uuid, ear);
  listeners_.insert(listener);
  listener->start([this, weak = std::weak_ptr(listener)] {
    const auto gone = weak.lock();
    if (!gone || listeners_.erase(gone) == 0) return;
    listener_drops_ += gone->dropped();
  });
  Worker* worker = workers_[call->began.worker];
  worker->post([worker, uuid, tap = listener->tap(loop_)] { worker->listen_to(uuid, tap); });
}

// ---- The SIP side

void Api::start_sip(const HttpRequest& request, const HttpReply& reply) {
  std::vector<Endpoint> wanted = listening_;
  if (const auto text = request.query_value("port")) {
    const auto port = ascii::to_number<std::uint16_t>(*text);
    if (!port || *port == 0) return reply(net::problem(422, "port is a number from 1 to 65535"));
    for (Endpoint& endpoint : wanted)
      endpoint.port = *port;
  }
  if (sip_ == Sip::running && wanted == listening_) return reply(json_answer(200, status_json()));
  if (sip_ != Sip::stopped) return reply(net::problem(409, "it runs: stop it first, and wait until it has"));
  for (Endpoint& endpoint : wanted) {
    if (const auto free = probe_(endpoint); !free)
      return reply(net::problem(409, fmt::format("{}: {}", endpoint.to_string(), free.error().message())));
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
      return answer(id, net::problem(409, progress->error->message()));
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

void Api::stop_sip(const HttpRequest& request, const HttpReply& reply) {
  const bool now = is_on(request.query_value("now"));
  if (sip_ == Sip::stopped) return reply(json_answer(200, status_json()));
  if (sip_ == Sip::starting) return reply(net::problem(409, "it is just being started"));
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

// ---- Documents

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
                         {"capacity", settings_.max_calls},
                         {"workers", settings_.workers},
                         {"bridge", settings_.bridge_text}};
  return json::serialize(out) + "\n";
}

std::string Api::index_json() const {
  json::array paths;
  for (const net::HttpRouter::Route& route : router_.routes()) {
    const Role role = roles_.at({route.method, route.pattern});
    paths.push_back({{"method", std::string(to_string(route.method))},
                     {"path", route.pattern},
                     {"role", role == Role::operate ? "operate"
                              : role == Role::read  ? "read"
                                                    : "none"}});
  }
  return json::serialize(json::object{{"version", TALKY_VERSION}, {"paths", std::move(paths)}}) + "\n";
}

std::string Api::metrics_text() {
  const std::int64_t now_us = net::wall_clock_us();
  Metrics::Gauges gauges;
  gauges.active = state_.calls().size();
  gauges.registrations = state_.registrations(now_us);
  gauges.http_connections = server_->connections();
  gauges.event_readers = readers_.size();
  gauges.event_readers_cut = readers_.cut_off();
  gauges.listeners = listeners_.size();
  gauges.listener_frames_dropped = listener_drops_;
  for (const auto& listener : listeners_)
    gauges.listener_frames_dropped += listener->dropped();
  for (const auto& [uuid, call] : state_.calls())
    gauges.queued_samples += call.now.queued;
  gauges.uptime_s = static_cast<double>(now_us - started_us_) / 1e6;
  gauges.sip_up = sip_ == Sip::running;
  return metrics_.text(gauges);
}

} // namespace talky::sipd
