// The guards of moonshine.hpp.
#include <algorithm>
#include <array>
#include <cmath>

#include "core/ascii.hpp"
#include "engine/moonshine.hpp"

namespace talky::engine {

std::vector<Token> without_loops(std::span<const Token> tokens) {
  // A round of up to 16 tokens that comes again and again until the end: people say a word three times ("no,
  // no, no") or a digit four times in a row, not more.
  constexpr std::size_t kMaxRound = 16;
  const auto allowed = [](std::size_t round) -> std::size_t { return round == 1 ? 6 : round <= 3 ? 4 : 2; };
  for (std::size_t round = 1; round <= kMaxRound; ++round) {
    std::size_t same = 0; // tokens at the end that equal the one `round` before
    while (same + round < tokens.size() &&
           tokens[tokens.size() - 1 - same] == tokens[tokens.size() - 1 - same - round])
      ++same;
    const std::size_t rounds = same / round + 1;
    if (rounds > allowed(round)) {
      const std::size_t keep = tokens.size() - (rounds - 1) * round;
      return {tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(keep)};
    }
  }
  return {tokens.begin(), tokens.end()};
}

bool is_hallucination(std::string_view text, float confidence) {
  std::string words; // lower case, single spaces, no punctuation
  for (const char c : text) {
    if (ascii::is_alnum(c) || c == '\'') {
      words += ascii::to_lower(c);
    } else if (!words.empty() && words.back() != ' ') {
      words += ' ';
    }
  }
  while (!words.empty() && words.back() == ' ')
    words.pop_back();
  if (words.empty()) return true; // nothing but punctuation

  // How sure the recogniser must be of a phrase that noise gives too.
  struct Suspect {
    std::string_view words;
    float needed;
  };
  static constexpr std::array<Suspect, 11> kSuspects = {{
      {"you", 0.8F},
      {"thank you", 0.5F},
      {"thanks for watching", 1.1F},
      {"thank you for watching", 1.1F},
      {"please subscribe", 1.1F},
      {"i'm going to go", 0.7F},
      {"oh", 0.5F},
      {"uh", 0.5F},
      {"um", 0.5F},
      {"hmm", 0.5F},
      {"so", 0.5F},
  }};
  for (const Suspect& suspect : kSuspects) {
    if (words == suspect.words) return confidence < suspect.needed;
  }
  return confidence < 0.2F;
}

std::vector<std::size_t> cut_at_pauses(std::span<const std::int16_t> pcm, std::size_t max_part) {
  constexpr std::size_t kStep = 160; // 10 ms at 16 kHz
  constexpr std::size_t kQuiet = 10; // steps: 100 ms
  std::vector<std::size_t> ends;
  std::size_t begin = 0;
  while (pcm.size() - begin > max_part) {
    // Energies of 10 ms in the second half of the part.
    const std::size_t from = begin + max_part / 2;
    const std::size_t steps = (begin + max_part - from) / kStep;
    std::vector<double> energy(steps);
    for (std::size_t s = 0; s < steps; ++s) {
      for (const std::int16_t sample : pcm.subspan(from + s * kStep, kStep))
        energy[s] += double{1} * sample * sample;
    }
    std::size_t best = steps;
    double least = 0;
    double sum = 0;
    for (std::size_t s = 0; s < steps; ++s) {
      sum += energy[s];
      if (s >= kQuiet) sum -= energy[s - kQuiet];
      if (s + 1 >= kQuiet && (best == steps || sum < least)) {
        best = s;
        least = sum;
      }
    }
    // The middle of the quietest stretch; with parts too short for one, the middle of the part.
    const std::size_t end = best == steps ? from : from + (best + 1 - kQuiet / 2) * kStep;
    ends.push_back(end);
    begin = end;
  }
  ends.push_back(pcm.size());
  return ends;
}

} // namespace talky::engine
