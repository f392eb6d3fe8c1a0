// What is found out by listening: the levels that --level reports, and the survey that --normalize and
// --trim-silence need before anything is written.
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "audio/frame.hpp"
#include "audio/level.hpp"
#include "audio/speech_level.hpp"
#include "listener.hpp"
#include "pipeline.hpp"

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

// From where to where there is sound: blocks of 10 ms of which any channel's RMS reaches the threshold.
class SoundFinder final : public Listener {
 public:
  SoundFinder(audio::Format format, double threshold_dbfs);

  void hear(std::size_t channel, std::span<const std::int16_t> pcm) override;
  void hear(std::size_t channel, std::span<const float> pcm) override;

  // With `keep` seconds more at both ends; nullopt: all is silence.
  std::optional<Window> sound(double keep) const;

 private:
  struct Channel {
    double squares = 0;
    std::size_t filled = 0;
    std::uint64_t block = 0;
  };
  template <class Sample>
  void hear_any(std::size_t channel, std::span<const Sample> pcm, double scale);

  std::uint32_t rate_;
  std::size_t block_; // samples
  double enough_;     // sum of squares of a block
  std::vector<Channel> channels_;
  std::optional<std::uint64_t> first_; // block
  std::uint64_t last_ = 0;
};

} // namespace talky::transcode
