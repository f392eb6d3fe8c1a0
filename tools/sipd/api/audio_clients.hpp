// The clients of /api/v1/sip/audio/{call_id}: who listens to which call over a WebSocket, talks in, or has
// the agent's part. A call has room for one who talks in, and one in the agent's part.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "sipd/api/api_audio.hpp"
#include "sipd/api/api_state.hpp"
#include "sipd/api/route_table.hpp"
#include "sipd/api/worker_questions.hpp"

namespace talky::sipd {

class AudioClients {
 public:
  // `loop` is the API's.
  AudioClients(net::Loop& loop, const Access& access, WorkerQuestions& workers, const ApiState& state)
      : loop_(loop), access_(access), workers_(workers), state_(state) {}

  void add_routes(RouteTable& routes);
  void event(const ApiState::Event& event);
  void call_ended(std::string_view uuid);
  void end(); // the daemon ends

  std::size_t size() const { return clients_.size(); }
  std::uint64_t dropped() const; // frames so far, of those who have left too

 private:
  void take_part(const http::Request& request, const http::Reply& reply);
  std::shared_ptr<void> claim(const std::string& uuid, Part part); // null: somebody else has it

  net::Loop& loop_;
  const Access& access_;
  WorkerQuestions& workers_;
  const ApiState& state_;
  std::set<std::shared_ptr<AudioClient>> clients_;
  using Parts = std::set<std::pair<std::string, Part>>;
  std::shared_ptr<Parts> parts_ = std::make_shared<Parts>(); // that are taken, by call
  std::uint64_t dropped_ = 0;                                // frames, of those who have left
};

} // namespace talky::sipd
