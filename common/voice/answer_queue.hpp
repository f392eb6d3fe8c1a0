// Answers of engines that have come and wait for the media time at which they take effect. Not public.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "voice/engine.hpp"

namespace talky::voice {

class AnswerQueue {
 public:
  // An engine that floods loses what goes beyond this many.
  static constexpr std::size_t kMost = 4096;

  // Takes the answer to a request made at `asked`: it has effect its service time (a day at most) after that,
  // or now if that has passed.
  void push(const Answer& answer, Samples asked, Samples now);
  // The next that has effect by `now`, in order of time, request and arrival.
  std::optional<Answer> pop(Samples now);
  // When that is.
  std::optional<Samples> next() const;
  void clear() { pending_.clear(); }

 private:
  struct Pending {
    Samples effect = 0;
    RequestId id = 0;
    std::uint64_t order = 0;
    Answer answer;
  };

  std::vector<Pending> pending_; // sorted by (effect, id, order)
  std::uint64_t arrivals_ = 0;
};

} // namespace talky::voice
