#include "flow/intents.hpp"

#include <algorithm>
#include <cmath>
#include <set>

namespace talky::flow {
namespace {

constexpr double kSame = 0.9; // as good as the example itself

bool is_negation(std::string_view word) {
  return language::is_one_of(word, {"not", "dont", "never", "doesnt", "didnt", "isnt", "wont", "cant",
                                    "cannot", "without", "arent", "wasnt", "wouldnt"});
}

// Words that carry politeness, not meaning: they do not count when one asks how much of an utterance was
// understood.
bool is_idle(std::string_view word) {
  return language::is_filler(word) ||
         language::is_one_of(
             word, {"please", "a",      "an",    "the",   "i",     "id",   "im",   "to",   "me",   "my",
                    "you",    "your",   "can",   "could", "would", "like", "want", "do",   "is",   "it",
                    "its",    "of",     "for",   "and",   "so",    "well", "just", "some", "hi",   "hello",
                    "hey",    "that",   "thats", "there", "have",  "need", "then", "now",  "ok",   "okay",
                    "thank",  "thanks", "very",  "much",  "will",  "be",   "in",   "on",   "with", "how",
                    "what",   "when",   "where", "which", "who",   "are",  "does", "whats"});
}

// Days and times say when, not what is wanted.
bool is_when(std::string_view word) {
  return language::is_one_of(
      word, {"monday", "tuesday", "wednesday", "thursday",  "friday",   "saturday", "sunday",
             "today",  "tonight", "tomorrow",  "january",   "february", "march",    "april",
             "june",   "july",    "august",    "september", "october",  "november", "december"});
}

std::vector<std::string> stems_of(const std::vector<std::string>& list) {
  std::vector<std::string> out;
  out.reserve(list.size());
  for (const std::string& word : list)
    out.push_back(language::stem(word));
  return out;
}

} // namespace

// Stems, and trigrams of letters at lower weight for words that were misheard.
std::map<std::string, double> IntentMatcher::terms(const std::vector<std::string>& heard) const {
  std::map<std::string, double> out;
  for (const std::string& word : heard) {
    if (language::is_filler(word)) continue;
    const std::string s = language::stem(word);
    if (values_.contains(s) || is_when(word)) {
      out["value"] += 0.4;
      continue;
    }
    if (is_idle(word)) {
      out["i:" + s] += 0.3;
      continue;
    }
    out["w:" + s] += 1.0;
    const std::string padded = '^' + s + '$';
    for (std::size_t i = 0; i + 3 <= padded.size(); ++i)
      out["t:" + padded.substr(i, 3)] += 0.35;
  }
  return out;
}

IntentMatcher::IntentMatcher(const std::vector<Intent>& intents, const std::vector<std::string>& values) {
  for (const std::string& value : values)
    for (const std::string& word : language::words(value))
      if (!is_idle(word)) values_.insert(language::stem(word));
  std::map<std::string, std::size_t> documents;
  std::size_t count = 0;
  for (const Intent& intent : intents) {
    for (const std::string& example : intent.examples) {
      ++count;
      for (const auto& [term, weight] : terms(language::words(example)))
        ++documents[term];
    }
  }
  for (const auto& [term, n] : documents)
    weights_[term] = 1.0 + std::log(static_cast<double>(count + 1) / static_cast<double>(n + 1));
  for (std::size_t i = 0; i < intents.size(); ++i) {
    names_.push_back(intents[i].name);
    for (const std::string& keyword : intents[i].keywords) {
      auto list = language::words(keyword);
      if (list.empty()) continue;
      auto stems = stems_of(list);
      phrases_.push_back({i, std::move(list), std::move(stems), 1.0});
    }
    for (const std::string& example : intents[i].examples)
      examples_.push_back({i, vector_of(language::words(example))});
  }
  weigh(intents);
}

// "Appointment" is a keyword of booking, but one also cancels an appointment: the words of examples tell.
void IntentMatcher::weigh(const std::vector<Intent>& intents) {
  for (Phrase& phrase : phrases_) {
    int others = 0;
    for (std::size_t i = 0; i < intents.size(); ++i) {
      const auto contains = [&](const std::string& text) {
        const auto stems = stems_of(language::words(text));
        return std::search(stems.begin(), stems.end(), phrase.stems.begin(), phrase.stems.end()) !=
               stems.end();
      };
      const Intent& other = intents[i];
      if (i != phrase.intent && (std::any_of(other.examples.begin(), other.examples.end(), contains) ||
                                 std::any_of(other.keywords.begin(), other.keywords.end(), contains)))
        ++others;
    }
    phrase.weight = 1.0 - 0.06 * std::min(others, 3);
  }
}

std::map<std::string, double> IntentMatcher::vector_of(const std::vector<std::string>& heard) const {
  auto vector = terms(heard);
  const double unseen = 1.0 + std::log(static_cast<double>(examples_.size() + 2));
  double sum = 0;
  for (auto& [term, weight] : vector) {
    const auto found = weights_.find(term);
    // A trigram that no example has says nothing; a word that none has says that something else is meant.
    weight *= found != weights_.end() ? found->second : (term[0] == 't' ? 0.0 : unseen);
    sum += weight * weight;
  }
  if (sum > 0) {
    for (auto& [term, weight] : vector)
      weight /= std::sqrt(sum);
  }
  return vector;
}

// 0.6 for the phrase alone in a long utterance up to 1 where it is all that was said.
double IntentMatcher::keyword_score(const Phrase& phrase, const std::vector<std::string>& heard,
                                    const std::vector<std::string>& stems) const {
  const std::size_t length = phrase.words.size();
  double best = 0;
  for (std::size_t at = 0; at + length <= heard.size(); ++at) {
    double quality = 1;
    for (std::size_t i = 0; i < length && quality > 0; ++i) {
      if (heard[at + i] == phrase.words[i] || stems[at + i] == phrase.stems[i]) continue;
      quality = language::sounds_like(heard[at + i], phrase.words[i]) ? quality * 0.9 : 0;
    }
    if (quality == 0) continue;
    bool negated = false;
    for (std::size_t back = 1; back <= 4 && back <= at; ++back) {
      // "No, forget it" is an answer and a wish; "there is no appointment" is a negation.
      const bool answer = at < 2 || language::is_one_of(heard[at - 2], {"actually", "oh", "well", "sorry",
                                                                        "um", "no", "but"});
      if (is_negation(heard[at - back]) || (back == 1 && heard[at - 1] == "no" && !answer)) negated = true;
      if (language::is_one_of(heard[at - back], {"but", "instead", "rather"})) break;
    }
    // A phrase with its own negation ("not sure", "no thanks") means what it says.
    if (negated && !std::any_of(phrase.words.begin(), phrase.words.end(), is_negation)) quality *= 0.4;
    std::size_t meaning = 0;
    for (std::size_t i = 0; i < heard.size(); ++i) {
      if ((i < at || i >= at + length) && !is_idle(heard[i])) ++meaning;
    }
    const double share = static_cast<double>(length) / static_cast<double>(length + meaning);
    best = std::max(best,
                    quality * (0.6 + 0.1 * std::min(1.0, static_cast<double>(length - 1) / 2) + 0.3 * share));
  }
  return best;
}

std::vector<Match> IntentMatcher::match(std::string_view text) const {
  const auto heard = language::words(text);
  const auto stems = stems_of(heard);
  std::vector<double> scores(names_.size(), 0.0);
  for (const Phrase& phrase : phrases_) {
    double& score = scores[phrase.intent];
    score = std::max(score, phrase.weight * keyword_score(phrase, heard, stems));
  }
  if (!examples_.empty()) {
    const auto vector = vector_of(heard);
    for (const Example& example : examples_) {
      double similarity = 0;
      bool shared = false; // a word with a meaning of its own
      for (const auto& [term, weight] : vector) {
        const auto found = example.vector.find(term);
        if (found == example.vector.end()) continue;
        similarity += weight * found->second;
        shared = shared || term[0] == 'w';
      }
      // "Saturday" alone is not "Are you open on Saturday?", nor "how are you?" "how much is it?".
      if (!shared && similarity < kSame) continue;
      scores[example.intent] = std::max(scores[example.intent], similarity);
    }
  }
  std::vector<Match> out;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (scores[i] >= kThreshold) out.push_back({names_[i], std::min(1.0, scores[i])});
  }
  std::stable_sort(out.begin(), out.end(), [](const Match& a, const Match& b) { return a.score > b.score; });
  return out;
}

} // namespace talky::flow
