// A browser that calls, as its session sees it. In place of RTP from a socket there is PCM from a WebSocket
// (web_line.hpp); everything behind that is media::Media as in any other call: jitter buffer, playout queue,
// marks, the recording, the figures, and the tick of 20 ms by the worker's clock.
// What was heard of it the browser reports, or not: browser_playout.hpp.
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "media/media.hpp"
#include "sipd/call/browser_playout.hpp"
#include "sipd/call/browser_sound.hpp"
#include "sipd/call/call_host.hpp"
#include "sipd/call/leg.hpp"
#include "sipd/messages/web_line.hpp"

namespace talky::sipd {

class Session;
class WebLeg final : public Leg {
 public:
  // `slot`: of the calls that may be at a time; let go of with this object.
  WebLeg(CallHost& host, WebCall call, std::shared_ptr<void> slot, Time now);
  ~WebLeg() override;

  // Whom its events are for; before anything else. The session owns the leg.
  void serve(Session& session, const std::string& uuid);

  bool ring(Time now) override;
  Result<> accept(Duration ring_time, bool recording, Time now) override;
  Result<> reject(int status, Time now) override;
  void attach_bridge() override;
  Result<std::size_t> play(std::span<const std::int16_t> samples) override;
  std::uint64_t queued() const override;
  std::size_t talk_in(std::span<const std::int16_t> samples) override;
  std::optional<ipc::Cleared> clear(Time now) override;
  void duck(bool on) override;
  void mark(const std::string& name) override;
  std::optional<media::MediaQuality> quality() const override;
  Result<> dtmf(std::string_view digits, Duration length, Time now) override;
  Result<> hold(Time now) override;
  Result<> resume(Time now) override;
  Result<> transfer(std::string_view target, Time now) override;
  Result<> hangup(std::string_view reason, bool after_playout, Time now) override;
  void show(WebEvent event) override;
  void shut_down(Time now) override;
  std::string_view transport() const override { return "ws"; }
  bool cancels_echo() const override { return call_.cancels_echo; }
  LegDetails details(const call::CallAnswered& event) const override;

 private:
  void received(FromBrowser& message, Time now);
  void pressed(char digit, Time now);
  void send_sound(Bytes rtp, Time now);
  void caller_sound(std::span<const std::int16_t> samples, Time now);
  void settled(const std::optional<ipc::Cleared>& answer, Time now); // a clear that waited; nullopt: none
  void pass_marks(Time now);
  void answer(Time now);
  void tick(Time now);
  void pump(Time now);
  void later(); // pump() from the loop
  void arm();
  void check_goodbye(Time now);
  Result<> set_hold(bool held, Time now);
  void end(call::EndCause cause, bool by_peer, int status, std::string_view reason, Time now);

  CallHost& host_;
  WebCall call_;
  std::shared_ptr<void> slot_;
  Session* session_ = nullptr;
  std::string uuid_;
  Random random_;
  std::optional<media::Media> media_;
  bool recording_ = false;
  std::unique_ptr<CallTimer> ticker_, ring_end_, clear_limit_;
  Time invited_;
  std::optional<Time> answered_;
  bool accepted_ = false, rings_ = false, pumping_ = false, pump_posted_ = false, over_ = false;

  BrowserSound sound_;
  BrowserPlayout playout_;
  std::uint64_t sent_ = 0, talked_ = 0; // samples of media_, of the agent and talked in, that have been sent
  std::optional<std::string> goodbye_;  // hang up when all has been heard
  std::optional<Time> goodbye_limit_;   // or then
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

} // namespace talky::sipd
