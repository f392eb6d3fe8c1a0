// Questions and commands to the workers, who own the calls.
#include <fmt/format.h>

#include <utility>

#include "sipd/api/api.hpp"
#include "sipd/api/api_json.hpp"
#include "sipd/worker/worker.hpp"

namespace talky::sipd {
namespace {

using http::Reply;
using http::Request;
using http::Response;

constexpr auto fresh_for = std::chrono::milliseconds(250);
constexpr auto answer_limit = std::chrono::seconds(5); // of a worker

} // namespace

void Api::refresh(Then then) {
  if (waiting_.empty() && refreshed_ != Time{} && net::now() - refreshed_ < fresh_for) return then(true);
  waiting_.push_back(std::move(then));
  if (waiting_.size() > 1) return; // they have been asked
  missing_ = workers_.size();
  ++round_;
  refresh_limit_.at(net::now() + answer_limit);
  for (Worker* worker : workers_) {
    worker->post([this, worker, round = round_] {
      loop_.post([this, round, index = worker->index(), calls = worker->snapshots(),
                  counters = worker->totals()] { gathered(round, index, calls, counters); });
    });
  }
}

void Api::gathered(std::uint64_t round, std::size_t worker, const std::vector<CallSnapshot>& calls,
                   const WorkerCounters& counters) {
  worker_counters_[worker] = counters;
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

std::uint64_t Api::remember(const Reply& reply) {
  const std::uint64_t id = ++last_pending_;
  auto limit = std::make_unique<net::Timer>(
      loop_, [this, id] { answer(id, http::problem(504, "the worker does not answer")); });
  limit->at(net::now() + answer_limit);
  pending_.emplace(id, Pending{reply, std::move(limit)});
  return id;
}

void Api::answer(std::uint64_t id, Response response) {
  auto node = pending_.extract(id);
  if (!node.empty()) node.mapped().reply(std::move(response));
}

void Api::command(const Request& request, const Reply& reply, CallCommand what) {
  command(std::string(request.parameter("id")), reply, std::move(what));
}

void Api::command(const std::string& uuid, const Reply& reply, CallCommand command) {
  const ApiState::Call* call = state_.find(uuid);
  if (!call) return reply(no_such_call());
  Worker* worker = workers_[call->began.worker];
  refreshed_ = {}; // what is asked for next shows what this has done
  // The reply stays here: were it let go on the worker's thread, it would answer from there.
  worker->post([this, worker, uuid, id = remember(reply), command = std::move(command)] {
    const Result<> done = worker->command(uuid, command);
    loop_.post([this, id, done] {
      Response response;
      response.status = 204;
      answer(id, done ? std::move(response) : refusal_of(done.error()));
    });
  });
}

void Api::call_out(const Request& request, const Reply& reply) {
  auto call = parse_call_out(request.body, listening_.empty() ? Endpoint{} : listening_.front());
  if (!call) return reply(http::problem(422, call.error()));
  Worker* worker = workers_[next_out_worker_++ % workers_.size()];
  refreshed_ = {};
  worker->post([this, worker, id = remember(reply), call = std::move(*call)] {
    worker->call_out(call, [this, id](tl::expected<std::string, NoCall> placed) {
      loop_.post([this, id, placed = std::move(placed)] {
        if (!placed) {
          auto refusal = http::problem(placed.error().status, placed.error().why);
          if (placed.error().status == 503) refusal.headers.add("Retry-After", "5");
          return answer(id, std::move(refusal));
        }
        auto created = json_answer(201, fmt::format("{{\"id\":\"{}\"}}\n", *placed));
        created.headers.add("Location", fmt::format("/api/v1/sip/calls/{}", *placed));
        answer(id, std::move(created));
      });
    });
  });
}

// The agent says it, if it knows how; otherwise its program does, beside the call.
void Api::say(const Request& request, const Reply& reply) {
  const auto wish = parse_say(request.body);
  if (!wish) return reply(http::problem(422, wish.error()));
  const std::string uuid(request.parameter("id"));
  const ApiState::Call* call = state_.find(uuid);
  if (!call) return reply(no_such_call());
  if (!call->answered) return reply(http::problem(409, "the call has not been answered yet"));
  Worker* worker = workers_[call->began.worker];
  worker->post([this, worker, uuid, id = remember(reply), text = *wish] {
    const Result<> done = worker->command(uuid, SayText{text});
    loop_.post([this, id, uuid, text, done] {
      if (done || done.error().code != Errc::unsupported) {
        Response response;
        response.status = 204;
        return answer(id, done ? std::move(response) : refusal_of(done.error()));
      }
      auto node = pending_.extract(id); // to speak may take longer than a worker's answer
      if (!node.empty()) say_beside(uuid, node.mapped().reply, text);
    });
  });
}

void Api::say_beside(const std::string& uuid, const Reply& reply, const ipc::Say& text) {
  speaker_.speak(
      text.text, text.voice,
      [this, uuid, reply, clear = text.clear](tl::expected<audio::Samples, std::string> said) {
        if (said)
          return command(uuid, reply,
                         PlayAudio{std::make_shared<const audio::Samples>(std::move(*said)), clear});
        reply(http::problem(503, fmt::format("the agent's program does not speak: {}", said.error())));
      });
}

void Api::play(const Request& request, const Reply& reply) {
  auto samples = decode_audio(request.body);
  if (!samples) return reply(http::problem(422, samples.error()));
  command(request, reply,
          PlayAudio{std::make_shared<const audio::Samples>(std::move(*samples)),
                    is_on(request.query_value("clear"))});
}
} // namespace talky::sipd
