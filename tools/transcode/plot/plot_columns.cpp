#include "transcode/plot/plot_columns.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <numbers>

namespace talky::transcode {

namespace {

constexpr std::uint32_t kColumnsASecond = 250; // at first

} // namespace

void PlotColumns::FreePlan::operator()(kiss_fftr_cfg plan) const {
  std::free(plan); // as KISS FFT has it
}

PlotColumns::PlotColumns(std::uint32_t rate, const Fft& fft)
    : fft_(fft),
      size_(std::clamp<std::size_t>(std::bit_ceil(rate * 3U / 100U), 64, 32768)), // some 32 ms
      rows_(std::min(size_ / 2, kMostRows)),
      column_(std::max<std::size_t>(1, rate / kColumnsASecond)),
      window_(size_),
      pending_(size_ / 2),
      windowed_(size_),
      bins_(size_ / 2 + 1),
      plan_(fft.alloc(static_cast<int>(size_), 0, nullptr, nullptr)) {
  double sum = 0;
  for (std::size_t i = 0; i < size_; ++i) {
    const double hann = 0.5 - 0.5 * std::cos(2 * std::numbers::pi * (static_cast<double>(i) + 0.5) /
                                             static_cast<double>(size_));
    window_[i] = static_cast<float>(hann);
    sum += hann;
  }
  for (float& w : window_)
    w = static_cast<float>(w * 2 / sum); // a full-scale sine gives 1
  next_centre_ = hop() / 2;
}

std::uint64_t PlotColumns::hop() const {
  return std::min<std::uint64_t>(column_, size_ / 2);
}

void PlotColumns::add(std::span<const float> pcm) {
  add_wave(pcm);
  pending_.insert(pending_.end(), pcm.begin(), pcm.end());
  heard_ += pcm.size();
  // A spectrum is of the samples from half a transform before its centre to half of one behind it.
  while (next_centre_ + size_ <= pending_start_ + pending_.size()) {
    add_spectrum(next_centre_);
    next_centre_ += hop();
  }
  if (next_centre_ > pending_start_ + size_) {
    const auto past =
        static_cast<std::size_t>(std::min<std::uint64_t>(next_centre_ - pending_start_, pending_.size()));
    pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(past));
    pending_start_ += past;
  }
}

void PlotColumns::finish() {
  pending_.resize(pending_.size() + size_);
  while (next_centre_ < heard_) {
    add_spectrum(next_centre_);
    next_centre_ += hop();
  }
}

void PlotColumns::add_wave(std::span<const float> pcm) {
  while (!pcm.empty()) {
    if (waves_.empty() || waves_.back().samples == column_) {
      if (waves_.size() == kLimit) halve();
      waves_.emplace_back();
      powers_.resize(waves_.size() * rows_);
      counts_.resize(waves_.size());
    }
    Wave& wave = waves_.back();
    const auto part =
        pcm.first(std::min<std::size_t>(pcm.size(), column_ - static_cast<std::size_t>(wave.samples)));
    pcm = pcm.subspan(part.size());
    for (const float x : part) {
      wave.least = std::min(wave.least, x);
      wave.most = std::max(wave.most, x);
      wave.squares += static_cast<double>(x) * static_cast<double>(x);
    }
    wave.samples += part.size();
  }
}

void PlotColumns::add_spectrum(std::uint64_t centre) {
  const auto column = static_cast<std::size_t>(centre / column_);
  if (column >= waves_.size()) return;
  const float* from = pending_.data() + (centre - pending_start_);
  for (std::size_t i = 0; i < size_; ++i)
    windowed_[i] = from[i] * window_[i];
  fft_.transform(plan_.get(), windowed_.data(), bins_.data());
  const std::size_t together = size_ / 2 / rows_;
  float* row = &powers_[column * rows_];
  for (std::size_t bin = 0; bin < size_ / 2; ++bin) {
    const auto& x = bins_[bin];
    row[bin / together] += x.r * x.r + x.i * x.i;
  }
  ++counts_[column];
}

void PlotColumns::halve() {
  for (std::size_t i = 0; i < kLimit / 2; ++i) {
    const Wave& a = waves_[2 * i];
    const Wave& b = waves_[2 * i + 1];
    waves_[i] = Wave{std::min(a.least, b.least), std::max(a.most, b.most), a.squares + b.squares,
                     a.samples + b.samples};
    counts_[i] = counts_[2 * i] + counts_[2 * i + 1];
    for (std::size_t r = 0; r < rows_; ++r)
      powers_[i * rows_ + r] = powers_[2 * i * rows_ + r] + powers_[(2 * i + 1) * rows_ + r];
  }
  waves_.resize(kLimit / 2);
  counts_.resize(kLimit / 2);
  powers_.resize(kLimit / 2 * rows_);
  column_ *= 2;
}

double PlotColumns::power(std::size_t column, std::size_t row) const {
  return counts_[column] == 0 ? 0.0 : static_cast<double>(powers_[column * rows_ + row]) / counts_[column];
}

} // namespace talky::transcode
