// The bridges that need nobody else: echo, tone, play.
#include <algorithm>
#include <array>

#include "audio/frame.hpp"
#include "audio/tone.hpp"
#include "sipd/bridge/bridge.hpp"

namespace talky::sipd {
namespace {

constexpr std::uint32_t rate = audio::bridge_rate;

class Echo : public Bridge {
 public:
  explicit Echo(BridgeHost& host) : host_(host) {}
  void start() override { host_.ready(); }
  void caller_audio(std::span<const std::int16_t> samples) override {
    if (!held_) host_.play(samples);
  }
  // What was said meanwhile would come back late, and everything behind it as well.
  void hold(bool held) override { held_ = held; }

 private:
  BridgeHost& host_;
  bool held_ = false;
};

class Tone : public Bridge {
 public:
  Tone(BridgeHost& host, double hertz) : host_(host), sine_(hertz, rate) {}
  void start() override { host_.ready(); }
  void hold(bool held) override { held_ = held; }
  void caller_audio(std::span<const std::int16_t> samples) override {
    if (held_) return;
    frame_.resize(samples.size());
    sine_.generate(frame_);
    host_.play(frame_);
  }

 private:
  BridgeHost& host_;
  audio::Sine sine_;
  audio::Samples frame_;
  bool held_ = false;
};

class Player : public Bridge {
 public:
  Player(BridgeHost& host, std::shared_ptr<const audio::Samples> samples)
      : host_(host), samples_(std::move(samples)) {}

  void start() override {
    feed();
    host_.ready();
  }
  void caller_audio(std::span<const std::int16_t> /*samples*/) override { feed(); }

 private:
  // Keeps a few seconds queued: a long file is not copied for each call at once.
  void feed() {
    constexpr std::size_t ahead = 4 * std::size_t{rate};
    while (position_ < samples_->size() && host_.queued() < ahead) {
      const auto part =
          std::span(*samples_).subspan(position_, std::min<std::size_t>(rate, samples_->size() - position_));
      const std::size_t taken = host_.play(part);
      position_ += taken;
      if (taken < part.size()) return;
    }
    if (position_ < samples_->size() || done_) return;
    done_ = true;
    host_.hangup("end of file");
  }

  BridgeHost& host_;
  std::shared_ptr<const audio::Samples> samples_;
  std::size_t position_ = 0;
  bool done_ = false;
};

} // namespace

std::unique_ptr<Bridge> make_echo(BridgeHost& host) {
  return std::make_unique<Echo>(host);
}
std::unique_ptr<Bridge> make_tone(BridgeHost& host, double hertz) {
  return std::make_unique<Tone>(host, hertz);
}
std::unique_ptr<Bridge> make_player(BridgeHost& host, std::shared_ptr<const audio::Samples> samples) {
  return std::make_unique<Player>(host, std::move(samples));
}

} // namespace talky::sipd
