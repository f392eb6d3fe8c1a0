// A person who talks in: heard by the caller beside the agent, and not by the agent.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "sipd/messages/part_line.hpp"

namespace talky::sipd {

class TalkIn {
 public:
  // `play` gives how many samples found no room; `gone` comes once, when the person has left by themselves,
  // and may destroy this.
  using Play = std::function<std::size_t(std::span<const std::int16_t>)>;
  TalkIn(PartLine line, Play play, Task gone);
  ~TalkIn();
  TalkIn(const TalkIn&) = delete;
  TalkIn& operator=(const TalkIn&) = delete;

  void tick(); // every 20 ms: what was lost is reported, once a second at most

 private:
  void received(const FromPart& message, Time now);

  PartLine line_;
  Play play_;
  Task gone_;
  std::uint64_t lost_ = 0; // samples that came too fast and have not been reported
  unsigned ticks_ = 0;     // since the last report
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

} // namespace talky::sipd
