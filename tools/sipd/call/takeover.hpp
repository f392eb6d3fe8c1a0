// A program that stands in for the agent of a call for a while. Meanwhile the call's bridge is held: it hears
// silence, and what it plays goes into a queue that runs at the pace of the call and into nobody's ear.
//
// What the agent is told of it: `hold` by a program and, for what of its audio was thrown away, `cleared`;
// until it leaves silence, in the pace of the call; then `cleared` for what it has played meanwhile, and
// `resume`. Of the past nothing is played, and nothing of what the program said is told.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "media/media_playout.hpp"
#include "sipd/bridge/bridge.hpp"
#include "sipd/call/playout_owner.hpp"
#include "sipd/call/takeover_bridge.hpp"
#include "sipd/messages/part_line.hpp"

namespace talky::sipd {

class AgentSide;
class Session;

class Takeover final : public BridgeHost, public std::enable_shared_from_this<Takeover> {
 public:
  // `number` tells its marks from those of others: 1 for the first of a call. The agent's side owns it, and
  // lets go of it in give_back().
  Takeover(Session& session, AgentSide& side, PlayoutOwner& playout, PartLine line, std::uint64_t number);

  TakeoverBridge& bridge() { return bridge_; }
  std::uint64_t number() const { return number_; }

  // ---- In place of the caller, for the bridge that is held
  std::size_t play_unheard(std::span<const std::int16_t> samples);
  std::uint64_t queued_unheard() const { return unheard_.queued(); }
  void mark_unheard(const std::string& name);
  // The agent wants what it has played meanwhile thrown away, or is to learn that it was.
  void clear_unheard(bool asked, Time now);
  void tick(Time now); // 20 ms of it go by

  // The part was given back. What is still posted for it finds nothing to do: the session may be gone by
  // then.
  void retire() { given_back_ = true; }

  // What the agent wanted or came to is put off until its part is given back.
  struct Failure {
    std::string why;
    int status = 503;
  };
  void agent_hung_up(std::string_view reason) { agent_bye_ = reason; }
  void agent_failed(Failure failure) { agent_lost_ = std::move(failure); }
  const std::optional<std::string>& agent_bye() const { return agent_bye_; }
  const std::optional<Failure>& agent_lost() const { return agent_lost_; }

  // BridgeHost, for the program
  const ipc::Start& about() const override;
  void ready(Time /*now*/) override {}
  void failed(std::string_view why, int status, Time now) override;
  std::size_t play(std::span<const std::int16_t> samples, Time now) override;
  std::uint64_t queued() const override;
  void clear(Time now) override;
  void mark(const std::string& name) override;
  void send_dtmf(const ipc::SendDtmf& dtmf, Time now) override;
  void hangup(std::string_view reason, Time now) override;
  void transfer(const std::string& to, Time now) override;
  void log(log::Level level, log::Line line) override;

 private:
  static constexpr std::size_t kMaxUnheard = std::size_t{120} * 16'000; // samples, as in a call's own queue

  void pass_marks(Time now);

  Session& session_;
  AgentSide& side_;
  PlayoutOwner& playout_;
  TakeoverBridge bridge_;
  const std::uint64_t number_;
  media::MediaPlayout unheard_{kMaxUnheard};
  std::optional<std::string> agent_bye_;
  std::optional<Failure> agent_lost_;
  bool given_back_ = false;
};

} // namespace talky::sipd
