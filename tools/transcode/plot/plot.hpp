// --plot: the waveform and the spectrogram of each channel as a PNG or SVG picture. Memory does not grow with
// the length: the signal is kept as at most 2,048 columns, each of which stands for twice as long whenever
// they are full.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "audio/frame.hpp"
#include "transcode/listener.hpp"

namespace talky::transcode {

// Fails (usage, cannot_create) before any work is done: the ending of the name must be .png or .svg, and
// without `force` there must be no such file.
void check_plot(const std::string& path, bool force);

class Plot final : public Listener {
 public:
  explicit Plot(audio::Format format);
  ~Plot() override;
  Plot(const Plot&) = delete;
  Plot& operator=(const Plot&) = delete;

  void hear(std::size_t channel, std::span<const std::int16_t> pcm) override;
  void hear(std::size_t channel, std::span<const float> pcm) override;

  // Everything that was heard, under this title. The file appears when it is complete. Throws Failure.
  void draw(const std::string& path, const std::string& title);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

} // namespace talky::transcode
