// What the command line asked for.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace talky::rtpdump {

struct Settings {
  std::vector<std::string> listen, interfaces;
  std::string capture_filter;
  bool follow = false;
  std::string print; // format of --print; "" is none
  std::string play, speed = "1", timing = "capture";
  std::uint64_t loop = 1;
  std::string srtp_key_file;
  std::vector<std::string> payload_types; // as 111=opus/48000/2
  std::vector<std::string> srtp_keys;
  std::string read, extract, write, format, ladder, expression;
  double duration = 0;
  bool wide = false, level = false, tones = false, dtmf = false, rtcp = false;
  std::string playout = "timestamps", parts = "streams,calls";
  bool list = false, calls = false, json = false, csv = false, packets = false, payload = false,
       force = false;
};

} // namespace talky::rtpdump
