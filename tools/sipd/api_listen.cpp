// Who listens to a call over a WebSocket.
#include "api.hpp"
#include "api_json.hpp"
#include "worker.hpp"

namespace talky::sipd {

using http::Reply;
using http::Request;
using http::Response;

void Api::listen_in(const Request& request, const Reply& reply) {
  const std::string uuid(request.parameter("id"));
  const auto ear = parse_ear(request.query_value("leg").value_or("both"));
  if (!ear) return reply(http::problem(422, "leg is caller, agent or both"));
  if (request.query_value("mode").value_or("listen") != "listen")
    return reply(http::problem(422, "mode is listen"));
  if (!state_.find(uuid)) return reply(no_such_call());
  Response response;
  response.websocket = [this, uuid, ear](const std::shared_ptr<http::WebSocket>& socket) {
    listen_in(socket, uuid, *ear);
  };
  reply(std::move(response));
}

void Api::listen_in(const std::shared_ptr<http::WebSocket>& socket, const std::string& uuid, Ear ear) {
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
} // namespace talky::sipd
