#include "language/sentences.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace talky::language;

TEST_CASE("sentences") {
  using List = std::vector<std::string>;
  CHECK(sentences("One. Two! Three? Four") == List{"One.", "Two!", "Three?", "Four"});
  CHECK(sentences("It is 3.5 km. Really...") == List{"It is 3.5 km.", "Really..."});
  CHECK(sentences("Dr. Smith comes at 3 p.m. on Monday. Good.") ==
        List{"Dr. Smith comes at 3 p.m. on Monday.", "Good."});
  CHECK(sentences("It opens at 9 a.m. We wait.") == List{"It opens at 9 a.m.", "We wait."});
  CHECK(sentences("J. Smith said \"No.\" Then he left.") == List{"J. Smith said \"No.\"", "Then he left."});
  CHECK(sentences("first line\nsecond line") == List{"first line", "second line"});
  CHECK(sentences("See example.com for more.") == List{"See example.com for more."});
  CHECK(sentences("The answer is no. Thank you.") == List{"The answer is no.", "Thank you."});
  CHECK(sentences(" . ! ").empty());
  CHECK(sentences("").empty());
}
