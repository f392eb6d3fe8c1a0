// Both ends are tested with the same spellings: tests/flow books by them.
#include "language/spelling.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace talky::language {
namespace {

std::vector<std::vector<std::string>> rows() {
  std::ifstream file(TALKY_SPELLINGS);
  std::vector<std::vector<std::string>> out;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::vector<std::string> fields;
    std::stringstream in(line);
    for (std::string field; std::getline(in, field, '\t');)
      fields.push_back(field);
    REQUIRE(fields.size() == 5);
    out.push_back(fields);
  }
  REQUIRE(out.size() > 50);
  return out;
}

Reading reading(const std::string& asked) {
  Reading out;
  if (asked == "digits") out.asked = Reading::Asked::digits;
  if (asked == "time") out.asked = Reading::Asked::time;
  if (asked == "date") out.asked = Reading::Asked::date;
  return out;
}

TEST_CASE("what recognisers write has one spelling, and keeps it") {
  for (const auto& row : rows()) {
    CAPTURE(row[0]);
    const std::string once = normalised(row[0], reading(row[1]));
    CHECK(once == row[2]);
    CHECK(normalised(once, reading(row[1])) == once);
  }
}

TEST_CASE("the order of day and month is the country's, where both give a date") {
  Reading british;
  british.date_order = Reading::DateOrder::day_first;
  CHECK(normalised("on 4/12 at two", british) == "on December 4 at two");
  CHECK(normalised("on 4/12 at two") == "on April 12 at two");
  CHECK(normalised("on 12/15 at two", british) == "on December 15 at two");
  CHECK(normalised("on 31/31", british) == "on 31/31");
}

TEST_CASE("any text is taken") {
  CHECK(normalised("").empty());
  CHECK(normalised(" .,! ") == " .,! ");
  CHECK(normalised("\xe2\x80\x99\xff\xc2\xbd-") == "\xe2\x80\x99\xff\xc2\xbd-");
  CHECK(normalised("'''") == "'''");
  std::string digits;
  for (int i = 0; i < 500; ++i)
    digits += std::to_string(i * 7919) + (i % 3 == 0 ? "/" : i % 3 == 1 ? " " : "-");
  CHECK(normalised(digits).size() >= digits.size());
}

} // namespace
} // namespace talky::language
