#include "media/media_time_scale.hpp"

#include <algorithm>

namespace talky::media {

namespace {

constexpr double kAlike = 0.4; // normalised correlation; below it a joint would be heard

// From a to b in a straight line, over the length of both.
void cross_fade(std::span<const std::int16_t> a, std::span<const std::int16_t> b,
                std::span<std::int16_t> out) {
  const auto length = static_cast<std::int32_t>(out.size());
  for (std::int32_t i = 0; i < length; ++i) {
    const auto n = static_cast<std::size_t>(i);
    out[n] = static_cast<std::int16_t>((a[n] * (length - i) + b[n] * i) / length);
  }
}

} // namespace

std::size_t pitch_period(std::span<const std::int16_t> pcm, std::uint32_t rate) {
  const std::size_t shortest = rate / 400;
  const std::size_t longest = std::min<std::size_t>(rate * 3 / 200, pcm.size() / 2);
  std::size_t best = 0;
  double best_score = kAlike;
  for (std::size_t lag = shortest; lag <= longest; ++lag) {
    std::int64_t product = 0;
    std::int64_t energy_a = 1;
    std::int64_t energy_b = 1;
    for (std::size_t i = 0; i < lag; ++i) {
      const std::int64_t a = pcm[i];
      const std::int64_t b = pcm[i + lag];
      product += a * b;
      energy_a += a * a;
      energy_b += b * b;
    }
    const double score =
        2.0 * static_cast<double>(product) / (static_cast<double>(energy_a) + static_cast<double>(energy_b));
    if (score > best_score) {
      best_score = score;
      best = lag;
    }
  }
  return best;
}

void cut_period(std::vector<std::int16_t>& pcm, std::size_t from, std::size_t period) {
  const std::span<std::int16_t> all(pcm);
  cross_fade(all.subspan(from, period), all.subspan(from + period, period), all.subspan(from, period));
  const auto gone = pcm.begin() + static_cast<std::ptrdiff_t>(from + period);
  pcm.erase(gone, gone + static_cast<std::ptrdiff_t>(period));
}

void repeat_period(std::vector<std::int16_t>& pcm, std::size_t from, std::size_t period) {
  std::vector<std::int16_t> bridge(period);
  const std::span<const std::int16_t> all(pcm);
  cross_fade(all.subspan(from + period, period), all.subspan(from, period), bridge);
  pcm.insert(pcm.begin() + static_cast<std::ptrdiff_t>(from + period), bridge.begin(), bridge.end());
}

} // namespace talky::media
