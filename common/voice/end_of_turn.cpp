#include "voice/end_of_turn.hpp"

#include <algorithm>
#include <cmath>

#include "core/ascii.hpp"
#include "language/turn_end.hpp"

namespace talky::voice {
namespace {

// Written by scripts/turn-weights.
constexpr float kBias = -6.454F;
constexpr float kPitch = -0.206F;
constexpr float kSlope = 0.113F;
constexpr float kEnergy = -0.304F;
constexpr float kDecay = -0.225F;
constexpr float kWhole = -0.102F;
constexpr float kFullStop = 1.435F;
constexpr float kComma = 0.000F;

// Between the shortest and the longest pause, the surer the shorter.
Samples between(Samples least, Samples most, float over) {
  constexpr float kSure = 0.7F;
  constexpr float kUnlikely = 0.15F;
  const float share = std::clamp((kSure - over) / (kSure - kUnlikely), 0.0F, 1.0F);
  return least + static_cast<Samples>(share * static_cast<float>(most - least));
}

} // namespace

float probably_over(std::string_view words, const std::optional<VoiceEnd>& end) {
  const std::string_view text = ascii::trim(words);
  float sum = kBias;
  if (language::ending(text) == language::Ending::whole) sum += kWhole;
  if (text.ends_with('.') || text.ends_with('?') || text.ends_with('!')) sum += kFullStop;
  if (text.ends_with(',')) sum += kComma;
  if (end) {
    sum += kEnergy * std::max(end->energy, -22.0F) + kDecay * end->decay;
    if (end->voiced)
      sum += kPitch * std::clamp(end->pitch, -8.0F, 8.0F) + kSlope * std::clamp(end->slope, -4.0F, 4.0F);
  }
  return 1 / (1 + std::exp(-sum));
}

Samples pause_needed(const Config& config, language::Completeness completeness,
                     std::optional<std::string_view> words, const std::optional<VoiceEnd>& end) {
  if (!words) return config.pause_open;
  switch (completeness) {
    case language::Completeness::partial: return config.pause_partial;
    case language::Completeness::unfinished: return config.pause_unfinished;
    case language::Completeness::complete:
      if (!end || !end->voiced) return config.pause_complete;
      return between(config.pause_complete, config.pause_complete_most, probably_over(*words, end));
    case language::Completeness::open: break;
  }
  if (!end || !end->voiced) return config.pause_open;
  return between(config.pause_open, config.pause_open_most, probably_over(*words, end));
}

} // namespace talky::voice
