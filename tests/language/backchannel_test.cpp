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
