#include "core/fifo.hpp"

#include <doctest/doctest.h>
#include <algorithm>
#include <cstdint>
#include <deque>
#include <memory>
#include <random>

using talky::Fifo;

TEST_CASE("fifo: as a deque, whatever is done to it") {
  for (std::uint32_t seed = 1; seed <= 20; ++seed) {
    std::mt19937 random(seed);
    Fifo<int> fifo;
    std::deque<int> expected;
    for (int i = 0; i < 3000; ++i) {
      const auto what = static_cast<std::uint32_t>(random() % 100);
      if (what < 52) {
        fifo.push_back(i);
        expected.push_back(i);
      } else if (what < 95 && !expected.empty()) {
        REQUIRE(fifo.front() == expected.front());
        REQUIRE(fifo.take_front() == expected.front());
        expected.pop_front();
      } else if (what < 98 && !expected.empty()) {
        fifo.pop_back();
        expected.pop_back();
      } else if (what == 99 && random() % 20 == 0) {
        fifo.clear();
        expected.clear();
      }
      REQUIRE(fifo.size() == expected.size());
      REQUIRE(fifo.empty() == expected.empty());
      REQUIRE(std::equal(fifo.begin(), fifo.end(), expected.begin(), expected.end()));
      REQUIRE(std::equal(fifo.rbegin(), fifo.rend(), expected.rbegin(), expected.rend()));
      if (expected.empty()) continue;
      REQUIRE(fifo.back() == expected.back());
      REQUIRE(fifo[expected.size() / 2] == expected[expected.size() / 2]);
    }
  }
}

TEST_CASE("fifo: what is popped is let go of at once, and room is made of it") {
  Fifo<std::shared_ptr<int>> fifo;
  const auto first = std::make_shared<int>(1);
  fifo.push_back(first);
  fifo.push_back(std::make_shared<int>(2));
  fifo.pop_front();
  CHECK(first.use_count() == 1);
  Fifo<int> long_lived;
  long_lived.push_back(0);
  for (int i = 1; i < 100'000; ++i) { // never empty
    long_lived.push_back(i);
    long_lived.pop_front();
  }
  CHECK(long_lived.size() == 1);
  CHECK(&*long_lived.end() - &*long_lived.begin() == 1);
}
