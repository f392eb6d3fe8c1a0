// What the bridges to programs share: control messages acted upon, audio queued with back-pressure, and one
// line for whoever does not keep up, says nothing, or floods.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>

#include "sipd/bridge/bridge.hpp"

namespace talky::sipd {

class RemoteBridge : public Bridge {
 public:
  explicit RemoteBridge(BridgeHost& host) : host_(host) {}

  void caller_audio(std::span<const std::int16_t> samples, Time now) final;
  void dtmf(const ipc::DtmfReceived& key) final { tell(key); }
  void mark_played(const ipc::MarkPlayed& mark) final { tell(mark); }
  void cleared(const ipc::Cleared& cleared) final { tell(cleared); }
  void hold(bool held) final { tell(held ? ipc::ToAgent(ipc::Hold{}) : ipc::ToAgent(ipc::Resume{})); }
  void displaced() final { tell(ipc::Hold{.by_program = true}); }
  bool say(const ipc::Say& say) final;

 protected:
  virtual void tell(const ipc::ToAgent& message) = 0;
  virtual bool send_audio(std::span<const std::int16_t> samples, Time now) = 0; // false: there is no room
  virtual void pause(bool paused) = 0; // stop reading from the program, or go on
  virtual void break_off() = 0;        // let go of the program

  // 16 kHz, from the program.
  void agent_audio(std::span<const std::int16_t> samples, Time now);
  // JSON from the program. What is wrong with it is logged and skipped.
  void agent_control(std::string_view json, Time now);
  void lose(std::string_view why, Time now, int status = 503); // break_off() and host.failed(), once
  void leave(std::string_view reason, Time now);               // the program has hung up in good order

  BridgeHost& host_;
  bool over_ = false;     // lost or hung up
  bool said_bye_ = false; // the program has asked for the goodbye

 private:
  bool flooding(Time now);

  ipc::Accepts accepts_;
  bool heard_ = false; // audio has come
  bool told_silent_ = false;
  bool told_slow_ = false;
  bool told_flood_ = false;
  bool paused_ = false;
  std::uint64_t caller_samples_ = 0;
  std::uint32_t controls_ = 0; // in this second of the caller's audio
  std::uint32_t complaints_ = 0;
};

} // namespace talky::sipd
