// Conditions of a flow: `service == "haircut" and not (weekday(date) == "Sunday" or time < "09:00")`. Values
// are texts; a text that is empty is false. Texts compare by their bytes, unless both are whole numbers.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"

namespace talky::flow {

class Expression {
 public:
  static constexpr std::size_t kMaxDepth = 32;
  using Lookup = std::function<std::string(std::string_view name)>;

  //   expression := or
  //   or         := and {("or" | "||") and}
  //   and        := not {("and" | "&&") not}
  //   not        := ("not" | "!") not | comparison
  //   comparison := value [("==" | "!=" | "<" | "<=" | ">" | ">=") value]
  //   value      := NAME | "weekday" "(" value ")" | TEXT | NUMBER | "(" or ")"
  // Error: the offset in the text. Limit: kMaxDepth of nesting.
  static Result<Expression> parse(std::string_view text);

  std::string value(const Lookup& lookup) const;
  bool holds(const Lookup& lookup) const { return !value(lookup).empty(); }
  // Names of variables in it.
  std::vector<std::string> names() const;

  struct Node;

 private:
  std::shared_ptr<const Node> root_;
};

} // namespace talky::flow
