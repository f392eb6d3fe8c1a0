#include "engine/speech_cut.hpp"

#include <algorithm>

namespace talky::engine {
namespace {

// As Config::vad_on and vad_off of a session, but a single window is enough to be kept: here it is known that
// something was said, and a consonant that is cut off costs the word.
constexpr float kSurely = 0.5F;
constexpr float kMaybe = 0.25F;

} // namespace

std::vector<Stretch> find_speech(std::span<const std::int16_t> pcm, voice::VoiceActivity& detector,
                                 std::size_t bridged) {
  std::vector<float> probabilities;
  detector.reset();
  detector.process(pcm, probabilities);
  const auto window = static_cast<std::size_t>(detector.window());
  const float most =
      probabilities.empty() ? 0.0F : *std::max_element(probabilities.begin(), probabilities.end());
  const float needed = most >= kSurely ? kSurely : kMaybe;
  std::vector<Stretch> out;
  for (std::size_t i = 0; i < probabilities.size(); ++i) {
    if (probabilities[i] < needed) continue;
    // Out to both sides as far as it may be speech.
    std::size_t first = i, last = i + 1;
    while (first > 0 && probabilities[first - 1] >= kMaybe)
      --first;
    while (last < probabilities.size() && probabilities[last] >= kMaybe)
      ++last;
    const Stretch stretch{first * window, std::min(last * window, pcm.size())};
    if (!out.empty() && stretch.begin < out.back().end + bridged) {
      out.back().end = std::max(out.back().end, stretch.end);
    } else {
      out.push_back(stretch);
    }
    i = last;
  }
  return out;
}

std::vector<float> cut_out(std::span<const std::int16_t> pcm, std::span<const Stretch> stretches,
                           std::size_t margin, float gain) {
  std::vector<float> out;
  std::size_t from = 0; // what has been taken
  for (const Stretch& stretch : stretches) {
    const std::size_t begin = std::max(from, stretch.begin > margin ? stretch.begin - margin : 0);
    const std::size_t end = std::min(pcm.size(), stretch.end + margin);
    for (std::size_t i = begin; i < end; ++i)
      out.push_back(static_cast<float>(pcm[i]) / 32768.0F * gain);
    from = std::max(from, end);
  }
  if (!stretches.empty()) {
    const std::size_t there = pcm.size() - std::min(pcm.size(), stretches.back().end);
    out.resize(out.size() + margin - std::min(margin, there));
  }
  return out;
}

} // namespace talky::engine
