#include "language/calendar.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "language/words.hpp"

using namespace talky::language;

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

} // namespace

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
