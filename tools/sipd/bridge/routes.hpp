// The table from dialled numbers to targets.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sipd/bridge/target.hpp"

namespace talky::sipd {

// Shell patterns over the whole text: '*' any text, '?' one character, '[0-9]' and '[!0-9]' one of a set,
// '\' takes the next character as it is.
bool matches(std::string_view pattern, std::string_view text);

class Routes {
 public:
  explicit Routes(Target standard) : standard_(std::move(standard)) {}

  // "PATTERN=TARGET". What is wrong with it, or nothing.
  std::optional<std::string> add(std::string_view text);

  // The first route in the order of the table whose pattern fits the dialled number; else the standard one.
  const Target& find(std::string_view number) const;
  // "100 -> echo, by route 2 of 3: 1??=echo"
  std::string explain(std::string_view number) const;

  // Every target that a call can reach.
  std::vector<const Target*> targets() const;

 private:
  struct Route {
    std::string text;
    std::string pattern;
    Target target;
  };
  const Route* match(std::string_view number) const;

  std::vector<Route> routes_;
  Target standard_;
};

} // namespace talky::sipd
