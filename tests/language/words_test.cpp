#include "language/words.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace talky::language;

TEST_CASE("words") {
  using List = std::vector<std::string>;
  CHECK(words("Hello, I'd like 1,000 o'clock!") == List{"hello", "id", "like", "1000", "oclock"});
  CHECK(words("At 3:30 p.m. or 9am; twenty-one.") ==
        List{"at", "3:30", "pm", "or", "9", "am", "twenty", "one"});
  CHECK(words("It\xe2\x80\x99s caf\xc3\xa9") == List{"its", "caf\xc3\xa9"});
  CHECK(words("").empty());
  CHECK(words(" ,.!").empty());
}

TEST_CASE("words that recognisers spell with a hyphen are the words that callers say") {
  using List = std::vector<std::string>;
  CHECK(words("To-morrow, to-day or to-night?") == List{"tomorrow", "today", "or", "tonight"});
  CHECK(words("Good-by. Good-bye! Goodby") == List{"goodbye", "goodbye", "goodbye"});
  CHECK(words("half-past two, three-thirty, ten-to-days") ==
        List{"half", "past", "two", "three", "thirty", "ten", "to", "days"});
  CHECK(words("to-") == List{"to"});
}

TEST_CASE("stems and misheard words") {
  CHECK(stem("booking") == stem("book"));
  CHECK(stem("booked") == stem("books"));
  CHECK(stem("appointments") == stem("appointment"));
  CHECK(stem("cancelled") == stem("cancel"));
  CHECK(stem("cancelling") == stem("cancel"));
  CHECK(stem("changed") == stem("change"));
  CHECK(stem("prices") == stem("price"));
  CHECK(stem("opening") == stem("open"));
  CHECK(stem("bus") == "bus");
  CHECK(edit_distance("friday", "firday", 3) == 1);
  CHECK(edit_distance("kitten", "sitting", 5) == 3);
  CHECK(edit_distance("abc", "abcdefgh", 2) == 3);
  CHECK(sounds_like("appointment", "apointmint"));
  CHECK_FALSE(sounds_like("cut", "cup"));
}

TEST_CASE("signs of thinking, and ends that say that more must follow") {
  CHECK(has_words("um yes"));
  CHECK_FALSE(has_words("um, uh"));
  CHECK_FALSE(has_words(""));
  CHECK(trails_off("My name is"));
  CHECK(trails_off("I would like to book a haircut and"));
  CHECK(trails_off("tomorrow um"));
  CHECK(trails_off("well..."));
  CHECK_FALSE(trails_off("at 7 am"));
  CHECK_FALSE(trails_off("Good morning."));
  CHECK_FALSE(trails_off("I would like to book an appointment,"));
}
