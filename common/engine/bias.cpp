#include "engine/bias.hpp"

#include <algorithm>
#include <utility>

namespace talky::engine {

Bias::Bias(const Tokens& tokens, const std::vector<std::string>& phrases, float bonus, bool closed)
    : bonus_(bonus), last_(1), nodes_(1) {
  if (closed) {
    ends_ = {Tokens::kEnd};
    for (const char* mark : {".", ","})
      if (const auto token = tokens.find(mark)) ends_.push_back(*token);
  }
  for (std::string phrase : phrases) {
    if (phrase.empty()) continue;
    add(tokens.encode(phrase));
    if (phrase.front() >= 'a' && phrase.front() <= 'z') {
      phrase.front() = static_cast<char>(phrase.front() - 'a' + 'A');
      add(tokens.encode(phrase));
    }
  }
}

std::size_t Bias::child(std::size_t node, Token token) const {
  for (const Next& next : nodes_[node])
    if (next.token == token) return next.node;
  return 0;
}

void Bias::add(std::span<const Token> phrase) {
  std::size_t node = 0;
  for (const Token token : phrase) {
    std::size_t next = child(node, token);
    if (next == 0) {
      next = nodes_.size();
      nodes_[node].push_back({token, next});
      nodes_.emplace_back();
      last_.push_back(false);
    }
    node = next;
  }
  last_[node] = true;
}

void Bias::Walk::favour(std::span<float> logits) const {
  std::vector<Token> done;
  const auto add = [&](std::size_t node) {
    for (const Next& next : bias_->nodes_[node]) {
      const auto at = static_cast<std::size_t>(next.token);
      if (at >= logits.size() || std::find(done.begin(), done.end(), next.token) != done.end()) continue;
      logits[at] += bias_->bonus_;
      done.push_back(next.token);
    }
  };
  add(0);
  for (const std::size_t node : open_)
    add(node);
  for (const Token end : bias_->ends_)
    if (behind_phrase_ && static_cast<std::size_t>(end) < logits.size())
      logits[static_cast<std::size_t>(end)] += bias_->bonus_;
}

void Bias::Walk::take(Token token) {
  std::vector<std::size_t> next;
  // A comma or a point behind a phrase ends it no less.
  bool behind =
      behind_phrase_ && std::find(bias_->ends_.begin(), bias_->ends_.end(), token) != bias_->ends_.end();
  const auto go_on = [&](std::size_t node) {
    const std::size_t to = bias_->child(node, token);
    if (to == 0) return;
    if (!bias_->nodes_[to].empty()) next.push_back(to);
    behind = behind || bias_->last_[to];
  };
  go_on(0);
  for (const std::size_t node : open_)
    go_on(node);
  open_ = std::move(next);
  behind_phrase_ = behind;
}

} // namespace talky::engine
