#include "audio/concealer.hpp"

#include <algorithm>

namespace talky::audio {

namespace {

// from + (to - from) * step / steps
std::int16_t fade(int from, int to, std::size_t step, std::size_t steps) {
  const auto s = static_cast<std::int64_t>(step);
  const auto n = static_cast<std::int64_t>(steps);
  return static_cast<std::int16_t>((from * (n - s) + to * s) / n);
}

std::int16_t saturate(int x) {
  return static_cast<std::int16_t>(std::clamp(x, -32768, 32767));
}

} // namespace

Concealer::Concealer(std::uint32_t rate)
    : rate_(rate),
      min_pitch_(rate / 200),
      max_pitch_(std::size_t{rate} * 15 / 1000),
      history_(max_pitch_ * 13 / 4) {}

void Concealer::reset() {
  *this = Concealer(rate_);
}

void Concealer::remember(std::span<const std::int16_t> pcm) {
  const auto tail = pcm.last(std::min(pcm.size(), history_.size()));
  std::move(history_.begin() + static_cast<std::ptrdiff_t>(tail.size()), history_.end(), history_.begin());
  std::copy(tail.begin(), tail.end(), history_.end() - static_cast<std::ptrdiff_t>(tail.size()));
}

// The lag with the best normalised correlation between the last 20 ms and what came before them: first on
// every 0.25 ms, then on every sample around the best. Below that, the same on fewer products as in Appendix
// I.
std::size_t Concealer::find_pitch() const {
  const std::size_t window = std::min<std::size_t>(rate_ / 50, history_.size() - max_pitch_);
  const std::size_t coarse = std::max<std::size_t>(1, rate_ / 4000);
  const std::int16_t* const last = history_.data() + history_.size() - window;

  const auto likeness = [&](std::size_t lag, std::size_t step) {
    std::int64_t product = 0;
    std::int64_t energy = 1;
    for (std::size_t i = 0; i < window; i += step) {
      const std::int64_t past = *(last + i - lag);
      product += last[i] * past;
      energy += past * past;
    }
    const auto p = static_cast<double>(product);
    return product <= 0 ? 0.0 : p / static_cast<double>(energy) * p;
  };
  const auto best_of = [&](std::size_t from, std::size_t to, std::size_t step) {
    std::size_t best = from;
    double most = -1;
    for (std::size_t lag = from; lag <= to; lag += step) {
      const double l = likeness(lag, step);
      if (l > most) {
        most = l;
        best = lag;
      }
    }
    return best;
  };
  const std::size_t about = best_of(min_pitch_, max_pitch_, coarse);
  return best_of(std::max(min_pitch_, about - coarse + 1), std::min(max_pitch_, about + coarse - 1), 1);
}

// The last `periods` periods before the gap, the end of which is faded into what precedes their start, so
// that they join themselves.
std::vector<std::int16_t> Concealer::cycle_of(std::size_t periods) const {
  const std::size_t length = periods * pitch_;
  const std::size_t quarter = pitch_ / 4;
  std::vector<std::int16_t> cycle(before_.end() - static_cast<std::ptrdiff_t>(length), before_.end());
  const std::int16_t* const preceding = before_.data() + before_.size() - length - quarter;
  for (std::size_t i = 0; i < quarter; ++i) {
    std::int16_t& sample = cycle[length - quarter + i];
    sample = fade(sample, preceding[i], i + 1, quarter);
  }
  return cycle;
}

void Concealer::start_gap() {
  before_ = history_;
  pitch_ = find_pitch();
  periods_ = 1;
  cycle_ = cycle_of(1);
  position_ = 0;
  leaving_.clear();
  left_ = 0;
  jump_ = before_.back() - before_[before_.size() - 1 - pitch_];
  made_ = 0;
  merge_ = merged_ = 0;
}

void Concealer::repeat(std::size_t periods) {
  leaving_.clear();
  for (std::size_t i = 0; i < pitch_ / 4; ++i)
    leaving_.push_back(cycle_[(position_ + i) % cycle_.size()]);
  left_ = 0;
  periods_ = periods;
  cycle_ = cycle_of(periods);
  position_ %= pitch_; // the same phase of an older period
}

std::int16_t Concealer::next_sample() {
  const std::size_t ms10 = rate_ / 100;
  if (made_ >= 6 * ms10) return 0;
  if (made_ == periods_ * ms10 && periods_ < 3) repeat(periods_ + 1);

  int sample = cycle_[position_];
  if (++position_ == cycle_.size()) position_ = 0;
  if (left_ < leaving_.size()) {
    sample = fade(leaving_[left_], sample, left_ + 1, leaving_.size());
    ++left_;
  }
  // The step at the start of the gap decays over a quarter of a period.
  const std::size_t quarter = pitch_ / 4;
  if (made_ < quarter) sample = saturate(sample + fade(jump_ / 2, 0, made_ + 1, quarter + 1) * 2);
  if (made_ >= ms10) sample = fade(sample, 0, made_ - ms10, 5 * ms10);
  ++made_;
  return static_cast<std::int16_t>(sample);
}

void Concealer::conceal(std::size_t samples, std::vector<std::int16_t>& out) {
  if (samples == 0) return;
  if (gap_ == 0) start_gap();
  const std::size_t start = out.size();
  out.resize(start + samples);
  std::generate(out.begin() + static_cast<std::ptrdiff_t>(start), out.end(),
                [this] { return next_sample(); });
  gap_ += samples;
  remember(std::span(out).subspan(start));
}

void Concealer::good(std::span<std::int16_t> frame) {
  if (frame.empty()) return;
  if (gap_ > 0) {
    // A quarter of a period, and 4 ms more for every 10 ms after the first, up to 10 ms.
    const std::size_t ms10 = rate_ / 100;
    merge_ = std::min(ms10, pitch_ / 4 + (gap_ - 1) / ms10 * (ms10 * 4 / 10));
    merged_ = 0;
    gap_ = 0;
  }
  for (std::size_t i = 0; i < frame.size() && merged_ < merge_; ++i) {
    ++merged_;
    frame[i] = fade(next_sample(), frame[i], merged_, merge_ + 1);
  }
  remember(frame);
}

} // namespace talky::audio
