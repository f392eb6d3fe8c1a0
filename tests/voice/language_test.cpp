// Words, numbers, dates, times, yes and no: English as recognisers write it.
#include <doctest/doctest.h>

#include "flow/intents.hpp"
#include "flow/slots.hpp"
#include "language/calendar.hpp"
#include "language/numbers.hpp"
#include "language/words.hpp"

using namespace talky::voice;

namespace {

constexpr Date kMonday{2026, 11, 23};

std::string date_in(std::string_view text, const Date& today = kMonday) {
  const auto found = find_dates(words(text), today);
  return found.empty() ? "" : to_iso(found.back().value);
}

std::string time_in(std::string_view text, bool asked = false) {
  const auto list = words(text);
  const auto found = find_times(list, asked, Hours{}, std::vector<bool>(list.size()));
  return found.empty() ? "" : to_iso(found.back().value);
}

std::string number_in(std::string_view text) {
  const auto found = find_numbers(words(text));
  return found.empty() ? "" : std::to_string(found.back().value);
}

} // namespace

TEST_CASE("words") {
  using List = std::vector<std::string>;
  CHECK(words("Hello, I'd like 1,000 o'clock!") == List{"hello", "id", "like", "1000", "oclock"});
  CHECK(words("At 3:30 p.m. or 9am; twenty-one.") ==
        List{"at", "3:30", "pm", "or", "9", "am", "twenty", "one"});
  CHECK(words("It\xe2\x80\x99s caf\xc3\xa9") == List{"its", "caf\xc3\xa9"});
  CHECK(words("").empty());
  CHECK(words(" ,.!").empty());
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

TEST_CASE("signs of thinking and of listening") {
  CHECK(has_words("um yes"));
  CHECK_FALSE(has_words("um, uh"));
  CHECK_FALSE(has_words(""));
  CHECK(only_backchannel("Mhm."));
  CHECK(only_backchannel("oh okay right"));
  CHECK_FALSE(only_backchannel("okay stop"));
  CHECK(trails_off("My name is"));
  CHECK(trails_off("I would like to book a haircut and"));
  CHECK(trails_off("tomorrow um"));
  CHECK(trails_off("well..."));
  CHECK_FALSE(trails_off("at 7 am"));
  CHECK_FALSE(trails_off("Good morning."));
  CHECK_FALSE(trails_off("I would like to book an appointment,"));
}

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

TEST_CASE("the calendar") {
  CHECK(weekday({2026, 11, 23}) == 0);
  CHECK(weekday({2024, 2, 29}) == 3);
  CHECK(weekday({1969, 12, 31}) == 2);
  CHECK(valid({2024, 2, 29}));
  CHECK_FALSE(valid({2026, 2, 29}));
  CHECK_FALSE(valid({2026, 13, 1}));
  CHECK(add_days({2026, 12, 31}, 1) == Date{2027, 1, 1});
  CHECK(add_days({2024, 2, 28}, 1) == Date{2024, 2, 29});
  CHECK(date_from_iso("2026-11-27") == Date{2026, 11, 27});
  CHECK_FALSE(date_from_iso("2026-02-30"));
  CHECK_FALSE(date_from_iso("20261127"));
  CHECK(time_from_iso("15:30") == TimeOfDay{15, 30});
  CHECK_FALSE(time_from_iso("24:00"));
}

TEST_CASE("dates, said on Monday, the 23rd of November 2026") {
  CHECK(date_in("today") == "2026-11-23");
  CHECK(date_in("Tomorrow at three, please.") == "2026-11-24");
  CHECK(date_in("the day after tomorrow") == "2026-11-25");
  CHECK(date_in("on Friday") == "2026-11-27");
  CHECK(date_in("this Friday") == "2026-11-27");
  CHECK(date_in("next Friday at half past three") == "2026-12-04");
  CHECK(date_in("Friday next week") == "2026-12-04");
  CHECK(date_in("next week on Tuesday") == "2026-12-01");
  CHECK(date_in("Friday week") == "2026-12-04");
  CHECK(date_in("on Monday") == "2026-11-30"); // today is not meant
  CHECK(date_in("this Monday") == "2026-11-23");
  CHECK(date_in("in three days") == "2026-11-26");
  CHECK(date_in("in a week") == "2026-11-30");
  CHECK(date_in("two weeks from now") == "2026-12-07");
  CHECK(date_in("in two weeks' time") == "2026-12-07");
  CHECK(date_in("a week from Wednesday") == "2026-12-02");
  CHECK(date_in("a week from tomorrow") == "2026-12-01");
  CHECK(date_in("the 27th") == "2026-11-27");
  CHECK(date_in("on the third") == "2026-12-03");
  CHECK(date_in("the thirty-first") == "2026-12-31");
  CHECK(date_in("November 27th") == "2026-11-27");
  CHECK(date_in("november the twenty-seventh") == "2026-11-27");
  CHECK(date_in("the 27th of November") == "2026-11-27");
  CHECK(date_in("the second of January") == "2027-01-02");
  CHECK(date_in("3 March 2027") == "2027-03-03");
  CHECK(date_in("May 5") == "2027-05-05");
  CHECK(date_in("2026-12-24") == "2026-12-24");
  CHECK(date_in("Thursday, no, Friday") == "2026-11-27");
  CHECK(date_in("not Thursday, Friday") == "2026-11-27");
  CHECK(date_in("Friday, not Thursday") == "2026-11-27");
  CHECK(date_in("Friday instead of Thursday") == "2026-11-27");
  // No dates.
  CHECK(date_in("may I ask something").empty());
  CHECK(date_in("wait a second").empty());
  CHECK(date_in("the first available appointment").empty());
  CHECK(date_in("the 31st of February").empty());
  CHECK(date_in("two people").empty());
  CHECK(date_in("I sat down in the sun").empty());
}

TEST_CASE("dates near the end of a week, a month and a year") {
  CHECK(date_in("next Monday", {2026, 11, 22}) == "2026-11-23"); // said on a Sunday
  CHECK(date_in("next Friday", {2026, 11, 27}) == "2026-12-04");
  CHECK(date_in("tomorrow", {2026, 12, 31}) == "2027-01-01");
  CHECK(date_in("the 30th", {2027, 2, 5}) == "2027-03-30");
  CHECK(date_in("February 29th", {2027, 1, 5}).empty()); // there is none in 2027
  CHECK(date_in("February 29th", {2028, 1, 5}) == "2028-02-29");
}

TEST_CASE("times") {
  CHECK(time_in("half past three") == "15:30");
  CHECK(time_in("half past ten") == "10:30");
  CHECK(time_in("quarter to five") == "16:45");
  CHECK(time_in("a quarter past nine") == "09:15");
  CHECK(time_in("ten to nine") == "08:50");
  CHECK(time_in("twenty minutes past two") == "14:20");
  CHECK(time_in("half three") == "15:30");
  CHECK(time_in("at three thirty") == "15:30");
  CHECK(time_in("at nine oh five") == "09:05");
  CHECK(time_in("3:30 pm") == "15:30");
  CHECK(time_in("9:15") == "09:15");
  CHECK(time_in("15:30") == "15:30");
  CHECK(time_in("fifteen thirty", true) == "15:30");
  CHECK(time_in("at ten") == "10:00");
  CHECK(time_in("four o'clock") == "16:00");
  CHECK(time_in("9am") == "09:00");
  CHECK(time_in("7 a.m.") == "07:00");
  CHECK(time_in("seven in the morning") == "07:00");
  CHECK(time_in("seven in the evening") == "19:00");
  CHECK(time_in("at seven tonight") == "19:00");
  CHECK(time_in("12 am") == "00:00");
  CHECK(time_in("twelve pm") == "12:00");
  CHECK(time_in("noon") == "12:00");
  CHECK(time_in("midnight") == "00:00");
  CHECK(time_in("three", true) == "15:00");
  CHECK(time_in("not at three, at four") == "16:00");
  CHECK(time_in("three").empty()); // could be anything
  CHECK(time_in("for three people").empty());
  CHECK(time_in("at 25", true).empty());
  CHECK(time_in("9:75").empty());
}

TEST_CASE("dates and times as they are said") {
  CHECK(spoken(Date{2026, 11, 24}, kMonday) == "tomorrow, Tuesday, November twenty-fourth");
  CHECK(spoken(Date{2026, 12, 4}, kMonday) == "Friday, December fourth");
  CHECK(spoken(Date{2027, 11, 4}, kMonday) == "Thursday, November fourth, 2027");
  CHECK(spoken(TimeOfDay{9, 0}) == "nine in the morning");
  CHECK(spoken(TimeOfDay{15, 30}) == "three thirty in the afternoon");
  CHECK(spoken(TimeOfDay{12, 0}) == "noon");
  CHECK(spoken(TimeOfDay{19, 5}) == "seven oh five in the evening");
  // What we say is what we would understand.
  for (int hour = 0; hour < 24; ++hour) {
    for (int minute = 0; minute < 60; minute += 5) {
      const TimeOfDay time{hour, minute};
      CAPTURE(spoken(time));
      CHECK(time_in(spoken(time), true) == to_iso(time));
    }
  }
  for (int days = 0; days < 170; ++days) {
    const Date date = add_days(kMonday, days);
    CAPTURE(spoken(date, kMonday));
    CHECK(date_in(spoken(date, kMonday)) == to_iso(date));
  }
}

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

TEST_CASE("intents: keywords, examples, misheard words, negation") {
  const IntentMatcher matcher({
      {"book",
       {"appointment", "book"},
       {"I would like to make an appointment", "Do you have anything free tomorrow?"},
       0},
      {"cancel", {"cancel", "call off"}, {"I can't come to my appointment"}, 0},
      {"hours", {"opening hours", "open"}, {"When are you open?", "How late can I come by?"}, 0},
      {"goodbye", {"goodbye", "bye"}, {}, 0},
  });
  const auto best = [&](std::string_view text) {
    const auto found = matcher.match(text);
    return found.empty() ? std::string() : found[0].intent;
  };
  CHECK(best("Hi, I'd like to book something.") == "book");
  CHECK(best("I want to make an apointmint please") == "book");
  CHECK(best("Is anything free tomorrow?") == "book");
  CHECK(best("I need to cancel my appointment") == "cancel");
  CHECK(best("Let's call it off, I'm cancelling") == "cancel");
  CHECK(best("what are your opening hours") == "hours");
  CHECK(best("how late can I come") == "hours");
  CHECK(best("Good bye") == "goodbye");
  CHECK(best("goodbye then") == "goodbye");
  CHECK(best("I don't want to book anything, just the opening hours") == "hours");
  CHECK(best("the weather is nice").empty());
  CHECK(best("").empty());
  CHECK(matcher.match("Goodbye.").at(0).score >= IntentMatcher::kSure);
  CHECK(matcher.match("I would like to make an appointment").at(0).score >= 0.99);
  CHECK(matcher.match("well I met a friend who said goodbye to his old job").at(0).score <
        IntentMatcher::kSure);
}

namespace {

std::vector<Slot> some_slots() {
  std::vector<Slot> slots(7);
  slots[0] = {"service",
              Slot::Type::choice,
              {{"haircut", {"hair cut", "trim"}}, {"beard trim", {"beard"}}},
              {},
              0,
              0,
              0,
              true,
              0};
  slots[1].name = "date";
  slots[1].type = Slot::Type::date;
  slots[1].anywhere = true;
  slots[2].name = "time";
  slots[2].type = Slot::Type::time;
  slots[2].anywhere = true;
  slots[3].name = "name";
  slots[3].type = Slot::Type::name;
  slots[3].anywhere = true;
  slots[4].name = "phone";
  slots[4].type = Slot::Type::digits;
  slots[5].name = "people";
  slots[5].type = Slot::Type::number;
  slots[5].min = 1;
  slots[5].max = 20;
  slots[6].name = "note";
  slots[6].type = Slot::Type::text;
  return slots;
}

// "service=haircut date=2026-11-24", in the order of the slots
std::string filled(std::string_view text, std::optional<std::size_t> asked = std::nullopt) {
  const auto slots = some_slots();
  const auto found = find_values(slots, asked, text, kMonday);
  std::string out;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    for (const Filled& f : found) {
      if (f.slot == i) out += (out.empty() ? "" : " ") + slots[i].name + '=' + f.value;
    }
  }
  return out;
}

} // namespace

