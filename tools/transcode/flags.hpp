// The command line of talky-transcode as it was typed, and the values in it.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace talky::transcode {

// Every field is the default.
struct Flags {
  std::string from, to;
  std::string rate, in_rate, channels, in_channels, channel;
  bool left = false, right = false, split = false, join = false;
  double gain = 0;
  bool normalize = false;
  std::optional<std::string> peak, speech_level;
  bool trim = false;
  double trim_threshold = -50;
  std::string trim_keep = "100ms", trim_at = "both";
  std::string start, duration, quality = "auto", tone, dtmf;
  bool level = false, json = false, list = false, force = false, verbose = false;
  std::string plot;
  std::vector<std::string> paths;
  // RTP and codecs
  std::string codec, bitrate, ssrc, payload_type, impair, ptime = "20";
  int fec = 0;
  bool dtx = false, jitter_buffer = false;

  bool generates() const { return !tone.empty() || !dtmf.empty(); }
  bool measures() const { return level || !plot.empty(); } // and writes no samples
  bool normalizes() const { return normalize || peak || speech_level; }
};

// nullopt: go on; otherwise exit with this code.
std::optional<int> parse(int argc, char** argv, Flags& flags);

// All of these throw Failure (usage) with the option's name and what was expected.
// "8000", "8k", "44.1k"; 0 for "": not given.
std::uint32_t rate_of(const std::string& text, const char* option);
// 1 to 64; 0 for "": not given.
std::uint16_t channels_of(const std::string& text, const char* option);
// "1.5", "90s", "200ms", "2:30", "1:02:03.5"; in seconds.
double seconds_of(const std::string& text, const char* option);
// From -200 to 200.
double decibels_of(const std::string& text, const char* option);

} // namespace talky::transcode
