// Which RTP ports are free: even ports of a range, each with its odd neighbour for RTCP. A port that comes
// back goes to the end of the queue and rests, so that late packets of one call never reach the next. Pure;
// binding is the caller's.
#pragma once
#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>

#include "core/random.hpp"
#include "core/time.hpp"

namespace talky::net {

class PortPool {
 public:
  struct Range {
    std::uint16_t low = 0, high = 0;                          // both included
    static std::optional<Range> parse(std::string_view text); // "16384-32767"; holds at least one pair
    std::size_t pairs() const;
  };
  // The pairs of the range in a shuffled order; of them the `share`-th of `shares`, for loops that share
  // nothing.
  PortPool(Range range, Duration rest, Random& random, std::size_t share = 0, std::size_t shares = 1);

  // The even port that has rested longest; nullopt if every other one is in use or resting.
  std::optional<std::uint16_t> take(Time now);
  void give_back(std::uint16_t even_port, Time now);
  std::size_t size() const { return total_; }
  std::size_t in_use() const { return total_ - free_.size(); }

 private:
  struct Free {
    std::uint16_t port;
    Time rested;
  };
  std::deque<Free> free_;
  Duration rest_;
  std::size_t total_ = 0;
};

} // namespace talky::net