TEST_CASE("several values in one utterance") {
  CHECK(filled("I'd like a haircut tomorrow at three") == "service=haircut date=2026-11-24 time=15:00");
  CHECK(filled("A trim on the third at three, my name is Anna") ==
        "service=haircut date=2026-12-03 time=15:00 name=Anna");
  CHECK(filled("a beard trim") == "service=beard trim"); // the longer phrase wins
  CHECK(filled("not a haircut, a beard trim") == "service=beard trim");
  CHECK(filled("Friday at four, no, at five") == "date=2026-11-27 time=17:00");
  CHECK(filled("nothing at all").empty());
}

TEST_CASE("of alternatives the first counts, of corrections the last") {
  CHECK(filled("a haircut tomorrow or Wednesday") == "service=haircut date=2026-11-24");
  CHECK(filled("Thursday, or maybe on Friday, or even Saturday") == "date=2026-11-26");
  CHECK(filled("tomorrow at three or at four") == "date=2026-11-24 time=15:00");
  CHECK(filled("either Thursday morning or Friday") == "date=2026-11-26");
  CHECK(filled("Thursday or no, Friday") == "date=2026-11-27");
  CHECK(filled("Thursday, or rather Friday") == "date=2026-11-27");
  CHECK(filled("Thursday or actually better Friday") == "date=2026-11-27");
  CHECK(filled("Wednesday, no, tomorrow or Thursday") == "date=2026-11-24");
  CHECK(filled("tomorrow or Wednesday, no, Friday") == "date=2026-11-27");
  CHECK(filled("not tomorrow or Wednesday") != "date=2026-11-24");
}

