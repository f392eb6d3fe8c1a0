#include "flow/expression.hpp"

#include <optional>
#include <utility>

#include "core/ascii.hpp"
#include "language/calendar.hpp"

namespace talky::flow {

struct Expression::Node {
  enum class Kind : std::uint8_t {
    name,
    text,
    weekday,
    negation,
    conjunction,
    disjunction,
    equal,
    unequal,
    less,
    less_equal,
    greater,
    greater_equal
  };
  Kind kind = Kind::text;
  std::string text;
  std::shared_ptr<const Node> left;
  std::shared_ptr<const Node> right;
};

namespace {

using Node = Expression::Node;
using NodePtr = std::shared_ptr<const Node>;

NodePtr make(Node::Kind kind, std::string text, NodePtr left = {}, NodePtr right = {}) {
  return std::make_shared<const Node>(Node{kind, std::move(text), std::move(left), std::move(right)});
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<NodePtr> whole() {
    auto node = disjunction();
    if (!node) return node;
    skip_space();
    if (at_ < text_.size()) return wrong("an operator or the end");
    return node;
  }

 private:
  Unexpected wrong(const char* what) const { return fail(Errc::malformed, at_, what); }

  void skip_space() {
    while (at_ < text_.size() && ascii::is_space(text_[at_]))
      ++at_;
  }
  bool take(std::string_view symbol) {
    skip_space();
    if (!text_.substr(at_).starts_with(symbol)) return false;
    at_ += symbol.size();
    return true;
  }
  std::string_view peek_word() {
    skip_space();
    std::size_t end = at_;
    while (end < text_.size() && (ascii::is_alnum(text_[end]) || text_[end] == '_'))
      ++end;
    return text_.substr(at_, end - at_);
  }
  bool take_word(std::string_view word) {
    if (peek_word() != word) return false;
    at_ += word.size();
    return true;
  }

  // "!", but not the beginning of "!=".
  bool take_exclamation() {
    skip_space();
    return !text_.substr(at_).starts_with("!=") && take("!");
  }

  Result<NodePtr> disjunction() {
    auto left = conjunction();
    while (left && (take_word("or") || take("||"))) {
      auto right = conjunction();
      if (!right) return right;
      left = make(Node::Kind::disjunction, {}, *left, *right);
    }
    return left;
  }
  Result<NodePtr> conjunction() {
    auto left = negation();
    while (left && (take_word("and") || take("&&"))) {
      auto right = negation();
      if (!right) return right;
      left = make(Node::Kind::conjunction, {}, *left, *right);
    }
    return left;
  }
  Result<NodePtr> negation() {
    if (++depth_ > Expression::kMaxDepth) return fail(Errc::too_large, at_, "a condition nested less deeply");
    Result<NodePtr> node;
    if (take_word("not") || take_exclamation()) {
      node = negation();
      if (node) node = make(Node::Kind::negation, {}, *node);
    } else {
      node = comparison();
    }
    --depth_;
    return node;
  }
  Result<NodePtr> comparison() {
    static constexpr std::pair<std::string_view, Node::Kind> kOperators[] = {
        {"==", Node::Kind::equal},         {"!=", Node::Kind::unequal}, {"<=", Node::Kind::less_equal},
        {">=", Node::Kind::greater_equal}, {"<", Node::Kind::less},     {">", Node::Kind::greater}};
    auto left = operand();
    if (!left) return left;
    for (const auto& [symbol, kind] : kOperators) {
      if (!take(symbol)) continue;
      auto right = operand();
      if (!right) return right;
      return make(kind, {}, *left, *right);
    }
    return left;
  }
  Result<NodePtr> operand() {
    if (take("(")) {
      auto node = disjunction();
      if (node && !take(")")) return wrong("a closing parenthesis");
      return node;
    }
    skip_space();
    if (at_ < text_.size() && (text_[at_] == '"' || text_[at_] == '\'')) {
      const std::size_t end = text_.find(text_[at_], at_ + 1);
      if (end == std::string_view::npos) return wrong("a closing quotation mark");
      auto node = make(Node::Kind::text, std::string(text_.substr(at_ + 1, end - at_ - 1)));
      at_ = end + 1;
      return node;
    }
    const std::string_view word = peek_word();
    if (word.empty() || word == "and" || word == "or")
      return wrong("a variable, a text in quotation marks or a number");
    const std::size_t begin = at_;
    at_ += word.size();
    if (ascii::is_digit(word[0])) {
      if (ascii::to_number<std::int64_t>(word)) return make(Node::Kind::text, std::string(word));
      at_ = begin;
      return wrong("a number, or a text in quotation marks");
    }
    if (!take("(")) return make(Node::Kind::name, std::string(word));
    if (word != "weekday") {
      at_ = begin;
      return wrong("weekday(...), the one function there is");
    }
    auto argument = operand();
    if (!argument) return argument;
    if (!take(")")) return wrong("a closing parenthesis");
    return make(Node::Kind::weekday, {}, *argument);
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
};

int compare(const std::string& a, const std::string& b) {
  const auto x = ascii::to_number<std::int64_t>(a);
  const auto y = ascii::to_number<std::int64_t>(b);
  if (x && y) return *x < *y ? -1 : (*x > *y ? 1 : 0);
  return a.compare(b);
}

std::string evaluate(const Node& node, const Expression::Lookup& lookup) {
  using Kind = Node::Kind;
  const auto truth = [](bool b) { return b ? std::string("yes") : std::string(); };
  const auto left = [&] { return evaluate(*node.left, lookup); };
  const auto right = [&] { return evaluate(*node.right, lookup); };
  switch (node.kind) {
    case Kind::name: return lookup(node.text);
    case Kind::text: return node.text;
    case Kind::weekday: {
      const auto date = language::date_from_iso(left());
      return date ? std::string(language::weekday_name(language::weekday(*date))) : std::string();
    }
    case Kind::negation: return truth(left().empty());
    case Kind::conjunction: return truth(!left().empty() && !right().empty());
    case Kind::disjunction: return truth(!left().empty() || !right().empty());
    case Kind::equal: return truth(compare(left(), right()) == 0);
    case Kind::unequal: return truth(compare(left(), right()) != 0);
    case Kind::less: return truth(compare(left(), right()) < 0);
    case Kind::less_equal: return truth(compare(left(), right()) <= 0);
    case Kind::greater: return truth(compare(left(), right()) > 0);
    case Kind::greater_equal: return truth(compare(left(), right()) >= 0);
  }
  return {};
}

void collect(const Node& node, std::vector<std::string>& names) {
  if (node.kind == Node::Kind::name) names.push_back(node.text);
  if (node.left) collect(*node.left, names);
  if (node.right) collect(*node.right, names);
}

} // namespace

Result<Expression> Expression::parse(std::string_view text) {
  auto root = Parser(text).whole();
  if (!root) return tl::unexpected(root.error());
  Expression expression;
  expression.root_ = std::move(*root);
  return expression;
}

std::string Expression::value(const Lookup& lookup) const {
  return root_ ? evaluate(*root_, lookup) : std::string();
}

std::vector<std::string> Expression::names() const {
  std::vector<std::string> out;
  if (root_) collect(*root_, out);
  return out;
}

} // namespace talky::flow
