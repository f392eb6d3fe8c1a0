#include "capture/timeline.hpp"

#include <fmt/format.h>

namespace talky::capture {

namespace {

std::string span_text(std::int64_t ns) {
  const double hours = static_cast<double>(ns) / 3.6e12;
  return hours >= 48 ? fmt::format("{:.0f} days", hours / 24) : fmt::format("{:.1f} hours", hours);
}

} // namespace

std::string jump_line(const Timeline& timeline, std::int64_t start_ns, const std::string& name) {
  const auto& jumps = timeline.jumps();
  if (jumps.empty()) return {};
  const Timeline::Jump& first = jumps.front();
  std::string line = fmt::format("{}: behind {:.2f} s nothing was captured for {}, or its clock was set",
                                 name, static_cast<double>(first.from_ns - start_ns) * 1e-9,
                                 span_text(first.to_ns - first.from_ns));
  if (jumps.size() > 1) line += fmt::format(" (and {} more such jumps)", jumps.size() - 1);
  return line + "; in sound, an hour of silence stands for it";
}

} // namespace talky::capture
