// The time of a capture as sound is laid out in it: as it is, but for jumps of its clock. Where nothing at
// all was captured for more than an hour, an hour stands for it, and in all of a capture no more than a day
// does: else a clock that was set by a year would fill a disk with silence.
#pragma once
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace talky::capture {

class Timeline {
 public:
  static constexpr std::int64_t kMaxPauseNs = 3'600'000'000'000;
  static constexpr std::int64_t kMaxPausesNs = 24 * kMaxPauseNs;

  struct Jump {
    std::int64_t from_ns = 0, to_ns = 0; // of the capture
    std::int64_t kept_ns = 0;            // of the pause between them
    std::int64_t cut_ns = 0;             // by which all behind it is earlier, earlier jumps included
  };

  // To be called for each packet whose time is later than that of all before it; `before_ns`: the latest of
  // them.
  void pass(std::int64_t before_ns, std::int64_t time_ns) {
    const auto pause = static_cast<std::uint64_t>(time_ns) - static_cast<std::uint64_t>(before_ns);
    if (pause > static_cast<std::uint64_t>(kMaxPauseNs)) [[unlikely]]
      jump(before_ns, time_ns);
  }
  // Where a time of the capture lies. One within a jump, of packets that are not in order, lies at its end.
  std::int64_t place(std::int64_t time_ns) const {
    if (jumps_.empty()) [[likely]]
      return time_ns;
    return place_behind(time_ns);
  }
  const std::vector<Jump>& jumps() const { return jumps_; }

 private:
  void jump(std::int64_t before_ns, std::int64_t time_ns) {
    Jump made{before_ns, time_ns, std::min(kMaxPauseNs, kMaxPausesNs - kept_ns_), 0};
    kept_ns_ += made.kept_ns;
    made.cut_ns = (jumps_.empty() ? 0 : jumps_.back().cut_ns) + (time_ns - before_ns - made.kept_ns);
    jumps_.push_back(made);
  }
  std::int64_t place_behind(std::int64_t time_ns) const {
    const auto next =
        std::upper_bound(jumps_.begin(), jumps_.end(), time_ns,
                         [](std::int64_t time, const Jump& jump) { return time <= jump.from_ns; });
    if (next == jumps_.begin()) return time_ns;
    const Jump& last = *std::prev(next);
    return std::max(time_ns, last.to_ns) - last.cut_ns;
  }

  std::vector<Jump> jumps_; // in order
  std::int64_t kept_ns_ = 0;
};

// One line for the jumps of a capture's clock, "" where there are none. `name` is the capture's.
std::string jump_line(const Timeline& timeline, std::int64_t start_ns, const std::string& name);

} // namespace talky::capture
