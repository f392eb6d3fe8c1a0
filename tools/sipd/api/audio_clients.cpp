#include "sipd/api/audio_clients.hpp"

#include <utility>
#include <vector>

#include "sipd/api/api_json.hpp"
#include "sipd/worker/worker.hpp"

namespace talky::sipd {

using http::Reply;
using http::Request;
using http::Response;

void AudioClients::add_routes(RouteTable& routes) {
  routes.get("/api/v1/sip/audio/{id}", Role::read,
             [this](const Request& request, const Reply& reply) { take_part(request, reply); });
}

void AudioClients::event(const ApiState::Event& event) {
  const auto all = clients_;
  for (const auto& client : all) {
    if (event.call == client->call()) client->event(event);
  }
}

void AudioClients::call_ended(std::string_view uuid) {
  std::vector<std::shared_ptr<AudioClient>> over;
  for (const auto& client : clients_) {
    if (client->call() == uuid) over.push_back(client);
  }
  for (const auto& client : over) {
    client->call_ended();
    dropped_ += client->dropped();
    clients_.erase(client);
  }
}

void AudioClients::end() {
  for (const auto& client : std::exchange(clients_, {}))
    client->call_ended();
}

std::uint64_t AudioClients::dropped() const {
  std::uint64_t sum = dropped_;
  for (const auto& client : clients_)
    sum += client->dropped();
  return sum;
}

// The claim holds from the answer to the request until the client has left.
std::shared_ptr<void> AudioClients::claim(const std::string& uuid, Part part) {
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

void AudioClients::take_part(const Request& request, const Reply& reply) {
  const std::string uuid(request.parameter("id"));
  const auto part = parse_part(request.query_value("mode").value_or("listen"));
  if (!part) return reply(http::problem(422, "mode is listen, talk or agent"));
  const auto ear = parse_ear(request.query_value("leg").value_or(part == Part::agent ? "caller" : "both"));
  if (!ear) return reply(http::problem(422, "leg is caller, agent or both"));
  if (part == Part::agent && ear != Ear::caller)
    return reply(http::problem(422, "who has the agent's part hears the caller: leg is caller"));
  if (part != Part::listen) { // more than the path alone asks for
    if (auto refusal = access_.refuse_token(request, Role::operate)) return reply(std::move(*refusal));
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
    Worker* worker = &workers_.worker(still->facts.worker);
    clients_.insert(client);
    client->start(loop_, worker->loop(), [this, weak = std::weak_ptr(client)] {
      const auto gone = weak.lock();
      if (!gone || clients_.erase(gone) == 0) return;
      dropped_ += gone->dropped();
    });
    worker->post([worker, uuid, part, tap = client->tap(), line = client->line()] {
      worker->take_part(uuid, *part, tap, line);
    });
  };
  reply(std::move(response));
}

} // namespace talky::sipd
