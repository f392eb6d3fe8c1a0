// What is found out by listening: the levels that --level reports, and that --normalize needs before anything
// is written.
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "audio/frame.hpp"
#include "audio/level.hpp"
#include "audio/speech_level.hpp"
#include "listener.hpp"

namespace talky::transcode {

// Levels of each channel.
class Levels final : public Listener {
 public:
  explicit Levels(audio::Format format);

  void hear(std::size_t channel, std::span<const std::int16_t> pcm) override;
  void hear(std::size_t channel, std::span<const float> pcm) override;

  double peak() const;                        // of the loudest channel; 1.0 = full scale
  std::optional<double> speech_level() const; // of the loudest channel, dBFS; nullopt: silence
  void report(bool json) const;               // on stdout

 private:
  struct Channel {
    audio::LevelMeter level;
    audio::SpeechLevelMeter speech;
  };
  audio::Format format_;
  std::vector<Channel> channels_;
};

} // namespace talky::transcode
