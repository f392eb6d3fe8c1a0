#include "language/backchannel.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace talky::language;

TEST_CASE("signs of listening, as recognisers write them") {
  for (const std::string sign : {"mm-hm",
                                 "Mm-hmm.",
                                 "mhm",
                                 "Mhm.",
                                 "M-hm.",
                                 "uh-huh",
                                 "Uh huh.",
                                 "um-hum",
                                 "okay",
                                 "Okay.",
                                 "ok",
                                 "OK.",
                                 "O.K.",
                                 "I see",
                                 "I see.",
                                 "i see",
                                 "Oh, I see.",
                                 "ah I see",
                                 "Okay, I see.",
                                 "Right, I see, okay.",
                                 "Yeah. Yeah.",
                                 "right",
                                 "Right.",
                                 "all right",
                                 "All right.",
                                 "alright",
                                 "yeah",
                                 "Yep.",
                                 "sure",
                                 "Sure.",
                                 "I understand.",
                                 "Got it.",
                                 "oh okay right",
                                 "Go on.",
                                 "um",
                                 ""}) {
    CAPTURE(sign);
    CHECK(only_backchannel(sign));
  }
}

TEST_CASE("whoever says something has said more than a sign of listening") {
  for (const std::string turn : {"okay stop", "I see a problem.", "I see him on Friday", "I", "see", "all",
                                 "all of it", "right now", "on the right", "sure about that", "got", "it",
                                 "I understand nothing", "go", "yes", "no", "okay bye", "see you"}) {
    CAPTURE(turn);
    CHECK_FALSE(only_backchannel(turn));
  }
}

TEST_CASE("signs of listening as recognisers misspell them, and in other languages") {
  for (const std::string sign :
       {"Mm-hmm.", "M-hm", "Mmm.", "Okey.", "O. K.", "I C.", "Icy.", "Write.", "All rite.", "Yah.", "Uh-huh.",
        "A-ha!", "Okay, sure.", "That makes sense.", "Exactly.", "Oh wow"}) {
    CAPTURE(sign);
    CHECK(only_backchannel(sign));
  }
  CHECK(only_backchannel("Ja, genau.", "de"));
  CHECK(only_backchannel("Ach so", "de-AT"));
  CHECK(only_backchannel("Je vois.", "fr"));
  CHECK(only_backchannel("Vale, claro", "es"));
  CHECK(only_backchannel("Ho capito", "it"));
  CHECK_FALSE(only_backchannel("genau", "en"));
}

TEST_CASE("what may still become a sign of listening, and what cannot") {
  for (const std::string text : {"", "I", "all", "okay I", "Oh, go", "that makes", "got", "Ri", "Yea"}) {
    CAPTURE(text);
    CHECK(begins_backchannel(text));
  }
  for (const std::string text : {"I want", "stop", "okay stop", "no", "wait", "the"}) {
    CAPTURE(text);
    CHECK_FALSE(begins_backchannel(text));
  }
}

TEST_CASE("yes and leave-taking") {
  CHECK(says_yes("Yes."));
  CHECK(says_yes("Oh yes, okay"));
  CHECK_FALSE(says_yes("okay"));
  CHECK_FALSE(says_yes("yes on Friday"));
  CHECK(takes_leave("Bye, thank you."));
  CHECK_FALSE(takes_leave("bye but one more question"));
}
