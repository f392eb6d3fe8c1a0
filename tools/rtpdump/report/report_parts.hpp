// What the reports have in common: how times, names and figures are written.
#pragma once
#include <fmt/format.h>

#include <cmath>
#include <optional>
#include <string>

#include "capture/analysis.hpp"

namespace talky::rtpdump {

std::string wall_time(std::int64_t ns); // UTC, RFC 3339 with microseconds
std::string csv_cell(const std::string& text);

inline double seconds(std::int64_t ns) {
  return static_cast<double>(ns) * 1e-9;
}
inline double seconds_since(const capture::Analysis& analysis, std::int64_t ns) {
  return seconds(ns - analysis.start_ns.value_or(ns));
}
inline std::string codec_of(const capture::Stream& stream) {
  return stream.format().name.empty() ? fmt::format("pt {}", stream.payload_type()) : stream.format().name;
}
inline std::string ssrc_of(const capture::Stream& stream) {
  return fmt::format("0x{:08x}", stream.ssrc);
}
inline double loss_of(const capture::Stream& stream) {
  return stream.expected() == 0
             ? 0
             : static_cast<double>(stream.missing()) / static_cast<double>(stream.expected());
}
inline double finite(double value) {
  return std::isfinite(value) ? value : 0;
}
inline std::string leg_name(capture::Call::Leg leg) {
  return leg == capture::Call::Leg::from_caller   ? "caller"
         : leg == capture::Call::Leg::from_callee ? "callee"
                                                  : "";
}

// Every key that a capture tells of, in the order of time.
struct Key {
  std::int64_t time_ns = 0;
  char digit = 0;
  double duration_ms = 0; // 0: not known
  const char* means = ""; // "event", "tone", "info"
  bool ended = true;
  const capture::Stream* stream = nullptr; // nullptr: SIP INFO
  const capture::Call* call = nullptr;
  std::string by; // "caller", "callee", "" if no call is known
};
std::vector<Key> keys_of(const capture::Analysis& analysis);

} // namespace talky::rtpdump
