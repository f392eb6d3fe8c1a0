#include "language/answers.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace talky::language;

TEST_CASE("yes and no") {
  for (const std::string yes :
       {"Yes.", "yeah", "yep, that's right", "Sure!", "that is correct", "uh huh", "of course", "sounds good",
        "no problem", "why not", "okay", "Yes please.", "exactly", "absolutely", "not bad", "I do", "fine",
        "yes, no problem", "that's not wrong"}) {
    CAPTURE(yes);
    CHECK(yes_or_no(yes) == true);
  }
  for (const std::string no :
       {"No.", "nope", "no thanks", "not really", "that's wrong", "that's not right", "I don't think so",
        "no, that's not correct", "not quite", "never", "that isn't right", "of course not", "no it's wrong",
        "no, Friday please", "that's all"}) {
    CAPTURE(no);
    CHECK(yes_or_no(no) == false);
  }
  for (const std::string neither : {"maybe", "Friday", "", "can you help me please with my hair", "I know"}) {
    CAPTURE(neither);
    CHECK_FALSE(yes_or_no(neither).has_value());
  }
}
