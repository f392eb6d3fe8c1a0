#include "sipd/call/takeover_bridge.hpp"

#include <utility>
#include <variant>

#include "core/overloaded.hpp"

namespace talky::sipd {

TakeoverBridge::TakeoverBridge(BridgeHost& host, PartLine line, Task gone)
    : RemoteBridge(host), line_(std::move(line)), gone_(std::move(gone)) {}

TakeoverBridge::~TakeoverBridge() {
  *alive_ = false;
  line_.to_call->close();
}

void TakeoverBridge::start(Time /*now*/) {
  tell(host_.about());
  line_.to_call->open([this, alive = alive_](FromPart& message, Time now) {
    if (*alive) received(message, now);
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

void TakeoverBridge::received(FromPart& message, Time now) {
  std::visit(Overloaded{[&](const PartSound& m) { agent_audio(m.samples, now); },
                        [&](const PartText& m) { agent_control(m.json, now); },
                        [this](const PartAsk&) { line_.to_client->send(PartHere{}); },
                        [&](const PartGone&) {
                          over_ = true;
                          if (gone_) std::exchange(gone_, nullptr)(now); // it may destroy us
                        }},
             message);
}

} // namespace talky::sipd
