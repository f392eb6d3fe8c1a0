// What the command line asked for.
#pragma once
#include <string>

namespace talky::rtpdump {

struct Settings {
  std::string read, listen, extract, write, format, ladder, expression;
  double duration = 0;
  bool list = false, calls = false, json = false, csv = false, packets = false, payload = false,
       force = false;
  bool quiet = false;
};

} // namespace talky::rtpdump
