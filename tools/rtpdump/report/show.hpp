// What the command line wants to see of an analysis, on standard output.
#pragma once
#include <string>
#include <vector>

#include "capture/analysis.hpp"
#include "capture/srtp.hpp"
#include "rtpdump/settings.hpp"

namespace talky::rtpdump {

struct Shown {
  std::string name; // of what was read
  bool truncated = false;
  std::vector<capture::SrtpFlow> srtp;
};

void print(const std::string& text);
// Streams, calls or a ladder, as a table, JSON or CSV. Throws cli::Failure if there is no such call.
void show(const Settings& settings, const capture::Analysis& analysis, const Shown& how);

// Says on standard error where more streams began at once than could be told from chance.
void tell_crowd(const capture::StreamTable& streams);

} // namespace talky::rtpdump