TEST_CASE("names") {
  CHECK(filled("Anna Smith", 3) == "name=Anna Smith");
  CHECK(filled("It's anna.", 3) == "name=Anna");
  CHECK(filled("My name is Peter O'Brien, thanks", 3) == "name=Peter O'Brien");
  CHECK(filled("um, yes, it's Jean-Luc", 3) == "name=Jean-Luc");
  CHECK(filled("This is McDonald speaking", 3) == "name=McDonald");
  CHECK(filled("Smith, S M I T H", 3) == "name=Smith");
  CHECK(filled("Mary, K L E I N", 3) == "name=Mary Klein");
  CHECK(filled("Mary Klein, K-L-E-I-N", 3) == "name=Mary Klein");
  CHECK(filled("Anna's fine", 3) != "");
  CHECK(filled("My name is Anna and I need help") == "name=Anna");
  CHECK(filled("Hello, Anna Smith speaking") == "name=Anna Smith");
  CHECK(filled("Can somebody call me back?").empty());
  CHECK(filled("What do you want to know?", 3).empty());
  CHECK(filled("I don't know", 3).empty());
  CHECK(filled("a haircut", 3) == "service=haircut");
}

TEST_CASE("digits and numbers when they are asked for") {
  CHECK(filled("five five five, oh one double two", 4) == "phone=5550122");
  CHECK(filled("for four people", 5) == "people=4");
  CHECK(filled("four people at seven", 5) == "time=19:00 people=4");
  CHECK(filled("a hundred", 5).empty()); // out of range
  CHECK(filled("tell them I am late", 6) == "note=tell them I am late");
}
