// A client of /api/v1/sip/audio/{call_id}: somebody who listens to a call, talks in, or has the agent's part.
//
// It hears binary messages of 20 ms of PCM s16le at 16 kHz, of one side or both (interleaved, caller left);
// text messages are the call's events, and for who has the agent's part the control messages of a bridge.
// What a client is too slow for is dropped, the oldest first, and the next message says how much.
//
// What it says is checked here, far from any call's packets, and goes to the session through a mailbox. Where
// the call's loop does not keep up, or more than a minute is queued there, its socket is not read: nothing of
// it is lost.
#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/token_bucket.hpp"
#include "http/websocket.hpp"
#include "sipd/api/api_state.hpp"
#include "sipd/messages/audio_tap.hpp"
#include "sipd/messages/part_line.hpp"

namespace talky::sipd {

enum class Ear : std::uint8_t { caller, agent, both };
std::optional<Ear> parse_ear(std::string_view text);
std::optional<Part> parse_part(std::string_view text);

class AudioClient : public std::enable_shared_from_this<AudioClient> {
 public:
  // `claim`, to the part, is let go of as soon as the client has left.
  AudioClient(std::shared_ptr<http::WebSocket> socket, std::string call, Ear ear, Part part,
              std::shared_ptr<void> claim);

  // `ours` is the API's loop, `of_call` the session's. `gone` comes once, when the client has left.
  void start(net::Loop& ours, net::Loop& of_call, std::function<void()> gone);
  // For the session; from start() on.
  const std::shared_ptr<AudioTap>& tap() const { return tap_; }
  PartLine line() const { return {to_call_, to_client_}; }

  void event(const ApiState::Event& event);
  void call_ended();
  const std::string& call() const { return call_; }
  Part part() const { return part_; }
  std::uint64_t dropped() const { return dropped_total_; } // frames

 private:
  // From the session.
  void frame(const std::vector<std::int16_t>& stereo);
  void deliver(const ToPart& message);
  void say(std::string_view json);
  void pump();

  // From the client.
  void text(std::string_view text);
  void binary(Bytes bytes);
  void refuse(std::uint16_t code, std::string_view why);
  void left();
  void read_or_not() { socket_->pause_reading(queue_full_ || box_full_); }

  std::shared_ptr<http::WebSocket> socket_;
  std::string call_;
  Ear ear_;
  Part part_;
  std::shared_ptr<void> claim_;
  std::function<void()> gone_;
  std::shared_ptr<AudioTap> tap_;
  std::shared_ptr<PartBox> to_call_;
  std::shared_ptr<ClientBox> to_client_;
  std::deque<std::vector<std::byte>> waiting_;
  std::uint64_t dropped_ = 0; // frames since the client was last told
  std::uint64_t dropped_total_ = 0;
  TokenBucket words_, sound_;
  bool queue_full_ = false, box_full_ = false;
};

} // namespace talky::sipd
