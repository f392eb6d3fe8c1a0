#include "core/random.hpp"

#include <doctest/doctest.h>

#include <array>
#include <set>

using talky::Random;

TEST_CASE("the same seed gives the same numbers, another seed others") {
  Random a(7);
  Random b(7);
  Random c(8);
  bool differs = false;
  for (int i = 0; i < 100; ++i) {
    const auto value = a();
    CHECK(value == b());
    differs = differs || value != c();
  }
  CHECK(differs);
}

// RFC 8439, appendix A.1, test vector 1: key, nonce and counter are zero. The first 32 bytes are the next
// key.
TEST_CASE("the numbers are those of ChaCha20") {
  Random random(Random::Seed{});
  CHECK(random() == 0x8d4857517c5941da);
  Random next(Random::Seed{0x903df1a0ade0b876, 0x28bd8653e56a5d40, 0x1aed8da0b819d2bd, 0xc70d778bccef36a8});
  CHECK(random() == next());
  CHECK(random() == next());
}

TEST_CASE("below is fair and in range") {
  Random random(1);
  std::array<int, 10> counts{};
  for (int i = 0; i < 100'000; ++i)
    ++counts.at(random.below(10));
  for (const int count : counts)
    CHECK(count == doctest::Approx(10'000).epsilon(0.05));
}

TEST_CASE("tokens and UUIDs have their form") {
  Random random(3);
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i)
    seen.insert(random.token(12));
  CHECK(seen.size() == 1000);
  const std::string uuid = random.uuid();
  REQUIRE(uuid.size() == 36);
  CHECK(uuid[14] == '4');
  CHECK(std::string("89ab").find(uuid[19]) != std::string::npos);
}
