// Callers who order a haircut, as recognisers write them: the corpus of tests/language.
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "chat.hpp"
#include "language/calendar.hpp"

using namespace talky;
using namespace talky::flow::test;

namespace {

// Says back what it has: what a conversation ends in, without the words of the shipped flow.
const std::string kBooks = R"(flow: books
start: order
slots:
  date: {type: date, anywhere: true}
  time: {type: time, anywhere: true, from: "08:00", to: "19:59"}
  service: {type: choice, anywhere: true, choices: {haircut: [cut]}}
states:
  order:
    say: What would you like?
    on:
      - {slot: [service], go: done}
  done:
    say: "{service}, {date}, {time}."
    hangup: done
)";

} // namespace

TEST_CASE("an order is booked as it was said, however it is spelled") {
  std::ifstream file(TALKY_SPELLINGS);
  const language::Date today{2026, 11, 30};
  int orders = 0;
  for (std::string line; std::getline(file, line);) {
    std::vector<std::string> row;
    std::stringstream in(line);
    for (std::string field; std::getline(in, field, '\t');)
      row.push_back(field);
    if (line.empty() || line[0] == '#' || row.size() != 5 || row[3] == "-") continue;
    CAPTURE(row[0]);
    Chat chat(kBooks, 1, {2026, 11, 30, 10, 15});
    chat.say(row[0]);
    const auto date = language::date_from_iso(row[3]);
    const auto time = language::time_from_iso(row[4]);
    REQUIRE(date);
    REQUIRE(time);
    CHECK(chat.last.text ==
          "haircut, " + language::spoken(*date, today) + ", " + language::spoken(*time) + ".");
    ++orders;
  }
  CHECK(orders > 30);
}

TEST_CASE("the same spellings through the shipped flow") {
  Chat chat(front_desk(), 1, {2026, 11, 30, 10, 15});
  chat.say("I would like a hair-cut to-morrow at 1030.");
  CHECK(chat.last.state == "ask_name");
  chat.say("Anna Smith.");
  CHECK(chat.heard("haircut, tomorrow, Tuesday, December first, at ten thirty in the morning"));
  chat.say("Good-by.");
  CHECK(chat.hangs_up());
}
