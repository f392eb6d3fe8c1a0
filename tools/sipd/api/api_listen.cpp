// Who listens to a call over a WebSocket, talks in, or takes the agent's part.
#include <utility>

#include "sipd/api/api.hpp"
#include "sipd/api/api_json.hpp"
#include "sipd/worker/worker.hpp"

namespace talky::sipd {

using http::Reply;
using http::Request;
using http::Response;

// A call has room for one who talks in, and one in the agent's part. The claim holds from the answer to the
// request until the client has left.
std::shared_ptr<void> Api::claim(const std::string& uuid, Part part) {
  if (part == Part::listen) return std::make_shared<int>(0);
  const auto key = std::pair(uuid, part);
  if (!parts_->insert(key).second) return nullptr;
  struct Claim {
    std::weak_ptr<Parts> parts;
    Parts::key_type key;
    ~Claim() {
      if (const auto all = parts.lock()) all->erase(key);
    }
    Claim(std::weak_ptr<Parts> p, Parts::key_type k) : parts(std::move(p)), key(std::move(k)) {}
    Claim(const Claim&) = delete;
    Claim& operator=(const Claim&) = delete;
  };
  return std::make_shared<Claim>(parts_, key);
}

void Api::take_part(const Request& request, const Reply& reply) {
  const std::string uuid(request.parameter("id"));
  const auto part = parse_part(request.query_value("mode").value_or("listen"));
  if (!part) return reply(http::problem(422, "mode is listen, talk or agent"));
  const auto ear = parse_ear(request.query_value("leg").value_or(part == Part::agent ? "caller" : "both"));
  if (!ear) return reply(http::problem(422, "leg is caller, agent or both"));
  if (part == Part::agent && ear != Ear::caller)
    return reply(http::problem(422, "who has the agent's part hears the caller: leg is caller"));
  if (part != Part::listen) {
    if (auto refusal = refuse(request, endpoint_, options_.tokens.get(), Role::operate))
      return reply(std::move(*refusal));
  }
  const ApiState::Call* call = state_.find(uuid);
  if (!call) return reply(no_such_call());
  if (part != Part::listen && !call->answered)
    return reply(http::problem(409, "the call has not been answered yet"));
  auto claimed = claim(uuid, *part);
  if (!claimed) {
    return reply(http::problem(
        409, part == Part::agent ? "a program has the agent's part already" : "somebody talks in already"));
  }
  Response response;
  // The server may keep the function for as long as the connection lasts; the claim goes earlier.
  response.websocket = [this, uuid, ear, part,
                        held = std::make_shared<std::shared_ptr<void>>(std::move(claimed))](
                           const std::shared_ptr<http::WebSocket>& socket) {
    const ApiState::Call* still = state_.find(uuid);
    if (!still) return socket->close(1000, "the call has ended");
    const auto client =
        std::make_shared<AudioClient>(socket, uuid, *ear, *part, std::exchange(*held, nullptr));
    Worker* worker = workers_[still->began.worker];
    audio_clients_.insert(client);
    client->start(loop_, worker->loop(), [this, weak = std::weak_ptr(client)] {
      const auto gone = weak.lock();
      if (!gone || audio_clients_.erase(gone) == 0) return;
      listener_drops_ += gone->dropped();
    });
    worker->post([worker, uuid, part, tap = client->tap(), line = client->line()] {
      worker->take_part(uuid, *part, tap, line);
    });
  };
  reply(std::move(response));
}

} // namespace talky::sipd
