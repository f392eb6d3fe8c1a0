// The agent's side of a call: its bridge, the program that may have taken its place, and what of theirs and
// of others is played to the party (playout_owner.hpp). Also how long the caller waits for each answer.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "call/events.hpp"
#include "ipc/control.hpp"
#include "sipd/bridge/bridge.hpp"
#include "sipd/bridge/target.hpp"
#include "sipd/call/playout_owner.hpp"
#include "sipd/call/takeover.hpp"
#include "telemetry/turn_meter.hpp"

namespace talky::sipd {

class Session;

class AgentSide final : public BridgeHost {
 public:
  using Owner = PlayoutOwner::Owner;

  AgentSide(Session& session, ipc::Start about) : session_(session), about_(std::move(about)) {}

  // ---- What happens in the call
  void speak_as(std::string voice) { about_.voice = std::move(voice); } // before make()
  tl::expected<void, std::string> make(const Target& target, Time now);
  void start(Time now) { bridge_->start(now); }
  void caller_audio(std::span<const std::int16_t> samples, Time now); // 20 ms
  void dtmf(const ipc::DtmfReceived& key, Time now);
  void hold(bool held, Time now);
  void marked(const call::MarkPassed& mark, std::uint64_t played_before, Time now);
  void cleared(const ipc::Cleared& cleared, Time now); // what Leg::clear() did not know at once
  void audio_left(Time now);                           // sound of the agent has gone out to the party
  void new_party() { turns_.restart(); }
  void stop_program(std::string_view reason); // the last word, each
  void stop(std::string_view reason);

  // ---- What the HTTP API asks for
  Result<> say(const ipc::Say& say, Time now);
  // Behind what waits, or with `clear` in its place; gives how many samples were taken.
  std::size_t play_file(std::span<const std::int16_t> samples, bool clear, Time now);
  void take_over(PartLine line, Time now);
  bool is_taken_over() const { return takeover_ != nullptr; }

  // ---- For the program that has taken over
  std::uint64_t leg_queued() const;
  std::size_t play_as(Owner whose, std::span<const std::int16_t> samples, Time now);
  void discard(Owner asked_by, Time now);
  void mark_as(std::uint64_t number, const std::string& name);
  void give_back(std::string_view why, Time now);
  void agent_cleared(const ipc::Cleared& cleared, Time now);
  void agent_passed(const ipc::MarkPlayed& mark, Time now);

  // ---- BridgeHost: for the bridge, whether it is heard or a program stands in its place
  const ipc::Start& about() const override { return about_; }
  void ready(Time now) override;
  void failed(std::string_view why, int status, Time now) override;
  std::size_t play(std::span<const std::int16_t> samples, Time now) override;
  std::uint64_t queued() const override;
  void clear(Time now) override;
  void duck(bool on) override;
  void mark(const std::string& name) override;
  void send_dtmf(const ipc::SendDtmf& dtmf, Time now) override;
  void hangup(std::string_view reason, Time now) override;
  void transfer(const std::string& to, Time now) override;
  void redialled(Time now) override;
  void turn(const ipc::TurnTaken& turn, Time now) override;
  void shown(const ipc::Shown& shown, Time now) override;
  void log(log::Level level, log::Line line) override;

 private:
  Bridge* partner() const; // with whom the party talks; null: there is none yet
  void answer(const PlayoutOwner::Answer& answer, Time now);
  void lose_bridge(std::string_view why, int status, Time now);
  void report_turns(Time now);

  Session& session_;
  ipc::Start about_;
  std::unique_ptr<Bridge> bridge_;
  PlayoutOwner playout_;
  std::shared_ptr<Takeover> takeover_; // null: the bridge has its part
  std::uint64_t takeovers_ = 0;        // so far
  telemetry::TurnMeter turns_;
  std::uint64_t heard_ = 0; // samples of the party that the bridge was given
};

} // namespace talky::sipd
