// Which path leads where, and what the caller must be allowed to do.
#include <boost/json.hpp>
#include <utility>

#include "json/json.hpp"
#include "sipd/api/api.hpp"
#include "sipd/api/api_json.hpp"
#include "sipd/api/openapi.hpp"

namespace talky::sipd {
namespace {

using http::Method;
using http::Reply;
using http::Request;
using http::Response;

} // namespace

void Api::add_routes() {
  const auto get = [this](const char* path, Role role, http::Handler handler) {
    route(Method::get, path, role, std::move(handler));
  };
  const auto post = [this](const char* path, http::Handler handler) {
    route(Method::post, path, Role::operate, std::move(handler));
  };
  get("/healthz", Role::none, [](const Request&, const Reply& reply) {
    reply(Response::text(200, "text/plain; charset=utf-8", "ok\n"));
  });
  get("/readyz", Role::none, [this](const Request&, const Reply& reply) {
    if (closing_ || sip_ != Sip::running) return reply(http::problem(503, "no calls are taken at present"));
    reply(Response::text(200, "text/plain; charset=utf-8", "ok\n"));
  });
  get("/metrics", Role::read, [this](const Request&, const Reply& reply) {
    refresh([this, reply](bool) { // old figures are better than none
      reply(Response::text(200, "text/plain; version=0.0.4; charset=utf-8", metrics_text()));
    });
  });
  get("/api/v1", Role::read,
      [this](const Request&, const Reply& reply) { reply(json_answer(200, index_json())); });
  get("/api/v1/openapi.json", Role::read,
      [](const Request&, const Reply& reply) { reply(json_answer(200, std::string(openapi_document))); });
  get("/api/v1/sip/status", Role::read,
      [this](const Request&, const Reply& reply) { reply(json_answer(200, status_json())); });
  post("/api/v1/sip/start",
       [this](const Request& request, const Reply& reply) { start_sip(request, reply); });
  post("/api/v1/sip/stop", [this](const Request& request, const Reply& reply) { stop_sip(request, reply); });
  get("/api/v1/sip/registrations", Role::read, [this](const Request&, const Reply& reply) {
    reply(json_answer(200, state_.registrations_json(net::wall_clock_us())));
  });
  get("/api/v1/sip/calls", Role::read, [this](const Request&, const Reply& reply) {
    refresh([this, reply](bool fresh) {
      if (!fresh) return reply(http::problem(504, "a worker does not answer"));
      reply(json_answer(200, state_.calls_json(net::wall_clock_us())));
    });
  });
  post("/api/v1/sip/calls", [this](const Request& request, const Reply& reply) { call_out(request, reply); });
  get("/api/v1/sip/calls/{id}", Role::read, [this](const Request& request, const Reply& reply) {
    refresh([this, reply, id = std::string(request.parameter("id"))](bool fresh) {
      if (!fresh) return reply(http::problem(504, "a worker does not answer"));
      const ApiState::Call* call = state_.find(id);
      if (!call) return reply(no_such_call());
      reply(json_answer(200, state_.call_json(*call, net::wall_clock_us())));
    });
  });
  route(Method::delete_, "/api/v1/sip/calls/{id}", Role::operate,
        [this](const Request& request, const Reply& reply) { command(request, reply, HangUp{}); });
  post("/api/v1/sip/calls/{id}/hold",
       [this](const Request& request, const Reply& reply) { command(request, reply, HoldCall{}); });
  post("/api/v1/sip/calls/{id}/resume",
       [this](const Request& request, const Reply& reply) { command(request, reply, ResumeCall{}); });
  post("/api/v1/sip/calls/{id}/dtmf", [this](const Request& request, const Reply& reply) {
    auto digits = parse_digits(request.body);
    if (!digits) return reply(http::problem(422, digits.error()));
    command(request, reply, std::move(*digits));
  });
  post("/api/v1/sip/calls/{id}/transfer", [this](const Request& request, const Reply& reply) {
    auto to = parse_transfer(request.body);
    if (!to) return reply(http::problem(422, to.error()));
    command(request, reply, std::move(*to));
  });
  post("/api/v1/sip/calls/{id}/say",
       [this](const Request& request, const Reply& reply) { say(request, reply); });
  post("/api/v1/sip/calls/{id}/play",
       [this](const Request& request, const Reply& reply) { play(request, reply); });
  get("/api/v1/sip/events", Role::read, [this](const Request& request, const Reply& reply) {
    const auto last = ascii::to_number<std::uint64_t>(request.headers.get("Last-Event-ID"));
    Response response;
    response.headers.add("Content-Type", "text/event-stream");
    response.stream = [this, last](const std::shared_ptr<http::BodyStream>& stream) {
      readers_.add(stream, state_, last);
    };
    reply(std::move(response));
  });
  get("/api/v1/sip/audio/{id}", Role::read,
      [this](const Request& request, const Reply& reply) { take_part(request, reply); });
  get("/api/v1/web/call", Role::operate,
      [this](const Request& request, const Reply& reply) { web_call(request, reply); });
  const AddRoute add = [this](Method method, const char* pattern, Role role, http::Handler handler) {
    route(method, pattern, role, std::move(handler));
  };
  pages_.add_routes(add);
  voices_.add_routes(add);
  history_.add_routes(add);
}

std::string Api::index_json() const {
  json::array paths;
  for (const http::Router::Route& route : router_.routes()) {
    const Role role = roles_.at({route.method, route.pattern});
    std::string path = route.pattern;
    if (const std::size_t rest = path.find("...}"); rest != std::string::npos) path.erase(rest, 3);
    paths.push_back({{"method", std::string(to_string(route.method))},
                     {"path", path},
                     {"role", role == Role::operate ? "operate"
                              : role == Role::read  ? "read"
                                                    : "none"}});
  }
  return json::compact(json::object{{"version", TALKY_VERSION}, {"paths", std::move(paths)}}) + "\n";
}
} // namespace talky::sipd
