#include "media/media_playout.hpp"

#include <algorithm>

#include "audio/frame.hpp"

namespace talky::media {

namespace {
constexpr std::size_t kKeepCapacity =
    audio::kBridgeRate; // a second; more is given back when the queue runs empty
} // namespace

std::size_t MediaPlayout::push(std::span<const std::int16_t> samples) {
  const std::size_t count = std::min(samples.size(), max_samples_ - std::min(queued(), max_samples_));
  // Each sample is moved once on average: while more waits than has been played, the queue grows instead.
  if (head_ > 0 && head_ >= queued() && queue_.size() + count > queue_.capacity()) {
    queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(head_));
    head_ = 0;
  }
  queue_.insert(queue_.end(), samples.begin(), samples.begin() + static_cast<std::ptrdiff_t>(count));
  return count;
}

std::size_t MediaPlayout::take(std::span<std::int16_t> out) {
  const std::size_t count = std::min(out.size(), queued());
  const auto from = queue_.begin() + static_cast<std::ptrdiff_t>(head_);
  const auto fill = std::copy(from, from + static_cast<std::ptrdiff_t>(count), out.begin());
  std::fill(fill, out.end(), std::int16_t{0});
  head_ += count;
  if (head_ == queue_.size()) {
    queue_.clear();
    head_ = 0;
    if (queue_.capacity() > kKeepCapacity) queue_.shrink_to_fit();
  }
  if (count > 0) {
    run_ = last_input_ == input_ ? run_ + count : count;
    last_input_ = input_ + count;
    taken_ += count;
  }
  input_ += out.size();
  count_holes(count, out.size());
  return count;
}

void MediaPlayout::count_holes(std::size_t taken, std::size_t wanted) {
  if (taken > 0) {
    if (dry_ > kLongestUnderrun) {
      ++counters_.pauses;
    } else if (dry_ > 0) {
      ++counters_.underruns;
      counters_.underrun_samples += dry_;
    }
    dry_ = 0;
    speaking_ = true;
  }
  if (speaking_) dry_ += wanted - taken;
}

void MediaPlayout::sent(std::size_t delay) {
  const std::uint64_t left = input_ - std::min<std::uint64_t>(delay, input_);
  const std::uint64_t inside = last_input_ > left ? std::min(last_input_ - left, run_) : 0;
  played_ = std::max(played_, taken_ - inside);
}

std::size_t MediaPlayout::clear() {
  const std::size_t discarded = queued();
  speaking_ = false;
  dry_ = 0;
  queue_.clear();
  head_ = 0;
  if (queue_.capacity() > kKeepCapacity) queue_.shrink_to_fit();
  for (Mark& mark : marks_) {
    if (mark.position <= taken_) continue;
    mark.discarded = true;
    mark.position = taken_;
  }
  return discarded;
}

void MediaPlayout::mark(std::string name) {
  marks_.push_back({std::move(name), taken_ + queued(), false});
}

void MediaPlayout::hand_over(MediaPlayout& to) {
  const std::uint64_t begin = to.taken_ + to.queued();
  const std::size_t moved = to.push(std::span(queue_).subspan(head_));
  for (Mark& mark : marks_) {
    const std::uint64_t ahead = mark.position > taken_ ? mark.position - taken_ : 0;
    to.marks_.push_back(
        {std::move(mark.name), begin + std::min<std::uint64_t>(ahead, moved), mark.discarded});
  }
  marks_.clear();
  clear();
}

std::optional<MediaPlayout::Mark> MediaPlayout::poll() {
  if (marks_.empty() || (!marks_.front().discarded && marks_.front().position > played_)) return std::nullopt;
  Mark mark = std::move(marks_.front());
  marks_.pop_front();
  return mark;
}

} // namespace talky::media
