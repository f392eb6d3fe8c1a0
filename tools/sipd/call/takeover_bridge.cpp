#include "sipd/call/takeover_bridge.hpp"

#include <utility>
#include <variant>

#include "core/overloaded.hpp"

namespace talky::sipd {

TakeoverBridge::TakeoverBridge(BridgeHost& host, PartLine line, std::function<void()> gone)
    : RemoteBridge(host), line_(std::move(line)), gone_(std::move(gone)) {}

TakeoverBridge::~TakeoverBridge() {
  *alive_ = false;
  line_.to_call->close();
}

void TakeoverBridge::start() {
  tell(host_.about());
  line_.to_call->open([this, alive = alive_](FromPart& message) {
    if (*alive) received(message);
  });
}

void TakeoverBridge::stop(std::string_view reason) {
  tell(ipc::Stop{std::string(reason)});
  over_ = true;
}

void TakeoverBridge::dismiss(std::uint16_t code, std::string_view why) {
  over_ = true;
  gone_ = nullptr; // who dismisses it gives the part back
  line_.to_client->send(PartLost{code, std::string(why)});
}

void TakeoverBridge::tell(const ipc::ToAgent& message) {
  if (!over_) line_.to_client->send(PartText{ipc::to_json(message)});
}

void TakeoverBridge::pause(bool paused) {
  line_.to_client->send(PartPause{paused});
}

void TakeoverBridge::received(FromPart& message) {
  std::visit(Overloaded{[this](const PartSound& m) { agent_audio(m.samples); },
                        [this](const PartText& m) { agent_control(m.json); },
                        [this](const PartAsk&) { line_.to_client->send(PartHere{}); },
                        [this](const PartGone&) {
                          over_ = true;
                          if (gone_) std::exchange(gone_, nullptr)(); // it may destroy us
                        }},
             message);
}

} // namespace talky::sipd
