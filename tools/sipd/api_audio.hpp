// A supervisor who listens to a call: /api/v1/sip/audio/{call_id}. Binary messages are 20 ms of PCM s16le at
// 16 kHz, of one side or both (interleaved, caller left); text messages are the call's events. What the
// listener is too slow for is dropped, the oldest first, and the next message says how much.
#pragma once
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api_state.hpp"
#include "audio_tap.hpp"
#include "http/websocket.hpp"

namespace talky::sipd {

enum class Ear : std::uint8_t { caller, agent, both };
std::optional<Ear> parse_ear(std::string_view text);

class AudioListener : public std::enable_shared_from_this<AudioListener> {
 public:
  AudioListener(std::shared_ptr<http::WebSocket> socket, std::string call, Ear ear);

  // `gone` comes once, when the listener has left.
  void start(std::function<void()> gone);
  // For the session; it lives as long as the listener does.
  std::shared_ptr<AudioTap> tap(net::Loop& loop);

  void event(const ApiState::Event& event);
  void call_ended();
  const std::string& call() const { return call_; }
  std::uint64_t dropped() const { return dropped_total_; } // frames

 private:
  void frame(const std::vector<std::int16_t>& stereo);
  void pump();

  std::shared_ptr<http::WebSocket> socket_;
  std::string call_;
  Ear ear_;
  std::shared_ptr<AudioTap> tap_;
  std::deque<std::vector<std::byte>> waiting_;
  std::uint64_t dropped_ = 0; // frames since the listener was last told
  std::uint64_t dropped_total_ = 0;
};

} // namespace talky::sipd
