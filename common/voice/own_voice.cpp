#include "voice/own_voice.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "language/words.hpp"

namespace talky::voice {
namespace {

constexpr std::size_t kSentences = 4;
constexpr std::size_t kFewestWords = 3;
constexpr Samples kLatest = from_ms(800); // after which an echo has come back, and its end has been noticed
constexpr std::size_t kMisheard = 5;      // one word of so many may be another

// How many words of `heard` stand in `said` in the same order: the longest common subsequence.
std::size_t in_order(const std::vector<std::string>& heard, const std::vector<std::string>& said) {
  std::vector<std::size_t> row(said.size() + 1);
  for (const std::string& word : heard) {
    std::size_t diagonal = 0;
    for (std::size_t i = 0; i < said.size(); ++i) {
      const std::size_t above = row[i + 1];
      const bool same = word == said[i] || language::sounds_like(word, said[i]);
      row[i + 1] = same ? diagonal + 1 : std::max(above, row[i]);
      diagonal = above;
    }
  }
  return row.back();
}

} // namespace

void OwnVoice::begins(std::string text, Samples at) {
  said_.push_back({std::move(text), at, at});
  if (said_.size() > kSentences) said_.pop_front();
}

void OwnVoice::goes_on(Samples until) {
  if (!said_.empty()) said_.back().end = std::max(said_.back().end, until);
}

void OwnVoice::stops(Samples at) {
  while (!said_.empty() && said_.back().begin >= at)
    said_.pop_back();
  if (!said_.empty()) said_.back().end = std::min(said_.back().end, at);
}

bool OwnVoice::comes_back(Samples begin, Samples end, std::string_view text) const {
  const auto heard = language::words(text);
  if (heard.size() < kFewestWords) return false;
  std::vector<std::string> said;
  Samples first = 0;
  Samples last = 0;
  for (const Sentence& sentence : said_) {
    if (sentence.end + kLatest < begin || sentence.begin > end) continue;
    if (said.empty()) first = sentence.begin;
    last = sentence.end;
    const auto more = language::words(sentence.text);
    said.insert(said.end(), more.begin(), more.end());
  }
  if (said.empty() || begin < first || end > last + kLatest) return false;
  return in_order(heard, said) + heard.size() / kMisheard >= heard.size();
}

} // namespace talky::voice
