#include "media/talk_in.hpp"

#include <algorithm>
#include <limits>

namespace talky::media {

namespace {
constexpr unsigned kPatience = 3; // ticks without more, after which less than kStart will do
} // namespace

std::size_t TalkIn::push(std::span<const std::int16_t> samples) {
  const std::size_t fits = std::min(samples.size(), kMost);
  const std::size_t all = queued() + samples.size();
  const std::size_t lost = all > kMost ? all - kMost : 0;
  drop(std::min(lost, queued()));
  if (head_ > 0 && queue_.size() + fits > queue_.capacity()) {
    queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(head_));
    head_ = 0;
  }
  const auto newest = samples.last(fits);
  queue_.insert(queue_.end(), newest.begin(), newest.end());
  return lost;
}

bool TalkIn::may_begin() {
  unchanged_ = queued() == seen_ ? unchanged_ + 1 : 0;
  seen_ = queued();
  return queued() >= kStart || unchanged_ >= kPatience;
}

std::size_t TalkIn::mix(std::span<std::int16_t> frame) {
  if (queued() == 0) {
    speaking_ = false;
    seen_ = 0;
    return 0;
  }
  if (!speaking_ && !may_begin()) return 0;
  speaking_ = true;
  unchanged_ = 0;
  const std::size_t count = std::min(frame.size(), queued());
  for (std::size_t i = 0; i < count; ++i) {
    constexpr int kLow = std::numeric_limits<std::int16_t>::min(),
                  kHigh = std::numeric_limits<std::int16_t>::max();
    frame[i] = static_cast<std::int16_t>(std::clamp(frame[i] + queue_[head_ + i], kLow, kHigh));
  }
  drop(count);
  mixed_ += count;
  return count;
}

void TalkIn::pass(std::size_t samples) {
  drop(std::min(samples, queued()));
}

void TalkIn::clear() {
  drop(queued());
  speaking_ = false;
}

void TalkIn::drop(std::size_t count) {
  head_ += count;
  if (head_ < queue_.size()) return;
  queue_.clear();
  head_ = 0;
}

} // namespace talky::media
