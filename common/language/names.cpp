#include "language/names.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "core/ascii.hpp"
#include "language/letters.hpp"
#include "language/numbers.hpp"
#include "language/words.hpp"

namespace talky::language {
namespace {

// Words as the recogniser wrote them, without punctuation at their ends.
std::vector<std::string> written(std::string_view text) {
  std::vector<std::string> out;
  std::string word;
  const auto flush = [&] {
    while (!word.empty() && (word.back() == '\'' || word.back() == '-'))
      word.pop_back();
    if (!word.empty()) out.push_back(std::exchange(word, {}));
    word.clear();
  };
  for (const char c : text) {
    const bool inner = (c == '\'' || c == '-') && !word.empty();
    if (ascii::is_alnum(c) || static_cast<unsigned char>(c) >= 0x80 || inner) {
      word += c;
    } else {
      flush();
    }
  }
  flush();
  return out;
}

std::string capitalised(std::string word) {
  const bool shouting = std::none_of(word.begin(), word.end(), [](char c) { return c >= 'a' && c <= 'z'; });
  if (shouting && word.size() > 1) word = ascii::lower(word);
  bool start = true;
  for (char& c : word) {
    if (start && c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    start = c == '-' || c == '\'';
  }
  // "O'brien" is O'Brien, but "Anna's" ends in a small letter.
  if (word.size() > 2 && word[word.size() - 2] == '\'') word.back() = ascii::to_lower(word.back());
  return word;
}

class NameFinder {
 public:
  NameFinder(std::string_view text, NameMode mode, const std::vector<std::string>& taken)
      : asked_(mode == NameMode::asked), corrected_(mode == NameMode::corrected), taken_(taken) {
    for (std::string& word : written(text)) {
      lower_.push_back(lower_of(word));
      written_.push_back(std::move(word));
    }
    join_letters();
  }

  std::string find() const {
    for (std::size_t i = 0; i < lower_.size(); ++i) {
      const std::size_t begin = behind_introduction(i);
      if (begin == 0) continue;
      if (begin < lower_.size() && (is_quality(lower_[begin]) || is_no_name(lower_[begin]))) continue;
      if (std::string name = from(begin); !name.empty()) return name;
    }
    for (std::size_t i = 1; i < lower_.size(); ++i) {
      if (!is_one_of(lower_[i], {"speaking", "calling"}) && !(lower_[i] == "here" && i + 1 == lower_.size()))
        continue;
      std::size_t begin = i;
      while (begin > 0 && i - begin < 3 && !stops(lower_[begin - 1]))
        --begin;
      if (begin < i && (is_quality(lower_[begin]) || is_no_name(lower_[begin]))) continue;
      if (std::string name = from(begin); begin < i && !name.empty()) return name;
    }
    if (!asked_) return {};
    std::size_t begin = 0;
    while (begin < lower_.size() &&
           (is_filler(lower_[begin]) ||
            is_one_of(lower_[begin],
                      {"yes",   "yeah",  "sure", "okay", "ok",    "well", "hi",     "hello", "so",    "it",
                       "is",    "its",   "im",   "the",  "name",  "of",   "course", "no",    "sorry", "oh",
                       "right", "thats", "that", "be",   "would", "will", "itll",   "by",    "under"})))
      ++begin;
    // A whole sentence is no name.
    for (std::size_t i = begin; i < lower_.size(); ++i) {
      if (is_no_name(lower_[i]) || (i == begin && is_quality(lower_[i]))) return {};
      // "Anna with a K", "Mary Jones, and I need it short": the name ends there.
      if (is_one_of(lower_[i], {"with", "without", "and", "but"}) && i > begin && i + 1 < lower_.size())
        break;
      if (stops(lower_[i]) && !is_one_of(lower_[i], {"please", "thanks", "thank", "you", "and"})) return {};
    }
    return from(begin);
  }

 private:
  static std::string lower_of(std::string_view word) {
    std::string out;
    for (const char c : word)
      if (c != '\'' && c != '-') out += ascii::to_lower(c);
    return out;
  }
  static bool stops(std::string_view word) {
    return is_filler(word) ||
           is_one_of(word,
                     {"and",     "from",      "please",  "i",           "but",     "thanks",     "thank",
                      "here",    "speaking",  "calling", "with",        "on",      "at",         "to",
                      "a",       "the",       "id",      "im",          "you",     "want",       "what",
                      "how",     "why",       "can",     "could",       "would",   "is",         "are",
                      "do",      "when",      "where",   "have",        "it",      "in",         "of",
                      "my",      "need",      "like",    "about",       "your",    "not",        "yes",
                      "no",      "that",      "this",    "for",         "so",      "just",       "right",
                      "there",   "going",     "am",      "looking",     "trying",  "because",    "sorry",
                      "help",    "dont",      "know",    "appointment", "wait",    "repeat",     "say",
                      "again",   "operator",  "hello",   "hi",          "hey",     "back",       "later",
                      "morning", "afternoon", "evening", "only",        "after",   "before",     "then",
                      "or",      "too",       "also",    "all",         "already", "tell",       "think",
                      "as",      "last",      "same",    "who",         "which",   "really",     "very",
                      "quite",   "rather",    "never",   "was",         "were",    "will",       "ill",
                      "ive",     "we",        "he",      "she",         "they",    "me",         "us",
                      "them",    "his",       "her",     "their",       "our",     "should",     "must",
                      "cant",    "cannot",    "wont",    "any",         "some",    "everything", "if",
                      "than",    "because",   "between", "until",       "be",      "youre",      "theres",
                      "were",    "dont",      "isnt",    "youve",       "got",     "get",        "actually",
                      "instead", "without",   "an"});
  }

  // What things and people are said to be: "this is urgent", "I'm busy", "it's terrible".
  static bool is_quality(std::string_view word) {
    if (is_one_of(word,
                  {"urgent",       "important",  "ridiculous", "terrible",     "useless",      "awful",
                   "great",        "nice",       "lovely",     "fine",         "good",         "bad",
                   "okay",         "ok",         "perfect",    "stupid",       "crazy",        "mad",
                   "insane",       "horrible",   "wrong",      "correct",      "true",         "false",
                   "late",         "early",      "busy",       "free",         "available",    "sick",
                   "ill",          "away",       "new",        "old",          "easy",         "hard",
                   "difficult",    "silly",      "boring",     "funny",        "possible",     "impossible",
                   "unbelievable", "outrageous", "nonsense",   "bullshit",     "shit",         "crap",
                   "rubbish",      "fucking",    "bloody",     "damn",         "hopeless",     "pointless",
                   "annoying",     "angry",      "happy",      "unhappy",      "disappointed", "upset",
                   "confused",     "lost",       "tired",      "hungry",       "hurry",        "interested",
                   "sure",         "unsure",     "serious",    "confidential", "personal",     "nothing",
                   "something",    "everything", "enough",     "better",       "worse",        "best",
                   "worst",        "more",       "less",       "much",         "too",          "so",
                   "such",         "none",       "up",         "over",         "done",         "finished",
                   "ready",        "here",       "still",      "now",          "today",        "tomorrow",
                   "always",       "again",      "actually",   "basically",    "especially",   "certainly",
                   "definitely",   "absolutely", "maybe",      "perhaps",      "probably",     "alone",
                   "outside",      "inside",     "deaf",       "blind",        "pregnant",     "allergic",
                   "disgusting",   "fantastic",  "brilliant",  "amazing",      "wonderful",    "cool",
                   "weird",        "strange",    "odd",        "fun",          "urgently",     "supposed",
                   "afraid",       "glad",       "kidding",    "joking",       "driving",      "hoping",
                   "wondering",    "asking",     "having",     "waiting",      "getting",      "being",
                   "doing",        "making",     "leaving",    "out",          "off",          "about",
                   "because",      "unable",     "able",       "allowed",      "worried",      "listening",
                   "freezing",     "starving",   "hanging",    "talking",      "booking",      "cancelling",
                   "canceling",    "running",    "standing",   "sitting",      "coming",       "thinking",
                   "complaining",  "emergency",  "joke",       "disgrace",     "shame",        "pity",
                   "problem",      "question",   "customer",   "client",       "person",       "man",
                   "woman",        "mother",     "father",     "mum",          "dad",          "regular",
                   "first",        "second",     "third",      "one"}))
      return true;
    return false;
  }
  // "my daughter Emily", "her husband George": whose name it is.
  static bool is_relation(std::string_view word) {
    return is_one_of(
        word,
        {"daughter", "son",         "husband",     "wife",          "mother",   "mum",       "mom",
         "father",   "dad",         "sister",      "brother",       "friend",   "boyfriend", "girlfriend",
         "partner",  "grandmother", "grandfather", "granddaughter", "grandson", "niece",     "nephew",
         "aunt",     "uncle",       "child",       "kid",           "boss",     "colleague", "neighbour",
         "neighbor", "cousin",      "fiance",      "fiancee",       "grandma",  "grandpa"});
  }
  // Small words inside names, which stay small: "van der Berg", "de la Cruz", "al Masri".
  static bool is_particle(std::string_view word) {
    return is_one_of(
        word, {"van", "der", "den",  "de",  "la", "las", "los", "le", "les", "du",  "des", "del", "della",
               "di",  "da",  "das",  "dos", "do", "von", "vom", "zu", "zur", "zum", "ter", "ten", "te",
               "bin", "ibn", "bint", "al",  "el", "ben", "y",   "e",  "af",  "av",  "san", "st"});
  }
  static bool is_title(std::string_view word) {
    return is_one_of(
        word, {"mister", "mr", "mrs", "missus", "miss", "ms", "doctor", "dr", "professor", "prof", "sir",
               "madam", "lady", "lord", "reverend", "father", "sister", "captain"});
  }

  // What people say when they are asked for their name, and do not tell it.
  static bool is_no_name(std::string_view word) {
    return is_one_of(
        word, {"time",    "day",      "date",           "name",      "service",   "number",       "none",
               "nothing", "whatever", "anyone",         "nobody",    "anything",  "thing",        "maybe",
               "hang",    "hold",     "second",         "moment",    "minute",    "make",         "change",
               "tell",    "secret",   "problem",        "phone",     "telephone", "email",        "agent",
               "human",   "person",   "representative", "operator",  "manager",   "receptionist", "somebody",
               "someone", "everyone", "mind",           "forget",    "leave",     "cancel",       "cancelled",
               "bye",     "goodbye",  "cheers",         "beard",     "colour",    "colouring",    "file",
               "record",  "system",   "moment",         "guess",     "matter",    "rather",       "prefer",
               "pardon",  "excuse",   "private",        "anonymous", "haircut",   "robot",        "idea"});
  }

  // Behind "my name is" and the like at `i`; 0 if there is none.
  std::size_t behind_introduction(std::size_t i) const {
    const auto at = [&](std::size_t k) {
      return k < lower_.size() ? std::string_view(lower_[k]) : std::string_view();
    };
    if (at(i) == "name" && at(i + 1) == "is") return i + 2;
    if (at(i) == "names") return i + 1;
    if (at(i) == "call" && at(i + 1) == "me") return i + 2;
    if (at(i) == "name" && at(i + 1) == "of") return i + 2;
    if (asked_ || i == 0) {
      // Recognisers write names large: "this is Anna", but "this is urgent".
      const bool small = std::none_of(written_.begin(), written_.end(),
                                      [](const std::string& w) { return w[0] >= 'A' && w[0] <= 'Z'; });
      const bool large = i + 2 < written_.size() && written_[i + 2][0] >= 'A' && written_[i + 2][0] <= 'Z';
      if (at(i) == "this" && at(i + 1) == "is" && (large || small)) return i + 2;
    }
    // "A haircut for Anna", "no, it's Marie": recognisers write names large.
    const auto is_large = [&](std::size_t k) {
      return k < written_.size() && written_[k][0] >= 'A' && written_[k][0] <= 'Z' && !is_no_name(lower_[k]);
    };
    if (!asked_ && i > 0 && at(i) == "for" && is_large(i + 1)) return i + 1;
    if (corrected_ && at(i) == "its" && is_large(i + 1)) return i + 1;
    if (corrected_ && at(i) == "it" && at(i + 1) == "is" && is_large(i + 2)) return i + 2;
    // "It's for my daughter Emily": hers is the name.
    if (asked_ || corrected_ || (i > 0 && at(i - 1) == "my")) {
      std::size_t behind = i + 1;
      if (is_one_of(at(behind), {"called", "named", "whose"})) ++behind;
      if (is_relation(at(i)) && i > 0 && is_one_of(at(i - 1), {"my", "our", "her", "his", "the"}) &&
          (is_large(behind) || (asked_ && behind > i + 1)))
        return behind;
    }
    if (!asked_) return 0;
    if (at(i) == "for" && is_one_of(at(i + 1), {"me", "my", "the", "a", "our"})) return 0;
    if (at(i) == "im" || at(i) == "its" || at(i) == "under" || at(i) == "for") return i + 1;
    if ((at(i) == "i" && at(i + 1) == "am") || (at(i) == "it" && at(i + 1) == "is")) return i + 2;
    return 0;
  }

  // A name that is spelled, "S M I T H", "S-M-I-T-H", "B as in Bravo, E, N" or "double L", is one word. It
  // stands for the word before it that sounds like it: "Brown, B R A U N".
  void join_letters() {
    const auto spelled_with_hyphens = [](const std::string& word) {
      for (std::size_t i = 0; i < word.size(); ++i)
        if ((word[i] == '-') != (i % 2 == 1)) return false;
      return word.size() >= 5;
    };
    for (std::size_t i = 0; i < lower_.size(); ++i) {
      std::string word;
      std::size_t end = i + 1;
      if (spelled_with_hyphens(written_[i])) {
        word = lower_[i];
      } else if (const auto spelled = spelled_at(lower_, i)) {
        word = spelled->letters;
        end = spelled->end;
      } else {
        continue;
      }
      std::size_t begin = i;
      if (is_one_of(i > 0 ? lower_[i - 1] : std::string_view(), {"spelled", "spelt", "thats", "spell"}))
        --begin;
      if (begin > 0 && !stops(lower_[begin - 1]) && alike(lower_[begin - 1], word)) --begin;
      const auto from = static_cast<std::ptrdiff_t>(begin);
      const auto to = static_cast<std::ptrdiff_t>(end);
      lower_.erase(lower_.begin() + from + 1, lower_.begin() + to);
      written_.erase(written_.begin() + from + 1, written_.begin() + to);
      lower_[begin] = word;
      written_[begin] = capitalised(word);
      i = begin;
    }
  }

  // May the one be how the other is spelled?
  static bool alike(std::string_view heard, std::string_view spelled) {
    if (heard.empty() || heard.size() < 2) return false;
    const std::size_t limit = std::max<std::size_t>(2, spelled.size() / 2);
    return heard == spelled || (heard[0] == spelled[0] && edit_distance(heard, spelled, limit) <= limit);
  }

  // Up to four words; a word that only spells one before it is left out.
  std::string from(std::size_t begin) const {
    std::vector<std::string> name;
    std::vector<std::string> lower;
    std::size_t count = 0; // of words that are neither titles nor particles
    for (std::size_t i = begin; i < lower_.size() && count < 4; ++i) {
      const bool inner = is_particle(lower_[i]) && i + 1 < lower_.size() && !stops(lower_[i + 1]) &&
                         (i > begin || lower_[i].size() > 1);
      if (!inner && (stops(lower_[i]) || in_taken(lower_[i]) || is_number(written_[i]) ||
                     (i > begin && is_no_name(lower_[i]))))
        break;
      if (!inner && !lower.empty() && name.size() > 1 && lower.front() == lower_[i]) {
        // "Bond, James Bond"
        lower.erase(lower.begin());
        name.erase(name.begin());
        --count;
      } else if (!inner && std::find(lower.begin(), lower.end(), lower_[i]) != lower.end()) {
        continue;
      }
      lower.push_back(lower_[i]);
      // Inside a name particles are small, unless they were written large on purpose.
      const bool small = inner && i > begin;
      name.push_back(small ? lower_[i] : capitalised(written_[i]));
      count += inner || is_title(lower_[i]) ? 0U : 1U;
    }
    if (count == 0) return {};
    std::string out = joined(name);
    if (const auto corrected =
            rewritten(out, {lower_.begin() + static_cast<std::ptrdiff_t>(begin), lower_.end()}))
      out = *corrected;
    return out;
  }

  static bool is_number(const std::string& word) {
    return std::any_of(word.begin(), word.end(), ascii::is_digit) || !find_numbers(words(word)).empty();
  }
  bool in_taken(const std::string& word) const {
    return std::find(taken_.begin(), taken_.end(), word) != taken_.end();
  }

  bool asked_;
  bool corrected_;
  const std::vector<std::string>& taken_;
  std::vector<std::string> lower_;
  std::vector<std::string> written_;
};

} // namespace

std::string find_name(std::string_view text, NameMode mode, const std::vector<std::string>& taken) {
  return NameFinder(text, mode, taken).find();
}

} // namespace talky::language
