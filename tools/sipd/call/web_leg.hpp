// A browser that calls, as its session sees it. In place of RTP from a socket there is PCM from a WebSocket
// (web_line.hpp); everything behind that is media::Media as in any other call: jitter buffer, playout queue,
// marks, the recording, the figures, and the tick of 20 ms by the worker's clock.
//
// What was heard. With `reports` the browser tells how many samples have left its loudspeaker's buffer: marks
// are passed when the browser has played them, and clear() waits for its last word (a second at most).
// Without, what was sent counts as heard. Where somebody talks in while the agent has nothing to say, the
// browser is sent more than the agent's samples: stream_ knows which are whose.
#pragma once
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "media/media.hpp"
#include "media/playout_ledger.hpp"
#include "rtp/sender.hpp"
#include "sipd/call/call_host.hpp"
#include "sipd/call/leg.hpp"
#include "sipd/messages/web_line.hpp"

namespace talky::sipd {

class Session;
inline constexpr std::uint8_t web_payload_type = 96; // of the RTP between a WebLeg and its Media

class WebLeg final : public Leg {
 public:
  // `slot`: of the calls that may be at a time; let go of with this object.
  WebLeg(CallHost& host, WebCall call, std::shared_ptr<void> slot);
  ~WebLeg() override;

  // Whom its events are for; before anything else. The session owns the leg.
  void serve(Session& session, const std::string& uuid);

  bool ring() override;
  Result<> accept(Duration ring_time, bool recording) override;
  Result<> reject(int status) override;
  void attach_bridge() override;
  Result<std::size_t> play(std::span<const std::int16_t> samples) override;
  std::uint64_t queued() const override;
  std::size_t talk_in(std::span<const std::int16_t> samples) override;
  std::optional<ipc::Cleared> clear() override;
  void mark(const std::string& name) override;
  std::optional<media::MediaQuality> quality() const override;
  Result<> dtmf(std::string_view digits, Duration length) override;
  Result<> hold() override;
  Result<> resume() override;
  Result<> transfer(std::string_view target) override;
  Result<> hangup(std::string_view reason, bool after_playout) override;
  void show(WebEvent event) override;
  void shut_down() override;
  std::string_view transport() const override { return "ws"; }
  LegDetails details(const call::CallAnswered& event) const override;

 private:
  void received(FromBrowser& message);
  void pressed(char digit);

  // web_leg_sound.cpp: to and from the browser
  void send_sound(Bytes rtp);
  void caller_sound(std::span<const std::int16_t> samples);
  void push_packet(std::span<const std::int16_t> samples, Time now);
  void keep_in_step(std::size_t samples, Time now);

  // web_leg_heard.cpp: what was heard
  void heard_so_far(std::uint64_t samples);
  void cleared_there(std::uint64_t samples);
  void no_answer_to_clear();
  std::uint64_t heard() const {
    return stream_.played(media::PlayoutLedger::Owner::agent, played_) - settled_;
  }
  void note_skipped(std::uint64_t skipped);
  std::uint64_t take_left_out();
  void settle_clear(std::uint64_t samples);
  void pass_marks();

  void answer();
  void tick();
  void pump();
  void later(); // pump() from the loop
  void arm();
  void check_goodbye();
  Result<> set_hold(bool held);
  void end(call::EndCause cause, bool by_peer, int status, std::string_view reason);

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

  // The browser's sound as RTP.
  rtp::Sender incoming_;
  std::vector<std::int16_t> rest_; // less than a packet
  std::vector<std::byte> payload_, packet_;
  std::optional<Time> first_sound_;
  std::uint64_t sound_ = 0; // samples so far, gaps filled in
  Duration behind_{0};      // the least that the browser was behind the clock since behind_since_
  Time behind_since_{}, last_sound_{};

  // What the browser was sent and has not thrown away, of the agent and of others; and how much of it was
  // heard.
  media::PlayoutLedger stream_;
  std::uint64_t streamed_ = 0;          // all of stream_
  std::uint64_t played_ = 0;            // of streamed_
  std::uint64_t told_ = 0, talked_ = 0; // samples of media_, of the agent and talked in, that have been sent
  std::uint64_t unheard_ = 0;           // of the agent's that the browser has thrown away
  // What was left out on the way has passed, and a sentence that is over has passed with it; of one that is
  // interrupted it is no part of what was heard.
  std::uint64_t skipped_ = 0;  // left out in all, as the browser says
  std::uint64_t left_out_ = 0; // of that, since the last mark
  std::uint64_t settled_ = 0;  // of that, taken from what was heard, and in unheard_
  struct Mark {
    std::string name;
    std::uint64_t position; // as Media counts
    Time limit;             // it is passed then, whatever the browser says
  };
  std::deque<Mark> marks_;
  struct Clearing {
    std::uint64_t discarded; // of the queue here
    std::uint64_t position;  // as Media counted at the clear
    std::uint64_t streamed;  // streamed_ then
  };
  std::optional<Clearing> clearing_;
  std::uint64_t clears_asked_ = 0, clears_answered_ = 0;
  Time last_report_{};

  std::optional<std::string> goodbye_; // hang up when all has been heard
  std::optional<Time> goodbye_limit_;  // or then
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

} // namespace talky::sipd
