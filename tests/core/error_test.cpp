#include "core/error.hpp"

#include <doctest/doctest.h>

#include <cerrno>
#include <string_view>

using namespace talky;

TEST_CASE("an error says the system's reason where there is one, else what was expected") {
  const Error full = fail(Errc::io, 7, "room to write", ENOSPC).value();
  CHECK(full.system == ENOSPC);
  CHECK(full.offset == 7);
  CHECK(std::string_view(full.reason()) == "No space left on device");
  const Error broken = fail(Errc::malformed, 3, "a header").value();
  CHECK(broken.system == 0);
  CHECK(std::string_view(broken.reason()) == "a header");
  CHECK(std::string_view(system_text(99'999)) == "an unknown error");
  CHECK(sizeof(Error) == 3 * sizeof(void*));
}
