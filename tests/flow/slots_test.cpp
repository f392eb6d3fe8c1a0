#include "flow/slots.hpp"

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <vector>

using namespace talky::flow;

namespace {

constexpr talky::language::Date kMonday{2026, 11, 23};

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

TEST_CASE("values as recognisers spell them") {
  CHECK(filled("I would like a haircut to-morrow at three.") == "service=haircut date=2026-11-24 time=15:00");
  CHECK(filled("I would like a haircut on Tuesday at half-past two.") ==
        "service=haircut date=2026-11-24 time=14:30");
  CHECK(filled("A haircut to-day at three-thirty.") == "service=haircut date=2026-11-23 time=15:30");
  CHECK(filled("A hair-cut on the twenty-first at two-fifteen.") ==
        "service=haircut date=2026-12-21 time=14:15");
  CHECK(filled("A haircut on Friday at ten thirty A. M.") == "service=haircut date=2026-11-27 time=10:30");
  CHECK(filled("A haircut on December 3rd, at 12.") == "service=haircut date=2026-12-03 time=12:00");
}
