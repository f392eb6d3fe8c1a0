#include "sipd/call/seat_bridge.hpp"

#include <utility>
#include <variant>

#include "core/overloaded.hpp"

namespace talky::sipd {

SeatBridge::SeatBridge(BridgeHost& host, SeatLine line, std::function<void()> gone)
    : RemoteBridge(host), line_(std::move(line)), gone_(std::move(gone)) {}

SeatBridge::~SeatBridge() {
  *alive_ = false;
  line_.to_call->close();
}

void SeatBridge::start() {
  tell(host_.about());
  line_.to_call->open([this, alive = alive_](FromSeat& message) {
    if (*alive) received(message);
  });
}

void SeatBridge::stop(std::string_view reason) {
  tell(ipc::Stop{std::string(reason)});
  over_ = true;
}

void SeatBridge::dismiss(std::uint16_t code, std::string_view why) {
  over_ = true;
  line_.to_client->send(SeatLost{code, std::string(why)});
}

void SeatBridge::tell(const ipc::ToAgent& message) {
  if (!over_) line_.to_client->send(SeatText{ipc::to_json(message)});
}

void SeatBridge::pause(bool paused) {
  line_.to_client->send(SeatPause{paused});
}

void SeatBridge::received(FromSeat& message) {
  std::visit(Overloaded{[this](const SeatSound& m) { agent_audio(m.samples); },
                        [this](const SeatText& m) { agent_control(m.json); },
                        [this](const SeatAsk&) { line_.to_client->send(SeatHere{}); },
                        [this](const SeatGone&) {
                          over_ = true;
                          if (gone_) std::exchange(gone_, nullptr)(); // it may destroy us
                        }},
             message);
}

} // namespace talky::sipd
