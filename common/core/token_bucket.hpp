// A token bucket: so many a second, and a few at once. What a client may send.
#pragma once
#include <algorithm>

#include "core/time.hpp"

namespace talky {

class TokenBucket {
 public:
  // Full at the beginning.
  TokenBucket(double a_second, double at_once) : a_second_(a_second), at_once_(at_once), left_(at_once) {}

  bool take(double amount, Time now) { // false: that is too much, and nothing is taken
    if (last_ != Time{}) {
      const double seconds = static_cast<double>((now - last_).count()) / 1e6;
      left_ = std::min(at_once_, left_ + seconds * a_second_);
    }
    last_ = now;
    if (left_ < amount) return false;
    left_ -= amount;
    return true;
  }

 private:
  double a_second_, at_once_, left_;
  Time last_{};
};

} // namespace talky
