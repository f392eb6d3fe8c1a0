#include "measures.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>

#include "json/json.hpp"

namespace talky::transcode {

Levels::Levels(audio::Format format)
    : format_(format), channels_(format.channels, Channel{{}, audio::SpeechLevelMeter(format.rate)}) {}

void Levels::hear(std::size_t channel, std::span<const std::int16_t> pcm) {
  channels_[channel].level.add(pcm);
  channels_[channel].speech.add(pcm);
}

void Levels::hear(std::size_t channel, std::span<const float> pcm) {
  channels_[channel].level.add(pcm);
  channels_[channel].speech.add(pcm);
}

double Levels::peak() const {
  double most = 0;
  for (const Channel& channel : channels_)
    most = std::max(most, channel.level.peak());
  return most;
}

std::optional<double> Levels::speech_level() const {
  std::optional<double> most;
  for (const Channel& channel : channels_) {
    if (const auto speech = channel.speech.result())
      most = std::max(most.value_or(-1000), speech->active_dbfs);
  }
  return most;
}

void Levels::report(bool json) const {
  const double seconds = static_cast<double>(channels_[0].level.samples()) / format_.rate;
  if (json) {
    boost::json::array list;
    for (const Channel& channel : channels_) {
      boost::json::object entry{{"rms_dbfs", channel.level.rms_dbfs()},
                                {"peak_dbfs", channel.level.peak_dbfs()},
                                {"dc", channel.level.dc()},
                                {"clipped", channel.level.clipped()}};
      const auto speech = channel.speech.result();
      entry["active_speech_dbfs"] =
          speech ? boost::json::value(speech->active_dbfs) : boost::json::value(nullptr);
      entry["activity"] = speech ? speech->activity : 0.0;
      list.push_back(std::move(entry));
    }
    const boost::json::object all{
        {"rate", format_.rate}, {"seconds", seconds}, {"channels", std::move(list)}};
    fmt::print("{}", json::pretty(all));
    return;
  }
  fmt::print("{:>7} {:>10} {:>9} {:>9} {:>9} {:>8} {:>11} {:>8}\n", "channel", "seconds", "RMS dBFS",
             "peak dBFS", "DC", "clipped", "speech dBFS", "active");
  for (std::size_t c = 0; c < channels_.size(); ++c) {
    const auto& level = channels_[c].level;
    const auto speech = channels_[c].speech.result();
    fmt::print("{:>7} {:>10.3f} {:>9.2f} {:>9.2f} {:>9.5f} {:>8} {:>11} {:>7.1f}%\n", c + 1, seconds,
               level.rms_dbfs(), level.peak_dbfs(), level.dc(), level.clipped(),
               speech ? fmt::format("{:.2f}", speech->active_dbfs) : "-",
               speech ? 100 * speech->activity : 0.0);
  }
}

} // namespace talky::transcode
