// JSON for people and for programs: numbers as one would write them, whatever comes in reads back the same.
#include "json/json.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <random>
#include <string>

namespace json = talky::json;

TEST_CASE("numbers are written as people write them") {
  CHECK(json::compact(7.0) == "7");
  CHECK(json::compact(4.41) == "4.41");
  CHECK(json::compact(-0.001) == "-0.001");
  CHECK(json::compact(0.1 + 0.2) == "0.30000000000000004");
  CHECK(json::compact(std::numeric_limits<std::uint64_t>::max()) == "18446744073709551615");
  CHECK(json::compact(std::numeric_limits<double>::infinity()) == "null");
  CHECK(json::compact(std::numeric_limits<double>::quiet_NaN()) == "null");
}

TEST_CASE("one line without a needless byte, or a member a line down to a level") {
  const json::value value = json::parse(R"({ "a": [1, {"b": 2.5}, []], "c\n": {}, "d": null, "e": true })");
  CHECK(json::compact(value) == R"({"a":[1,{"b":2.5},[]],"c\n":{},"d":null,"e":true})");
  CHECK(json::pretty(value, 0) == "{\"a\": [1, {\"b\": 2.5}, []], \"c\\n\": {}, \"d\": null, \"e\": true}\n");
  CHECK(json::pretty(value, 1) ==
        "{\n  \"a\": [1, {\"b\": 2.5}, []],\n  \"c\\n\": {},\n  \"d\": null,\n  \"e\": true\n}\n");
  CHECK(json::pretty(value, 2) ==
        "{\n  \"a\": [\n    1,\n    {\"b\": 2.5},\n    []\n  ],\n  \"c\\n\": {},\n"
        "  \"d\": null,\n  \"e\": true\n}\n");
}

TEST_CASE("property: what is written reads back as the same value") {
  std::mt19937 random{1};
  const auto make = [&random](auto&& self, int depth) -> json::value {
    switch (std::uniform_int_distribution{0, depth > 0 ? 6 : 4}(random)) {
      case 0: return nullptr;
      case 1: return std::uniform_int_distribution{0, 1}(random) == 1;
      case 2:
        return std::uniform_int_distribution<std::int64_t>{-1'000'000'000'000, 1'000'000'000'000}(random);
      case 3:
        return std::uniform_int_distribution{-99, 99}(random) + 0.5; // Boost.JSON reads long ones inexactly
      case 4: {
        std::string text;
        while (std::uniform_int_distribution{0, 5}(random) > 0)
          text += static_cast<char>(std::uniform_int_distribution{1, 126}(random));
        return json::string(text);
      }
      case 5: {
        json::array list;
        while (std::uniform_int_distribution{0, 3}(random) > 0)
          list.push_back(self(self, depth - 1));
        return list;
      }
      default: {
        json::object object;
        while (std::uniform_int_distribution{0, 3}(random) > 0)
          object[std::to_string(random() % 100)] = self(self, depth - 1);
        return object;
      }
    }
  };
  for (int round = 0; round < 2000; ++round) {
    const json::value value = make(make, 4);
    CHECK(json::parse(json::compact(value)) == value);
    CHECK(json::parse(json::pretty(value, round % 5)) == value);
    const double number = std::uniform_real_distribution{-1e6, 1e6}(random);
    CHECK(std::stod(json::compact(number)) == number);
  }
}
