#include "sipd/api/api_audio.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "audio/frame.hpp"
#include "core/overloaded.hpp"
#include "ipc/audiosocket.hpp"

namespace talky::sipd {
namespace {

constexpr std::uint64_t kRate = audio::kBridgeRate;
constexpr std::size_t kMaxWaiting = 50;      // frames: a second, beside what the kernel holds
constexpr std::size_t kMaxHandedOver = 4096; // bytes that the WebSocket itself may hold back
constexpr std::size_t kFrameSamples = audio::kBridgeFrameSamples;
constexpr std::size_t kMaxBinary = 6400; // bytes of a message: 200 ms
constexpr std::size_t kMaxText = 65'535;
constexpr double kWordsASecond = 500, kWordsAtOnce = 1000;
// Who talks in is heard live: a network's stall may end with all that was said meanwhile, not more.
constexpr double kSoundASecond = 4 * kRate, kSoundAtOnce = 60 * kRate;

constexpr std::array<std::string_view, 3> kEarNames = {"caller", "agent", "both"};

template <class Enum>
std::optional<Enum> parse(const std::array<std::string_view, 3>& names, std::string_view text) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (text == names[i]) return static_cast<Enum>(i);
  }
  return std::nullopt;
}

} // namespace

std::optional<Ear> parse_ear(std::string_view text) {
  return parse<Ear>(kEarNames, text);
}

std::optional<Part> parse_part(std::string_view text) {
  for (const Part part : {Part::listen, Part::talk, Part::agent}) {
    if (text == to_string(part)) return part;
  }
  return std::nullopt;
}

AudioClient::AudioClient(std::shared_ptr<http::WebSocket> socket, std::string call, Ear ear, Part part,
                         std::shared_ptr<void> claim)
    : socket_(std::move(socket)),
      call_(std::move(call)),
      ear_(ear),
      part_(part),
      claim_(std::move(claim)),
      words_(kWordsASecond, kWordsAtOnce),
      sound_(kSoundASecond, kSoundAtOnce) {}

void AudioClient::start(net::Loop& ours, net::Loop& of_call, std::function<void()> gone) {
  gone_ = std::move(gone);
  const auto weak = weak_from_this();
  tap_ =
      std::make_shared<AudioTap>(ours, part_ == Part::talk, [weak](const std::vector<std::int16_t>& stereo) {
        if (const auto self = weak.lock()) self->frame(stereo);
      });
  to_call_ = std::make_shared<PartBox>(of_call);
  to_client_ = std::make_shared<ClientBox>(ours);
  to_client_->open([weak](const ToPart& message, Time /*now*/) {
    if (const auto self = weak.lock()) self->deliver(message);
  });
  http::WebSocket::Handlers handlers;
  if (part_ != Part::listen) {
    handlers.text = [weak](std::string_view text) {
      if (const auto self = weak.lock()) self->text(text);
    };
    handlers.binary = [weak](Bytes bytes) {
      if (const auto self = weak.lock()) self->binary(bytes);
    };
  }
  handlers.drained = [weak] {
    if (const auto self = weak.lock()) self->pump();
  };
  handlers.closed = [weak](std::uint16_t) {
    if (const auto self = weak.lock()) self->left();
  };
  socket_->start(std::move(handlers));
  if (part_ == Part::agent) return; // the session says how it begins
  socket_->send_text(fmt::format(
      R"({{"type":"start","call":"{}","leg":"{}","rate":16000,"channels":{},"frame_samples":{}}})", call_,
      kEarNames[static_cast<std::size_t>(ear_)], ear_ == Ear::both ? 2 : 1, kFrameSamples));
}

void AudioClient::left() {
  if (!claim_) return;
  claim_.reset();
  tap_->close();
  to_client_->close();
  to_call_->send(PartGone{});
  const auto self = shared_from_this(); // gone_ lets go of us
  if (gone_) std::exchange(gone_, nullptr)();
}

// ---- To the client

void AudioClient::frame(const std::vector<std::int16_t>& stereo) {
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
  if (waiting_.size() > kMaxWaiting) {
    waiting_.pop_front();
    ++dropped_;
    ++dropped_total_;
  }
  pump();
}

void AudioClient::pump() {
  while (!waiting_.empty() && socket_->queued() < kMaxHandedOver) {
    if (dropped_ > 0) {
      const std::uint64_t frames = std::exchange(dropped_, 0);
      socket_->send_text(fmt::format(R"({{"type":"dropped","frames":{},"samples":{},"ms":{}}})", frames,
                                     frames * kFrameSamples, frames * 20));
    }
    if (!socket_->send_binary(waiting_.front())) return;
    waiting_.pop_front();
  }
}

void AudioClient::say(std::string_view json) {
  if (!socket_->send_text(json)) refuse(1013, "the client does not read");
}

void AudioClient::deliver(const ToPart& message) {
  std::visit(Overloaded{[this](const PartText& m) { say(m.json); },
                        [this](const PartHere&) {
                          box_full_ = false;
                          read_or_not();
                        },
                        [this](const PartPause& m) {
                          queue_full_ = m.paused;
                          read_or_not();
                        },
                        [this](const PartOverrun& m) {
                          say(fmt::format(R"({{"type":"overrun","samples":{}}})", m.samples));
                        },
                        [this](const PartLost& m) { refuse(m.code, m.why); }},
             message);
}

void AudioClient::event(const ApiState::Event& event) {
  // Who has the agent's part is told of keys as an agent is.
  if (part_ == Part::agent && event.type == "dtmf") return;
  socket_->send_text(event.json);
}

void AudioClient::call_ended() {
  tap_->close();
  to_client_->close();
  claim_.reset();
  while (!waiting_.empty() && socket_->send_binary(waiting_.front())) // at most a second
    waiting_.pop_front();
  socket_->close(1000, "the call has ended");
}

// ---- From the client

void AudioClient::refuse(std::uint16_t code, std::string_view why) {
  if (!claim_) return;
  socket_->close(code, why);
  left();
}

void AudioClient::text(std::string_view text) {
  if (!claim_) return;
  if (!words_.take(1, net::now())) return refuse(1008, "too many messages");
  if (text.size() > kMaxText) return refuse(1009, "a message of at most 65,535 bytes of JSON");
  to_call_->send(PartText{std::string(text)});
}

void AudioClient::binary(Bytes bytes) {
  if (!claim_) return;
  if (bytes.size() > kMaxBinary) return refuse(1009, "a message of at most 6400 bytes of sound");
  if (bytes.empty() || bytes.size() % 2 != 0) return refuse(1007, "sound is samples of 16 bits");
  PartSound sound;
  ipc::decode_audio(bytes, sound.samples);
  if (part_ == Part::talk && !sound_.take(static_cast<double>(sound.samples.size()), net::now()))
    return refuse(1008, "sound comes much faster than anybody speaks");
  to_call_->send(std::move(sound));
  if (!to_call_->full() || box_full_) return;
  box_full_ = true;
  read_or_not();
  to_call_->send(PartAsk{}); // behind all that waits there
}

} // namespace talky::sipd
