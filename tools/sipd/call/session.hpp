// One call at the rim: the party that called, its bridge, its recording, and its two log lines. The party may
// change (REFER, Replaces): the bridge and the recording go on with the new one.
//
//   leg_      whom the bridge talks with: a telephone or a browser; null for as long as the old party has
//             gone and the new one is not there
//   next_     a telephone that is being called, or calls, to take its place
//   leaving_  was left for next_ and says goodbye
//
// Beside the bridge a person may talk in, and a program may stand in its place for a while
// (session_seat.cpp).
#pragma once
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "call/events.hpp"
#include "media/playout_ledger.hpp"
#include "sipd/bridge/bridge.hpp"
#include "sipd/bridge/target.hpp"
#include "sipd/call/call_host.hpp"
#include "sipd/call/leg.hpp"
#include "sipd/call/next_hop.hpp"
#include "sipd/call/redirects.hpp"
#include "sipd/call/seat.hpp"
#include "sipd/call/sip_leg.hpp"
#include "sipd/messages/audio_tap.hpp"
#include "sipd/messages/call_command.hpp"
#include "sipd/sinks/call_trace.hpp"
#include "sipd/sinks/recorder.hpp"
#include "sipd/sinks/records.hpp"
#include "telemetry/turn_meter.hpp"

namespace talky::sipd {

class Session : public BridgeHost, public std::enable_shared_from_this<Session> {
 public:
  // `leg` is whom `incoming` tells of: neither answered nor open yet.
  Session(CallHost& host, std::unique_ptr<Leg> leg, call::IncomingCall incoming, const Target& target,
          std::string uuid);
  ~Session() override;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void begin(); // finds ports and calls the bridge; answers or rejects, now or later

  // What the UserAgent tells of this call.
  void answered(const call::CallAnswered& event);
  void ringing(const call::CallRinging& event); // at the party that is called
  void caller_audio(const call::CallerAudio& event);
  void recorded(const call::RecordedAudio& event);
  void dtmf(const call::DtmfPressed& event);
  void mark(const call::MarkPassed& event);
  void held(call::CallKey call, bool held);
  void cleared(const ipc::Cleared& cleared); // what Leg::clear() could not tell at once
  void audio_left();                         // sound of the agent has gone out to the caller
  void transfer_failed(const call::TransferFailed& event);
  void transfer_requested(const call::TransferRequested& event);
  void redirected(const call::CallRedirected& event);
  // An INVITE with Replaces names this session's call: it takes its place.
  void replaced_by(const call::IncomingCall& call);
  void ended(const call::CallEnded& event); // of one of its legs
  void send(const call::SendMedia& media);
  // For the pcap.
  void sip(const sip::Flow& flow, std::string_view bytes, bool incoming, std::int64_t time_us);

  bool knows_sip(std::string_view call_id) const; // a dialog of a leg that has not ended
  const std::string& uuid() const { return about_.call; }
  void speak_as(std::string voice) { about_.voice = std::move(voice); } // before begin()
  void shut_down();                                                     // the daemon ends
  // Why a call ended: what is known here comes before the reason of its leg.
  std::string_view why(std::string_view reason) const { return failure_.empty() ? reason : failure_; }

  // For the HTTP API (session_command.cpp).
  Result<> command(const CallCommand& command);
  CallSnapshot snapshot() const;
  void add_tap(std::shared_ptr<AudioTap> tap) { taps_.push_back(std::move(tap)); }
  void take_part(Part part, SeatLine line);

  // For the program in the seat.
  using Owner = media::PlayoutLedger::Owner;
  std::uint64_t leg_queued() const;
  std::size_t play_as(Owner whose, std::span<const std::int16_t> samples);
  void discard(Owner asked_by);
  void mark_as(std::uint64_t seat, const std::string& name);
  void press(const ipc::SendDtmf& dtmf);
  void end_after_playout(std::string_view reason);
  void refer(const std::string& to);
  void vacate(std::string_view why);

  // BridgeHost: for the bridge, whether it is heard or a program stands in its place.
  net::Loop& loop() override;
  const ipc::Start& about() const override { return about_; }
  void ready() override;
  void failed(std::string_view why, int status) override;
  std::size_t play(std::span<const std::int16_t> samples) override;
  std::uint64_t queued() const override;
  void clear() override;
  void mark(const std::string& name) override;
  void send_dtmf(const ipc::SendDtmf& dtmf) override;
  void hangup(std::string_view reason) override;
  void transfer(const std::string& to) override;
  void redialled() override;
  void turn(const ipc::TurnTaken& turn) override;
  void shown(const ipc::Shown& shown) override;
  void log(log::Level level, log::Line line) override;

