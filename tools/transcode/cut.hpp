// --start and --duration, and Ctrl-C: what is taken from a source.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>

#include "cli/failure.hpp"
#include "pipeline.hpp"

namespace talky::transcode {

// Takes frames from the source as --start and --duration want them.
class Cut {
 public:
  Cut(const Processing& p, std::uint32_t rate, std::size_t block = 16384)
      : skip_(static_cast<std::uint64_t>(std::llround(p.start * rate))),
        left_(p.duration ? static_cast<std::uint64_t>(std::llround(*p.duration * rate)) : ~std::uint64_t{0}),
        block_(block) {}

  bool ended() const { return left_ == 0; }
  // How many frames to ask for.
  std::size_t want() const {
    return static_cast<std::size_t>(std::min<std::uint64_t>(block_, skip_ > 0 ? skip_ : left_));
  }
  // Of so many that came: whether they are wanted.
  bool take(std::size_t frames) {
    if (skip_ > 0) {
      skip_ -= frames;
      return false;
    }
    left_ -= frames;
    return true;
  }

 private:
  std::uint64_t skip_, left_;
  std::size_t block_; // frames at most
};

inline void check_interrupt() {
  if (interrupted()) throw cli::Failure(cli::ExitCode::temporary, "interrupted: nothing was written");
}

} // namespace talky::transcode
