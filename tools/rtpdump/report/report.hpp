// What was found, as text for people, JSON and CSV for programs.
#pragma once
#include <boost/json/value.hpp>
#include <optional>
#include <string>
#include <vector>

#include "capture/analysis.hpp"
#include "capture/srtp.hpp"

namespace talky::rtpdump {

struct ReportOptions {
  std::string file;
  bool truncated = false;
  std::vector<capture::SrtpFlow> srtp; // what was decrypted
};

// MOS by the E-model: missing and late packets are not heard, their bursts count, and the delay is that of a
// jitter buffer of 40 ms and twice the mean jitter.
// nullopt: the codec is unknown, or has no figures in G.113 (none for losses, where there were some).
std::optional<double> mos_of(const capture::Stream& stream);
std::string digits_of(const capture::Analysis& analysis,
                      const capture::Stream& stream); // of events and, if heard, of tones

// `wide`: every figure in one line; otherwise what fits a terminal of 120 columns.
std::string stream_table(const capture::Analysis& analysis, bool wide = false);
std::string stream_csv(const capture::Analysis& analysis);
std::string call_table(const capture::Analysis& analysis);
std::string call_csv(const capture::Analysis& analysis);
// Every key: time, length, how it came (event, tone, info), from where.
std::string digit_table(const capture::Analysis& analysis);
std::string digit_csv(const capture::Analysis& analysis);
// What the receivers reported of each stream beside what was measured here.
std::string rtcp_table(const capture::Analysis& analysis);
std::string rtcp_csv(const capture::Analysis& analysis);
// The messages of one call between its columns; "" if there is no such call.
std::string call_ladder(const capture::Analysis& analysis, std::string_view call_id);
boost::json::value to_json(const capture::Analysis& analysis, const ReportOptions& options);

} // namespace talky::rtpdump
