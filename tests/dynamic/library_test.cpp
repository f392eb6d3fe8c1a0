#include "dynamic/library.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <string_view>

using namespace talky;

namespace {

#define TALKY_MATH(symbol) symbol(cosine, cos) symbol(root, sqrt)
struct Math {
  TALKY_DYNAMIC_TABLE(TALKY_MATH)
};

} // namespace

// A function that libm does not have.
extern "C" int talky_no_such_function(int);
namespace {
#define TALKY_NOWHERE(symbol) symbol(nothing, talky_no_such_function)
struct Nowhere {
  TALKY_DYNAMIC_TABLE(TALKY_NOWHERE)
};
} // namespace

TEST_CASE("a table of functions is bound from the first library that is there") {
  const auto math =
      dynamic::load<Math>({"libtalky-none.so.1", "libm.so.6"}, "libm to be installed", "a newer libm");
  REQUIRE(math);
  CHECK(math->root(16.0) == 4.0);
}

TEST_CASE("a library that is not there, and one that lacks a function, are told apart") {
  const auto none = dynamic::load<Math>({"libtalky-none.so.1"}, "libnone to be installed", "a newer libnone");
  CHECK(none.error().code == Errc::not_found);
  CHECK(std::string_view(none.error().what) == "libnone to be installed");
  const auto old = dynamic::load<Nowhere>({"libm.so.6"}, "libm to be installed", "a newer libm");
  CHECK(old.error().code == Errc::unsupported);
  CHECK(std::string_view(old.error().what) == "a newer libm");
  CHECK(dynamic::Library::load("libtalky-none.so.1").error().find("libtalky-none.so.1") != std::string::npos);
}
