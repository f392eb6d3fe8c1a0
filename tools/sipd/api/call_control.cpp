#include "sipd/api/call_control.hpp"

#include <fmt/format.h>

#include <memory>
#include <optional>
#include <utility>

#include "json/json.hpp"
#include "sipd/api/api_json.hpp"
#include "sipd/worker/worker.hpp"

namespace talky::sipd {
namespace {

using http::Reply;
using http::Request;
using http::Response;
using Answer = WorkerQuestions::Answer;

constexpr const char* kNoAnswer = "the worker does not answer";

std::string uuid_of(const Request& request) {
  return std::string(request.parameter("id"));
}

Response done_response(const Result<>& done) {
  if (!done) return refusal_of(done.error());
  Response response;
  response.status = 204;
  return response;
}

// What a worker has answered, for the loop of the API.
template <class T>
using Outcome = std::shared_ptr<std::optional<T>>;

} // namespace

void CallControl::add_routes(RouteTable& routes) {
  routes.get("/api/v1/sip/calls", Role::read, [this](const Request&, const Reply& reply) { list(reply); });
  routes.post("/api/v1/sip/calls",
              [this](const Request& request, const Reply& reply) { place(request, reply); });
  routes.get("/api/v1/sip/calls/{id}", Role::read,
             [this](const Request& request, const Reply& reply) { one(uuid_of(request), reply); });
  routes.add(
      http::Method::delete_, "/api/v1/sip/calls/{id}", Role::operate,
      [this](const Request& request, const Reply& reply) { command(uuid_of(request), reply, HangUp{}); });
  routes.post("/api/v1/sip/calls/{id}/hold", [this](const Request& request, const Reply& reply) {
    command(uuid_of(request), reply, HoldCall{});
  });
  routes.post("/api/v1/sip/calls/{id}/resume", [this](const Request& request, const Reply& reply) {
    command(uuid_of(request), reply, ResumeCall{});
  });
  routes.post("/api/v1/sip/calls/{id}/dtmf", [this](const Request& request, const Reply& reply) {
    auto digits = parse_digits(request.body);
    if (!digits) return reply(http::problem(422, digits.error()));
    command(uuid_of(request), reply, std::move(*digits));
  });
  routes.post("/api/v1/sip/calls/{id}/transfer", [this](const Request& request, const Reply& reply) {
    auto to = parse_transfer(request.body);
    if (!to) return reply(http::problem(422, to.error()));
    command(uuid_of(request), reply, std::move(*to));
  });
  routes.post("/api/v1/sip/calls/{id}/say",
              [this](const Request& request, const Reply& reply) { say(request, reply); });
  routes.post("/api/v1/sip/calls/{id}/play",
              [this](const Request& request, const Reply& reply) { play(request, reply); });
}

void CallControl::list(const Reply& reply) {
  snapshots_.refresh([this, reply](bool fresh) {
    if (!fresh) return reply(http::problem(504, "a worker does not answer"));
    reply(json_answer(200, state_.calls_json(net::wall_clock_us())));
  });
}

void CallControl::one(const std::string& uuid, const Reply& reply) {
  snapshots_.refresh([this, reply, uuid](bool fresh) {
    if (!fresh) return reply(http::problem(504, "a worker does not answer"));
    const ApiState::Call* call = state_.find(uuid);
    if (!call) return reply(no_such_call());
    reply(json_answer(200, state_.call_json(*call, net::wall_clock_us())));
  });
}

void CallControl::command(const std::string& uuid, const Reply& reply, CallCommand what) {
  const ApiState::Call* call = state_.find(uuid);
  if (!call) return reply(no_such_call());
  snapshots_.outdate();
  const auto outcome = std::make_shared<Result<>>();
  workers_.ask(
      workers_.worker(call->facts.worker),
      [uuid, outcome, what = std::move(what)](Worker& worker, const Answer& answer) {
        answer([outcome, done = worker.command(uuid, what)] { *outcome = done; });
      },
      [reply, outcome](bool answered) {
        reply(answered ? done_response(*outcome) : http::problem(504, kNoAnswer));
      });
}

void CallControl::place(const Request& request, const Reply& reply) {
  const std::vector<Endpoint>& listening = sip_.listening();
  auto call = parse_call_out(request.body, listening.empty() ? Endpoint{} : listening.front());
  if (!call) return reply(http::problem(422, call.error()));
  snapshots_.outdate();
  using Placed = tl::expected<std::string, NoCall>;
  const Outcome<Placed> outcome = std::make_shared<std::optional<Placed>>();
  workers_.ask(
      workers_.worker(next_++ % workers_.workers().size()),
      [outcome, call = std::move(*call)](Worker& worker, const Answer& answer) {
        worker.call_out(call, [outcome, answer](const Placed& placed) {
          answer([outcome, placed] { *outcome = placed; });
        });
      },
      [reply, outcome](bool answered) {
        if (!answered) return reply(http::problem(504, kNoAnswer));
        const Placed& placed = **outcome;
        if (!placed) {
          auto refusal = http::problem(placed.error().status, placed.error().why);
          if (placed.error().status == 503) refusal.headers.add("Retry-After", "5");
          return reply(std::move(refusal));
        }
        auto created = json_answer(201, json::compact(json::object{{"id", *placed}}) + "\n");
        created.headers.add("Location", fmt::format("/api/v1/sip/calls/{}", *placed));
        reply(std::move(created));
      });
}

// The agent says it, if it knows how; otherwise its program does, beside the call.
void CallControl::say(const Request& request, const Reply& reply) {
  const auto wish = parse_say(request.body);
  if (!wish) return reply(http::problem(422, wish.error()));
  const std::string uuid = uuid_of(request);
  const ApiState::Call* call = state_.find(uuid);
  if (!call) return reply(no_such_call());
  if (!call->answered) return reply(http::problem(409, "the call has not been answered yet"));
  const auto outcome = std::make_shared<Result<>>();
  workers_.ask(
      workers_.worker(call->facts.worker),
      [uuid, outcome, text = *wish](Worker& worker, const Answer& answer) {
        answer([outcome, done = worker.command(uuid, SayText{text})] { *outcome = done; });
      },
      [this, reply, uuid, outcome, text = *wish](bool answered) {
        if (!answered) return reply(http::problem(504, kNoAnswer));
        const bool knows_how = *outcome || outcome->error().code != Errc::unsupported;
        if (knows_how) return reply(done_response(*outcome));
        say_beside(uuid, reply, text);
      });
}

// To speak may take longer than a worker's answer.
void CallControl::say_beside(const std::string& uuid, const Reply& reply, const ipc::Say& text) {
  using Said = tl::expected<audio::Samples, std::string>;
  speaker_.speak(text.text, text.voice, [this, uuid, reply, clear = text.clear](Said said) {
    if (!said)
      return reply(http::problem(503, fmt::format("the agent's program does not speak: {}", said.error())));
    command(uuid, reply, PlayAudio{std::make_shared<const audio::Samples>(std::move(*said)), clear});
  });
}

void CallControl::play(const Request& request, const Reply& reply) {
  auto samples = decode_audio(request.body);
  if (!samples) return reply(http::problem(422, samples.error()));
  command(uuid_of(request), reply,
          PlayAudio{std::make_shared<const audio::Samples>(std::move(*samples)),
                    is_on(request.query_value("clear"))});
}

} // namespace talky::sipd