 private:
  tl::expected<void, std::string> open(SipLeg& leg);
  bool recording() const; // whether recorded() is wanted
  void reject(int status, std::string_view why);
  void lose_bridge(std::string_view why, int status);
  void tell_hold(bool held);
  Bridge* partner() const { return seat_ ? &seat_->bridge : bridge_.get(); } // with whom the caller talks
  void note(const ipc::ToAgent& message);
  void note(std::string_view kind, const std::string& json);
  void receive(SipLeg& leg, const MediaPort::Packet& packet);
  Leg* leg(call::CallKey call) const;
  call::CallKey current() const { return leg_ ? leg_->key : 0; }
  void finish(const call::CallEnded& event);

  // session_command.cpp: what the HTTP API is told
  void tell_began();
  void tell_answered(const call::CallAnswered& event);
  void tell_ended(const call::CallEnded& event, std::string_view cause, std::string_view reason);
  void tell(std::string_view type, std::string_view details);
  void tell_first_audio();
  void feed_taps(const media::RecordingFrame& frame);

  // session_seat.cpp
  void talk_in(SeatLine line);
  void from_talker(const FromSeat& message);
  void tick_talker();
  void seat(SeatLine line);
  void run_unheard();
  void run_unheard_marks();
  void tell_unheard(bool asked);
  void tell_part(std::string_view part, bool present, std::string_view why);

  // session_turns.cpp: how long the caller waits
  void tell_turns();

  // session_trace.cpp
  void trace_began();
  void trace_ended(const call::CallEnded& event, std::string_view cause, std::string_view reason);

  // session_transfer.cpp
  void place(const call::TransferRequested& event, tl::expected<NextHop, int> hop);
  void fail_transfer(int status, std::string_view why);
  void move_to_next(const call::CallAnswered& event);
  void log_leg(const Leg& leg, const call::CallEnded& event);

  CallHost& host_;
  call::IncomingCall incoming_;
  const Target target_;
  const bool out_; // we call
  ipc::Start about_;
  std::unique_ptr<Bridge> bridge_;
  std::unique_ptr<Recorder::Call> recording_;
  std::optional<Records::Call> record_;
  std::unique_ptr<Leg> leg_, next_, leaving_;
  std::optional<FindNextHop> next_hop_;
  std::shared_ptr<Redirects> redirects_;       // that are being looked at
  call::CallKey referrer_ = 0;                 // whose REFER is being followed; 0: none
  unsigned transfers_ = 0;                     // so far
  std::uint64_t recorded_ = 0;                 // samples of the recording so far
  std::optional<std::uint64_t> record_at_ = 0; // where the recording of leg_ begins, less its first sample
  std::optional<std::string> hangup_asked_;    // by the bridge, after all that was played
  bool held_ = false;
  bool on_hold_ = false; // the API asked for it
  bool rang_ = false;
  bool has_played_ = false;
  media::PlayoutLedger ledger_;
  std::deque<Owner> clears_;         // who asked for those that have not been answered
  std::uint64_t last_total_ = 0;     // of samples played
  std::shared_ptr<Seat> seat_;       // null: the bridge has its part
  std::uint64_t seats_ = 0;          // so far
  std::uint64_t program_before_ = 0; // samples of programs before the one that is there
  std::uint64_t agent_untold_ = 0;   // samples of the bridge's that nobody heard, and it does not know
  bool agent_asked_ = false;         // it asked for a clear() meanwhile
  std::optional<Talker> talker_;
  std::unique_ptr<CallTrace> trace_; // null without a collector
  telemetry::TurnMeter turns_;
  std::uint64_t heard_ = 0; // samples of the caller that the bridge was given
  std::vector<std::shared_ptr<AudioTap>> taps_;
  Time began_;
  std::unique_ptr<CallTimer> ringer_; // 180 if the bridge takes its time
  std::string failure_;
  bool accepted_ = false;
  bool answered_ = false;
  bool over_ = false;
};

} // namespace talky::sipd
