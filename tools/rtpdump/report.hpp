// What was found, as text for people, JSON and CSV for programs.
#pragma once
#include <boost/json/value.hpp>
#include <string>

#include "analysis.hpp"

namespace talky::rtpdump {

struct ReportOptions {
  std::string file;
  bool truncated = false;
};

double mos_of(const Stream& stream);

std::string stream_table(const Analysis& analysis);
std::string stream_csv(const Analysis& analysis);
std::string call_table(const Analysis& analysis);
std::string call_csv(const Analysis& analysis);
// The messages of one call between its columns; "" if there is no such call.
std::string call_ladder(const Analysis& analysis, std::string_view call_id);
boost::json::value to_json(const Analysis& analysis, const ReportOptions& options);

} // namespace talky::rtpdump
