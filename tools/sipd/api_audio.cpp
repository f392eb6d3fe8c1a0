#include "api_audio.hpp"

#include <fmt/format.h>

#include <array>

namespace talky::sipd {
namespace {

constexpr std::size_t max_waiting = 50;       // frames: a second, beside what the kernel holds
constexpr std::size_t max_handed_over = 4096; // bytes that the WebSocket itself may hold back
constexpr std::size_t frame_samples = 320;
constexpr std::array<std::string_view, 3> ear_names = {"caller", "agent", "both"};

} // namespace

std::optional<Ear> parse_ear(std::string_view text) {
  for (std::size_t i = 0; i < ear_names.size(); ++i) {
    if (text == ear_names[i]) return static_cast<Ear>(i);
  }
  return std::nullopt;
}

AudioListener::AudioListener(std::shared_ptr<http::WebSocket> socket, std::string call, Ear ear)
    : socket_(std::move(socket)), call_(std::move(call)), ear_(ear) {}

void AudioListener::start(std::function<void()> gone) {
  http::WebSocket::Handlers handlers;
  handlers.drained = [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->pump();
  };
  handlers.closed = [weak = weak_from_this(), gone = std::move(gone)](std::uint16_t) {
    if (const auto self = weak.lock(); self && self->tap_) self->tap_->close();
    gone();
  };
  socket_->start(std::move(handlers));
  socket_->send_text(fmt::format(
      R"({{"type":"start","call":"{}","leg":"{}","rate":16000,"channels":{},"frame_samples":{}}})", call_,
      ear_names[static_cast<std::size_t>(ear_)], ear_ == Ear::both ? 2 : 1, frame_samples));
}

std::shared_ptr<AudioTap> AudioListener::tap(net::Loop& loop) {
  tap_ = std::make_shared<AudioTap>(loop, [weak = weak_from_this()](const std::vector<std::int16_t>& stereo) {
    if (const auto self = weak.lock()) self->frame(stereo);
  });
  return tap_;
}

void AudioListener::frame(const std::vector<std::int16_t>& stereo) {
  std::vector<std::byte> bytes;
  bytes.reserve(stereo.size() * 2);
  const std::size_t first = ear_ == Ear::agent ? 1 : 0;
  const std::size_t step = ear_ == Ear::both ? 1 : 2;
  for (std::size_t i = first; i < stereo.size(); i += step) {
    const auto sample = static_cast<std::uint16_t>(stereo[i]);
    bytes.push_back(static_cast<std::byte>(sample & 0xff));
    bytes.push_back(static_cast<std::byte>(sample >> 8));
  }
  waiting_.push_back(std::move(bytes));
  const std::uint64_t lost = tap_->take_lost();
  dropped_ += lost;
  dropped_total_ += lost;
  if (waiting_.size() > max_waiting) {
    waiting_.pop_front();
    ++dropped_;
    ++dropped_total_;
  }
  pump();
}

void AudioListener::pump() {
  while (!waiting_.empty() && socket_->queued() < max_handed_over) {
    if (dropped_ > 0) {
      const std::uint64_t frames = std::exchange(dropped_, 0);
      socket_->send_text(fmt::format(R"({{"type":"dropped","frames":{},"samples":{},"ms":{}}})", frames,
                                     frames * frame_samples, frames * 20));
    }
    if (!socket_->send_binary(waiting_.front())) return;
    waiting_.pop_front();
  }
}

void AudioListener::event(const ApiState::Event& event) {
  socket_->send_text(event.json);
}

void AudioListener::call_ended() {
  if (tap_) tap_->close();
  while (!waiting_.empty() && socket_->send_binary(waiting_.front())) // at most a second
    waiting_.pop_front();
  socket_->close(1000, "the call has ended");
}

} // namespace talky::sipd
