#include "sipd/api/api.hpp"

#include <utility>

#include "core/ascii.hpp"
#include "net/background_thread.hpp"
#include "sipd/api/web_caller.hpp"
#include "sipd/worker/worker.hpp"

namespace talky::sipd {
namespace {

using http::Method;
using http::Reply;
using http::Request;
using http::Response;

constexpr auto stop_limit = std::chrono::seconds(1);
constexpr std::uint64_t max_body = 4 << 20; // two minutes of sound

} // namespace

Api::Api(Options options, const Shared& shared)
    : options_(std::move(options)),
      shared_(shared),
      log_(shared.log),
      metrics_(options_.max_calls, options_.workers),
      state_([this](const ApiState::Event& event) { on_event(event); }),
      readers_(loop_),
      pages_(options_.web),
      voices_(loop_, options_.agent_command, options_.samples, shared.log),
      speaker_(loop_, options_.agent_command),
      history_(loop_, options_.cdr, options_.recordings,
               [this](std::string_view uuid) { return state_.find(uuid) != nullptr; }),
      refresh_limit_(loop_, [this] { finish_refresh(false); }) {
  http::ServerOptions server;
  server.max_body = max_body;
  server_ = std::make_unique<http::Server>(
      loop_, server, [this](Request request, const Reply& reply) { handle(std::move(request), reply); },
      log_);
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
  worker_counters_.resize(workers_.size());
  listening_ = std::move(listening);
  probe_ = std::move(probe);
  started_us_ = net::wall_clock_us();
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
    for (const auto& listener : std::exchange(audio_clients_, {}))
      listener->call_ended();
    for (const auto& caller : std::exchange(web_callers_, {}))
      caller->hang_up();
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
    std::vector<std::shared_ptr<AudioClient>> over;
    for (const auto& listener : audio_clients_) {
      if (listener->call() == event.uuid) over.push_back(listener);
    }
    for (const auto& listener : over) {
      listener->call_ended();
      listener_drops_ += listener->dropped();
      audio_clients_.erase(listener);
    }
  });
}

void Api::turned(CallTurn event) {
  loop_.post([this, event = std::move(event)] {
    metrics_.turn(event.measure);
    state_.turned(event);
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
  const auto all = audio_clients_;
  for (const auto& listener : all) {
    if (event.call == listener->call()) listener->event(event);
  }
}

// ---- Requests

void Api::route(Method method, const char* pattern, Role role, http::Handler handler) {
  roles_[{method, pattern}] = role;
  router_.add(method, pattern,
              [this, role, handler = std::move(handler)](Request request, const Reply& reply) {
                if (auto refusal = refuse(request, endpoint_, options_.tokens.get(), role))
                  return reply(std::move(*refusal));
                handler(std::move(request), reply);
              });
}

void Api::handle(Request request, const Reply& reply) {
  const Reply answer = counted(request, reply);
  // Before the router says what there is and what not.
  if (auto refusal = refuse(request, endpoint_, options_.tokens.get(), Role::none))
    return answer(std::move(*refusal));
  router_(std::move(request), answer);
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
} // namespace talky::sipd
