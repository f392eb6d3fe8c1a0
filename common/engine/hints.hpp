// From what a dialogue expects to what a recogniser is inclined to write.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "voice/expectation.hpp"

namespace talky::engine {

struct Hint {
  std::vector<std::string> phrases; // none: there is nothing to expect
  float bonus = 0.0F;               // for each token of a phrase, in natural logarithms
  bool closed = false;              // the answer is made of these phrases, and of nothing else
  // How much less probable than without the hint an answer with it may be: as a whole, and for each of its
  // tokens.
  double patience = 0.0;
  double patience_each = 0.0;
};

Hint hint_for(const voice::Expectation& expected);

// Is it a number that was said digit by digit, or what sounds so ("To, three, for, ate.")? At least half of
// the words are digits and none is anything else. Then digits were meant, whether they were asked for or not.
bool sounds_like_digits(std::string_view text);

} // namespace talky::engine
