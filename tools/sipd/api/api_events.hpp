// The readers of /api/v1/sip/events: server-sent events of everything that the API gets to know. One that
// reads too slowly is cut off; it comes back with Last-Event-ID and misses nothing that is still kept.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <set>

#include "http/message.hpp"
#include "net/loop.hpp"
#include "sipd/api/api_state.hpp"
#include "sipd/api/route_table.hpp"

namespace talky::sipd {

class EventReaders {
 public:
  // `state` has the events of before.
  EventReaders(net::Loop& loop, const ApiState& state);

  void add_routes(RouteTable& routes);
  void send(const ApiState::Event& event);
  std::size_t size() const { return streams_.size(); }
  std::uint64_t cut_off() const { return cut_off_; } // readers so far

 private:
  void add(const std::shared_ptr<http::BodyStream>& stream, std::optional<std::uint64_t> last_seen);
  void write(const std::shared_ptr<http::BodyStream>& stream, const std::string& text);
  void keep_alive();

  const ApiState& state_;
  net::Timer timer_;
  std::set<std::shared_ptr<http::BodyStream>> streams_;
  std::uint64_t cut_off_ = 0;
};

} // namespace talky::sipd
