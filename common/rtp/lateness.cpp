#include "rtp/lateness.hpp"

#include <algorithm>

namespace talky::rtp {

namespace {
constexpr Duration kWindow = std::chrono::seconds(5);
constexpr float kGrowth = 1.0F / (1.0F - 1.0F / 400.0F);
constexpr float kMaxWeight = 1e12F;
constexpr std::size_t kSpareBins = 8;
constexpr float kNegligible = 1e-4F; // of the total
} // namespace

void Lateness::rebase(Duration transit, Time arrival) {
  base_ = window_min_ = previous_min_ = transit;
  window_start_ = arrival;
}

Duration Lateness::observe(Duration transit, Time arrival) {
  if (!base_) {
    rebase(transit, arrival);
  } else if (arrival - window_start_ >= kWindow) {
    previous_min_ = window_min_;
    window_min_ = transit;
    window_start_ = arrival;
  } else {
    window_min_ = std::min(window_min_, transit);
  }
  base_ = std::min(window_min_, previous_min_);

  const Duration late = transit - *base_;
  const auto bin = std::min(static_cast<std::size_t>(late.count() / kBinUs), kBins - 1);
  if (bin >= bins_.size()) bins_.resize(std::min(bin + kSpareBins, kBins));
  bins_[bin] += weight_;
  total_ += weight_;
  end_ = std::max(end_, bin + 1);
  weight_ *= kGrowth;
  if (weight_ > kMaxWeight) rescale();
  return late;
}

void Lateness::rescale() {
  total_ = 0;
  for (float& bin : bins_) {
    bin /= weight_;
    total_ += bin;
  }
  weight_ = 1;
}

Duration Lateness::quantile(double q) {
  // Weights grow for ever against the oldest, so what they leave at the far end fades out.
  while (end_ > 0 && bins_[end_ - 1] < kNegligible * weight_) {
    total_ -= bins_[end_ - 1];
    bins_[--end_] = 0;
  }
  if (end_ == 0 || total_ <= 0) return Duration{0};
  const float allowed = static_cast<float>(1.0 - q) * total_;
  float above = 0;
  std::size_t bin = end_;
  while (bin > 0 && above + bins_[bin - 1] <= allowed)
    above += bins_[--bin];
  // Everything in the lowest step is as punctual as can be told.
  return bin <= 1 ? Duration{0} : Duration{static_cast<std::int64_t>(bin) * kBinUs};
}

} // namespace talky::rtp
