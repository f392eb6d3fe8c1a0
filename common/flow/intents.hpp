// What a caller wants, from keywords and example sentences: stems, words misheard by a letter, negation, and
// similarity to the examples (TF-IDF over stems and letter trigrams). No model, no training: the flow's own
// words.
#pragma once
#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "language/words.hpp"

namespace talky::flow {

struct Intent {
  std::string name;
  std::vector<std::string> keywords; // words or phrases; one is enough
  std::vector<std::string> examples; // sentences that mean it
  std::size_t line = 0;
};

struct Match {
  std::string intent;
  double score = 0; // 0..1; a keyword gives 0.6 and more, the same sentence as an example 1
};

class IntentMatcher {
 public:
  static constexpr double kThreshold = 0.5;
  // An utterance that is nothing but this intent: "help", "goodbye then".
  static constexpr double kSure = 0.85;

  // `values` are what slots hold ("haircut"): in an example they stand for any value, and do not tell intents
  // apart.
  explicit IntentMatcher(const std::vector<Intent>& intents, const std::vector<std::string>& values = {});

  // All intents at or above the threshold, the best first; equal ones in the order of the flow.
  std::vector<Match> match(std::string_view text) const;

 private:
  struct Example {
    std::size_t intent;
    std::map<std::string, double> vector; // of length 1
  };
  struct Phrase {
    std::size_t intent;
    std::vector<std::string> words;
    std::vector<std::string> stems;
    double weight = 1; // less for what is said about other intents, too
  };

  std::map<std::string, double> terms(const std::vector<std::string>& heard) const;
  void weigh(const std::vector<Intent>& intents);
  double keyword_score(const Phrase& phrase, const std::vector<std::string>& heard,
                       const std::vector<std::string>& stems) const;
  std::map<std::string, double> vector_of(const std::vector<std::string>& heard) const;

  std::set<std::string> values_; // stems
  std::vector<std::string> names_;
  std::vector<Phrase> phrases_;
  std::vector<Example> examples_;
  std::map<std::string, double> weights_; // inverse document frequency
};

} // namespace talky::flow
