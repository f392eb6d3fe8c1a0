#include "sipd/api/api_events.hpp"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "core/ascii.hpp"

namespace talky::sipd {
namespace {

constexpr auto kKeepAliveEvery = std::chrono::seconds(15);

std::string as_text(const ApiState::Event& event) {
  return fmt::format("id: {}\nevent: {}\ndata: {}\n\n", event.id, event.type, event.json);
}

} // namespace

EventReaders::EventReaders(net::Loop& loop, const ApiState& state)
    : state_(state), timer_(loop, [this] { keep_alive(); }) {
  timer_.at(net::now() + kKeepAliveEvery);
}

void EventReaders::add_routes(RouteTable& routes) {
  routes.get("/api/v1/sip/events", Role::read,
             [this](const http::Request& request, const http::Reply& reply) {
               const auto last = ascii::to_number<std::uint64_t>(request.headers.get("Last-Event-ID"));
               http::Response response;
               response.headers.add("Content-Type", "text/event-stream");
               response.stream = [this, last](const std::shared_ptr<http::BodyStream>& stream) {
                 add(stream, last);
               };
               reply(std::move(response));
             });
}

void EventReaders::add(const std::shared_ptr<http::BodyStream>& stream,
                       std::optional<std::uint64_t> last_seen) {
  streams_.insert(stream);
  stream->on_closed([this, raw = stream.get()] {
    std::erase_if(streams_, [raw](const auto& candidate) { return candidate.get() == raw; });
  });
  std::string text = "retry: 2000\n\n";
  if (last_seen) {
    const auto missed = state_.since(*last_seen);
    if (!missed)
      text += "event: missed\ndata: {\"type\":\"missed\"}\n\n"; // some are gone: ask for the lists anew
    for (const ApiState::Event& event : missed.value_or(std::vector<ApiState::Event>{}))
      text += as_text(event);
  }
  write(stream, text);
}

void EventReaders::send(const ApiState::Event& event) {
  const std::string text = as_text(event);
  const auto all = streams_; // one that is cut off goes out of the set
  for (const auto& stream : all)
    write(stream, text);
}

void EventReaders::write(const std::shared_ptr<http::BodyStream>& stream, const std::string& text) {
  if (stream->write(text)) return;
  ++cut_off_;
  stream->abort();
}

void EventReaders::keep_alive() {
  const auto all = streams_;
  for (const auto& stream : all)
    write(stream, ":\n\n");
  timer_.at(net::now() + kKeepAliveEvery);
}

} // namespace talky::sipd
