#include "language/spoken.hpp"

#include <doctest/doctest.h>

#include <array>

#include "core/random.hpp"

namespace talky::language {
namespace {

TEST_CASE("what people write in prompts, in words") {
  struct Case {
    const char* written;
    const char* words;
  };
  static constexpr std::array kCases = {
      Case{"It is 3:30 pm on March 5th, 2026.", "It is three thirty P M on March fifth, twenty twenty six."},
      Case{"Dr. Smith lives at 123 Main St. in town.",
           "Doctor Smith lives at one hundred twenty three Main Street in town."},
      Case{"St. Mary on Elm St.", "Saint Mary on Elm Street."},
      Case{"Call 555-0199 or +1 (555) 010-1234.",
           "Call five five five, zero one nine nine or plus one five five five zero one zero, one two three "
           "four."},
      Case{"That costs $12.50, i.e. 20% off.",
           "That costs twelve dollars and fifty cents, that is twenty percent off."},
      Case{"My e-mail is jo.doe@example.com, thanks.", "My e-mail is jo dot doe at example dot com, thanks."},
      Case{"at 10am or 5 p.m. on Mon. Jan. 3", "at ten A M or five P M on Monday January third"},
      Case{"1,234,567 items and 3.14 and 1/2",
           "one million two hundred thirty four thousand five hundred sixty seven items and three point one "
           "four and a half"},
      Case{"2026-11-22 at 14:05", "November twenty second, twenty twenty six at fourteen oh five"},
      Case{"12/24/2025", "December twenty fourth, twenty twenty five"},
      Case{"We're open Mon-Fri 9-17.", "we are open Monday to Friday nine to seventeen."},
      Case{"9:00-17:00", "nine to seventeen"},
      Case{"At 9:00.", "At nine o'clock."},
      Case{"Version 2.0.1 & more; e.g. the API.",
           "Version two point zero point one and more; for example the A P I."},
      Case{"the 21st and 2nd", "the twenty first and second"},
      Case{"I'll say: \"yes\" \u2014 don\u2019t\u2026", "I'll say: yes, don't."},
      Case{"\u00A35 or \u20AC7.20", "five pounds or seven euros and twenty cents"},
      Case{"Room 204, 0800, no. 5", "Room two zero four, zero eight zero zero, number five"},
      Case{"No. I mean 24/7.", "No. I mean twenty four seven."},
      Case{"Mr. X vs. Mrs. Y and Ms. Z", "Mister X versus Missus Y and Miz Z"},
      Case{"https://talky.example/abc", "talky dot example slash abc"},
      Case{"**Hello** _there_ \U0001F642 friend", "Hello there friend"},
      Case{"Ext. 4711, code 48213", "extension four seven one one, code four eight two one three"},
      Case{"in 1999 and in 2005", "in nineteen ninety nine and in two thousand five"},
      Case{"-5 to +7", "minus five to plus seven"},
      Case{"May I come in May?", "May I come in May?"},
      Case{"The sun and the sat.", "The sun and the sat."},
      Case{"+44 20 7946 0123 or 020 7946 0123.",
           "plus four four, two zero, seven nine four six, zero one two three or zero two zero, seven nine "
           "four "
           "six, zero one two three."},
      Case{"35 EUR, EUR 35, 12,50 EUR and \u20AC 7.",
           "thirty five euros, thirty five euros, twelve euros and fifty cents and seven euros."},
      Case{"20 \u00A3 or $ 5 or 3 CHF", "twenty pounds or five dollars or three francs"},
      Case{"about 5k, or 2.5k", "about five thousand, or two point five thousand"},
      Case{"12a Harbour Street, SW1A 1AA", "twelve A Harbour Street, S W one A one A A"},
      Case{"jo+desk@example.com or example.com/a?b=c",
           "jo plus desk at example dot com or example dot com slash a question mark b equals c"},
      Case{"24/12/2025, 24.12.2025",
           "December twenty fourth, twenty twenty five, December twenty fourth, twenty twenty five"},
      Case{"", ""},
      Case{" .,! \t\n", ""},
  };
  for (const Case& c : kCases) {
    CAPTURE(std::string(c.written));
    CHECK(spoken(c.written) == c.words);
  }
}

TEST_CASE("numbers in words") {
  CHECK(cardinal(0) == "zero");
  CHECK(cardinal(13) == "thirteen");
  CHECK(cardinal(40) == "forty");
  CHECK(cardinal(100) == "one hundred");
  CHECK(cardinal(999'999) == "nine hundred ninety nine thousand nine hundred ninety nine");
  CHECK(cardinal(1'000'000'000'000) == "one trillion");
  CHECK(cardinal(18'446'744'073'709'551'615ULL).starts_with("one eight four four"));
  CHECK(ordinal(1) == "first");
  CHECK(ordinal(12) == "twelfth");
  CHECK(ordinal(20) == "twentieth");
  CHECK(ordinal(53) == "fifty third");
  CHECK(ordinal(100) == "one hundredth");
  CHECK(year(1900) == "nineteen hundred");
  CHECK(year(1907) == "nineteen oh seven");
  CHECK(year(2000) == "two thousand");
  CHECK(year(2010) == "twenty ten");
  CHECK(digits("0-1x9") == "zero one nine");
}

TEST_CASE("any bytes become printable ASCII without ends of white space") {
  Random random(1);
  static constexpr std::string_view kPieces[] = {"12",
                                                 ":",
                                                 "30",
                                                 "-",
                                                 "/",
                                                 ".",
                                                 " ",
                                                 "a",
                                                 "Mon",
                                                 "$",
                                                 "%",
                                                 "@",
                                                 "+",
                                                 "#",
                                                 "\xE2\x82\xAC",
                                                 "\xFF",
                                                 "\xC3",
                                                 "(",
                                                 ")",
                                                 "st",
                                                 "\n",
                                                 "9999999999999999999999"};
  for (int round = 0; round < 5000; ++round) {
    std::string text;
    for (std::uint64_t left = random.below(12); left > 0; --left)
      text += kPieces[random.below(std::size(kPieces))];
    const std::string out = spoken(text);
    for (const char c : out)
      CHECK((c >= 0x20 && c < 0x7F));
    if (!out.empty()) CHECK((out.front() != ' ' && out.back() != ' '));
  }
}

} // namespace
} // namespace talky::language
