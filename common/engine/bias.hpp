// What the decoder is inclined to write: phrases as a tree of tokens. While it decodes, every token that
// begins a phrase or goes on with one gets a bonus (shallow fusion). Nothing is forbidden: what is clearly
// something else is written as it is.
#pragma once
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "engine/tokens.hpp"

namespace talky::engine {

class Bias {
 public:
  // Phrases as they are written, each also with a capital; `bonus` in natural logarithms of probability. If
  // they are all that is expected (`closed`), an end or a point behind one of them is favoured as much: else
  // the bonus would say words twice.
  Bias(const Tokens& tokens, const std::vector<std::string>& phrases, float bonus, bool closed = false);

  // Where in the phrases the text so far is.
  class Walk {
   public:
    explicit Walk(const Bias& bias) : bias_(&bias) {}
    // Adds the bonus to the logits of the tokens that go on.
    void favour(std::span<float> logits) const;
    void take(Token token);

   private:
    const Bias* bias_;
    std::vector<std::size_t> open_; // nodes that were reached; the root always is
    bool behind_phrase_ = false;
  };

 private:
  struct Next {
    Token token;
    std::size_t node;
  };
  std::size_t child(std::size_t node, Token token) const; // 0: none
  void add(std::span<const Token> phrase);

  float bonus_;
  std::vector<Token> ends_;              // what may stand behind a phrase
  std::vector<bool> last_;               // of each node: a phrase ends in it
  std::vector<std::vector<Next>> nodes_; // 0 is the root
};

} // namespace talky::engine
