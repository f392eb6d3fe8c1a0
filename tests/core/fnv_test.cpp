#include "core/fnv.hpp"

#include <doctest/doctest.h>

using talky::Fnv1a;
using talky::fnv1a;

TEST_CASE("the vectors of draft-eastlake-fnv, appendix C") {
  CHECK(fnv1a("") == 0xcbf29ce484222325U);
  CHECK(fnv1a("a") == 0xaf63dc4c8601ec8cU);
  CHECK(fnv1a("foobar") == 0x85944171f73967e8U);
}

TEST_CASE("piece by piece is the same as at once, and of a byte the lowest eight bits count") {
  Fnv1a hash;
  hash.text("foo");
  hash.byte('b' | 0x100U);
  hash.text("ar");
  CHECK(hash.value() == fnv1a("foobar"));
  Fnv1a other(1);
  other.text("foobar");
  CHECK(other.value() != hash.value());
}
