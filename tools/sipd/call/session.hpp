// One call: the party that called or is called, the agent's side, and what is reported of both. The party may
// change (REFER, Replaces): the agent's side and the recording go on with the new one.
//
//   leg_       whom the agent talks with: a telephone or a browser; null for as long as the old party has
//              gone and the new one is not there
//   transfer_  the telephones on their way in and out (transfer.hpp)
//   agent_     the bridge, the program in its place, the playout queue (agent_side.hpp)
//   talk_in_   a person who talks in beside the agent (talk_in.hpp)
//
// A core: the time is an argument, and its CallHost does everything else of this world.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "call/events.hpp"
#include "echo/echo_guard.hpp"
#include "sipd/bridge/target.hpp"
#include "sipd/call/agent_side.hpp"
#include "sipd/call/call_host.hpp"
#include "sipd/call/leg.hpp"
#include "sipd/call/sip_leg.hpp"
#include "sipd/call/talk_in.hpp"
#include "sipd/call/transfer.hpp"
#include "sipd/messages/audio_tap.hpp"
#include "sipd/messages/call_command.hpp"
#include "sipd/sinks/call_sink.hpp"

namespace talky::sipd {

class Session {
 public:
  // `leg` is the party that `incoming` describes: neither answered nor open yet.
  Session(CallHost& host, std::unique_ptr<Leg> leg, call::IncomingCall incoming, const Target& target,
          std::string uuid, Time now);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void speak_as(std::string voice) { agent_.speak_as(std::move(voice)); } // before begin()
  void begin(Time now); // finds ports and calls the bridge; answers or rejects, now or later

  // ---- What the UserAgent, or a leg of another kind, reports of this call
  void answered(const call::CallAnswered& event, Time now);
  void ringing(const call::CallRinging& event, Time now); // at the party that is called
  void caller_audio(const call::CallerAudio& event, Time now);
  void recorded(const call::RecordedAudio& event);
  void dtmf(const call::DtmfPressed& event, Time now);
  void mark(const call::MarkPassed& event, Time now);
  void held(call::CallKey call, bool held, Time now);
  void cleared(const ipc::Cleared& cleared, Time now) {
    agent_.cleared(cleared, now);
  }                                                     // what Leg::clear() did not know
  void audio_left(Time now) { agent_.audio_left(now); } // sound of the agent has gone out to the caller
  void transfer_failed(const call::TransferFailed& event, Time now);
  void transfer_requested(const call::TransferRequested& event, Time now) { transfer_.requested(event, now); }
  void redirected(const call::CallRedirected& event, Time now) { transfer_.redirected(event, now); }
  // An INVITE with Replaces names this session's call: it takes its place.
  void replaced_by(const call::IncomingCall& call, Time now) { transfer_.replaced_by(call, now); }
  void ended(const call::CallEnded& event, Time now); // of one of its legs
  void send(const call::SendMedia& media, Time now);
  void sip(const sip::Flow& flow, std::string_view bytes, bool incoming,
           std::int64_t time_us); // for the pcap
  void shut_down(Time now);       // the daemon ends

  // ---- For the HTTP API
  Result<> command(const CallCommand& command, Time now);
  CallSnapshot snapshot() const;
  void add_tap(std::shared_ptr<AudioTap> tap) { taps_.push_back(std::move(tap)); }
  void take_part(Part part, PartLine line, Time now);

  // ---- How it stands
  const std::string& uuid() const { return facts_->uuid; }
  const CallFacts& facts() const { return *facts_; }
  bool knows_sip(std::string_view call_id) const; // a dialog of a leg that has not ended
  // Why a call ended: what is known here comes before the reason of its leg.
  std::string_view why(std::string_view reason) const { return failure_.empty() ? reason : failure_; }
  bool is_over() const { return over_; }
  bool is_accepted() const { return accepted_; } // the answer has been given, or is on its way
  bool is_answered() const { return answered_; }
  bool is_held() const { return held_; }
  bool may_move(call::CallKey call) const { return !over_ && call == current() && !hangup_asked_; }
  bool wants_recording() const { return sink_->wants_audio() || host_.options().taps; }

  // ---- For its parts
  CallHost& host() const { return host_; }
  void report(const CallEvent& event, Time now) { sink_->happened(event, {now, host_.wall_us(now)}); }
  void log(log::Level level, log::Line line) { sink_->log(level, std::move(line)); }
  Leg* party() const { return leg_.get(); }
  Leg* player() const {
    return leg_ ? leg_.get() : transfer_.next();
  } // whoever left has handed the queue over
  Leg* leg(call::CallKey call) const;
  call::CallKey current() const { return leg_ ? leg_->key : 0; }
  tl::expected<void, std::string> open(SipLeg& leg);
  void accept(Time now); // the bridge stands
  void reject(int status, std::string_view why, Time now);
  void agent_played(Time now); // something has come from it
  void fail_as(std::string_view why) { failure_ = why; }
  void press(const ipc::SendDtmf& dtmf, Time now);
  void end_after_playout(std::string_view reason, Time now);
  void refer(const std::string& to, Time now);

 private:
  void receive(const SipLeg& leg, const MediaPort::Packet& packet);
  void move_to_next(const call::CallAnswered& event, Time now);
  void talk_in(PartLine line, Time now);
  void finish(const call::CallEnded& event, Time now);
  bool is_out() const { return facts_->out; }
  void guard_echo();

  CallHost& host_;
  const Target target_;
  std::shared_ptr<const CallFacts> facts_;
  std::unique_ptr<CallSink> sink_;
  std::unique_ptr<Leg> leg_;
  Transfer transfer_;
  AgentSide agent_;
  std::optional<echo::EchoGuard> echo_; // nullopt: nobody is there whom it would disturb
  std::optional<TalkIn> talk_in_;
  std::vector<std::shared_ptr<AudioTap>> taps_;
  std::unique_ptr<CallTimer> ringer_;          // 180 if the bridge takes its time
  std::uint64_t recorded_ = 0;                 // samples of the recording so far
  std::optional<std::uint64_t> record_at_ = 0; // where the recording of leg_ begins, less its first sample
  std::optional<std::string> hangup_asked_;    // by the bridge, after all that was played
  std::string failure_;
  bool held_ = false;
  bool on_hold_ = false; // the API asked for it
  bool rang_ = false;
  bool caller_heard_ = false;
  bool agent_played_ = false;
  bool accepted_ = false;
  bool answered_ = false;
  bool over_ = false;
};

} // namespace talky::sipd
