#include "net/port_pool.hpp"

#include <doctest/doctest.h>

#include <set>

#include "net/entropy.hpp"

using namespace talky;
using namespace std::chrono_literals;
using net::PortPool;

TEST_CASE("ranges") {
  CHECK(PortPool::Range::parse("16384-32767")->pairs() == 8192);
  CHECK(PortPool::Range::parse("10-11")->pairs() == 1);
  CHECK(PortPool::Range::parse("9-13")->pairs() == 2);
  CHECK(PortPool::Range::parse("65534-65535")->pairs() == 1);
  for (const char* bad : {"", "5", "-", "11-12", "20-10", "0-100", "1-65536", "a-b", "10-10"})
    CHECK_FALSE(PortPool::Range::parse(bad));
}

TEST_CASE("every pair once, even, and rested before it comes again") {
  Random random(1);
  PortPool pool({101, 120}, 10s, random); // 102 104 ... 118: 120 has no neighbour
  const Time start{};
  std::set<int> taken;
  while (const auto port = pool.take(start)) {
    CHECK(*port % 2 == 0);
    CHECK(*port >= 102);
    CHECK(*port <= 118);
    CHECK(taken.insert(*port).second);
  }
  CHECK(taken.size() == 9);
  CHECK(pool.in_use() == 9);
  pool.give_back(104, start + 1s);
  pool.give_back(102, start + 2s);
  CHECK_FALSE(pool.take(start + 10s));
  CHECK(pool.take(start + 11s) == 104);
  CHECK_FALSE(pool.take(start + 11s));
  CHECK(pool.take(start + 12s) == 102);
}

TEST_CASE("loops share a range without overlap") {
  Random random(1);
  std::set<int> seen;
  std::size_t total = 0;
  for (std::size_t share = 0; share < 3; ++share) {
    PortPool pool({1000, 1099}, 1s, random, share, 3);
    total += pool.size();
    while (const auto port = pool.take(Time{}))
      CHECK(seen.insert(*port).second);
  }
  CHECK(total == 50);
  CHECK(seen.size() == 50);
}

TEST_CASE("entropy differs") {
  CHECK(net::entropy_seed() != net::entropy_seed());
  CHECK(net::entropy_hex(16).size() == 32);
  CHECK(net::entropy_hex(16) != net::entropy_hex(16));
}
