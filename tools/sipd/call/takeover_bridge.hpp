// A program that has taken the agent's part over a WebSocket: a bridge like any other, with the control
// messages of ipc/control.hpp as text.
#pragma once
#include <functional>
#include <memory>

#include "sipd/bridge/bridge.hpp"
#include "sipd/bridge/remote_bridge.hpp"
#include "sipd/messages/part_line.hpp"

namespace talky::sipd {

class TakeoverBridge final : public RemoteBridge {
 public:
  // `gone` comes once, when the program has left by itself.
  TakeoverBridge(BridgeHost& host, PartLine line, Task gone);
  ~TakeoverBridge() override;

  void start(Time now) override;
  void stop(std::string_view reason) override;
  void dismiss(std::uint16_t code, std::string_view why);
  bool said_goodbye() const { return said_bye_; } // hung up: what it has said is still to be heard

 protected:
  void tell(const ipc::ToAgent& message) override;
  bool send_audio(std::span<const std::int16_t> /*samples*/, Time /*now*/) override {
    return true;
  } // it has its AudioTap
  void pause(bool paused) override;
  void break_off() override {}

 private:
  void received(FromPart& message, Time now);

  PartLine line_;
  Task gone_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

} // namespace talky::sipd
