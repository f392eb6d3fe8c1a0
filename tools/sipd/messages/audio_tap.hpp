// One listener's ear in a call. The session fills it on the call's loop; each frame is posted to the
// listener's loop. A listener whose loop stands still loses frames, which are counted; the call never waits.
#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "sipd/messages/mailbox.hpp"

namespace talky::sipd {

class AudioTap : public std::enable_shared_from_this<AudioTap> {
 public:
  // 20 ms, interleaved, caller left and agent right; called on the listener's loop.
  using Deliver = std::function<void(const std::vector<std::int16_t>& stereo)>;
  // `talks`: the listener talks in, and does not want to hear that.
  AudioTap(Post post, bool talks, Deliver deliver)
      : post_(std::move(post)), talks_(talks), deliver_(std::move(deliver)) {}
  AudioTap(net::Loop& loop, bool talks, Deliver deliver)
      : AudioTap(post_to(loop), talks, std::move(deliver)) {}

  // On the call's loop. `agent`: the right side without who talks in. False: nobody listens any more.
  bool frame(std::span<const std::int16_t> stereo, std::span<const std::int16_t> agent) {
    if (closed_) return false;
    if (in_flight_ >= kMaxInFlight) {
      ++lost_;
      return true;
    }
    ++in_flight_;
    std::vector<std::int16_t> copy(stereo.begin(), stereo.end());
    for (std::size_t i = 0; talks_ && i < agent.size(); ++i)
      copy[2 * i + 1] = agent[i];
    post_([self = shared_from_this(), copy = std::move(copy)](Time /*now*/) {
      --self->in_flight_;
      if (!self->closed_) self->deliver_(copy);
    });
    return true;
  }

  // On the listener's loop.
  void close() {
    closed_ = true;
    deliver_ = nullptr;
  }
  std::uint64_t take_lost() { return lost_.exchange(0); } // frames since the last time

 private:
  static constexpr int kMaxInFlight = 50; // a second

  const Post post_; // to the listener's loop
  const bool talks_;
  Deliver deliver_;
  std::atomic<int> in_flight_{0};
  std::atomic<std::uint64_t> lost_{0};
  std::atomic<bool> closed_{false};
};

} // namespace talky::sipd
