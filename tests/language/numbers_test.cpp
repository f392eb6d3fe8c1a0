#include "language/numbers.hpp"

#include <doctest/doctest.h>

#include <string>

#include "language/words.hpp"

using namespace talky::language;

namespace {

std::string number_in(std::string_view text) {
  const auto found = find_numbers(words(text));
  return found.empty() ? "" : std::to_string(found.back().value);
}

} // namespace

TEST_CASE("numbers") {
  CHECK(number_in("twenty-one") == "21");
  CHECK(number_in("a hundred and five people") == "105");
  CHECK(number_in("two thousand and twenty six") == "2026");
  CHECK(number_in("three hundred forty two thousand six hundred") == "342600");
  CHECK(number_in("one million") == "1000000");
  CHECK(number_in("a dozen") == "12");
  CHECK(number_in("the 23rd") == "23");
  CHECK(number_in("the thirty-first") == "31");
  CHECK(number_in("for 4 people") == "4");
  CHECK(number_in("nobody").empty());
  CHECK(find_digits(words("oh one double five, twenty three")) == "015523");
  CHECK(find_digits(words("It's 555-0122.")) == "5550122");
  CHECK(find_digits(words("triple seven one nought")) == "77710");
  for (const std::int64_t n :
       {0, 7, 10, 13, 20, 21, 99, 100, 105, 110, 999, 1000, 1001, 1234, 20'500, 999'999}) {
    CAPTURE(n);
    CHECK(number_in(cardinal_words(n)) == std::to_string(n));
  }
  for (std::int64_t n = 1; n < 100; ++n) {
    CAPTURE(n);
    const auto found = ordinal_at(words(ordinal_words(n)), 0);
    REQUIRE(found);
    CHECK(found->value == n);
  }
}
