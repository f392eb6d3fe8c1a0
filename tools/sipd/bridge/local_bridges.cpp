#include "sipd/bridge/local_bridges.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "audio/frame.hpp"
#include "audio/tone.hpp"
#include "core/ascii.hpp"

namespace talky::sipd {
namespace {

using Made = tl::expected<std::unique_ptr<Bridge>, std::string>;

constexpr std::uint32_t kRate = audio::kBridgeRate;
constexpr double kMinHertz = 1, kMaxHertz = 8'000;
constexpr int kMinStatus = 300, kMaxStatus = 699;

class Echo : public Bridge {
 public:
  explicit Echo(BridgeHost& host) : host_(host) {}
  void start(Time now) override { host_.ready(now); }
  void caller_audio(std::span<const std::int16_t> samples, Time now) override {
    if (!held_) host_.play(samples, now);
  }
  // What was said meanwhile would come back late, and everything behind it as well.
  void hold(bool held) override { held_ = held; }

 private:
  BridgeHost& host_;
  bool held_ = false;
};

class Tone : public Bridge {
 public:
  Tone(BridgeHost& host, double hertz) : host_(host), sine_(hertz, kRate) {}
  void start(Time now) override { host_.ready(now); }
  void hold(bool held) override { held_ = held; }
  void caller_audio(std::span<const std::int16_t> samples, Time now) override {
    if (held_) return;
    frame_.resize(samples.size());
    sine_.generate(frame_);
    host_.play(frame_, now);
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

  void start(Time now) override {
    feed(now);
    host_.ready(now);
  }
  void caller_audio(std::span<const std::int16_t> /*samples*/, Time now) override { feed(now); }

 private:
  // Keeps a few seconds queued: a long file is not copied for each call at once.
  void feed(Time now) {
    constexpr std::size_t kAhead = 4 * std::size_t{kRate};
    while (position_ < samples_->size() && host_.queued() < kAhead) {
      const auto part =
          std::span(*samples_).subspan(position_, std::min<std::size_t>(kRate, samples_->size() - position_));
      const std::size_t taken = host_.play(part, now);
      position_ += taken;
      if (taken < part.size()) return;
    }
    if (position_ < samples_->size() || done_) return;
    done_ = true;
    host_.hangup("end of file", now);
  }

  BridgeHost& host_;
  std::shared_ptr<const audio::Samples> samples_;
  std::size_t position_ = 0;
  bool done_ = false;
};

class ToEcho final : public Destination {
 public:
  Made connect(BridgeHost& host, const BridgeContext& /*context*/) const override {
    return std::make_unique<Echo>(host);
  }
  bool listens() const override { return false; }
};

class ToTone final : public Destination {
 public:
  explicit ToTone(double hertz) : hertz_(hertz) {}
  Made connect(BridgeHost& host, const BridgeContext& /*context*/) const override {
    return std::make_unique<Tone>(host, hertz_);
  }
  bool listens() const override { return false; }

 private:
  double hertz_;
};

class ToPlayer final : public Destination {
 public:
  explicit ToPlayer(std::string_view path) : path_(path) {}
  Made connect(BridgeHost& host, const BridgeContext& context) const override {
    const auto file = context.files.find(path_);
    if (file == context.files.end()) return tl::unexpected("the file has not been read: " + path_);
    return std::make_unique<Player>(host, file->second);
  }
  bool listens() const override { return false; }
  std::string_view sound_file() const override { return path_; }

 private:
  std::string path_;
};

class Refusing final : public Destination {
 public:
  explicit Refusing(int status) : status_(status) {}
  Made connect(BridgeHost& /*host*/, const BridgeContext& /*context*/) const override {
    return tl::unexpected(std::string("the route says so"));
  }
  std::optional<int> refusal() const override { return status_; }

 private:
  int status_;
};

} // namespace

DestinationPtr echo_destination(std::string_view /*text*/) {
  return std::make_shared<ToEcho>();
}

DestinationPtr tone_destination(std::string_view text) {
  const std::string_view number = behind_colon(text);
  double hertz = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), hertz);
  const bool whole = error == std::errc{} && end == number.data() + number.size();
  if (!whole || hertz < kMinHertz || hertz > kMaxHertz) return nullptr;
  return std::make_shared<ToTone>(hertz);
}

DestinationPtr player_destination(std::string_view text) {
  const std::string_view path = behind_colon(text);
  return path.empty() ? nullptr : std::make_shared<ToPlayer>(path);
}

DestinationPtr refusing_destination(std::string_view text) {
  const auto status = ascii::to_number<int>(behind_colon(text));
  if (!status || *status < kMinStatus || *status > kMaxStatus) return nullptr;
  return std::make_shared<Refusing>(*status);
}

} // namespace talky::sipd
