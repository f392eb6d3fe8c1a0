#include "core/base64.hpp"

#include <doctest/doctest.h>

#include "core/random.hpp"

using namespace talky;

namespace {

std::string encoded(std::string_view text) {
  std::string out;
  base64::encode(as_bytes(text), out);
  return out;
}

} // namespace

TEST_CASE("the vectors of RFC 4648") {
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (const auto& [text, base] : vectors) {
    CHECK(encoded(text) == base);
    std::vector<std::byte> back;
    REQUIRE(base64::decode(base, back));
    CHECK(as_text(back) == text);
  }
}

TEST_CASE("as people write it: without padding, and in the other alphabet") {
  std::vector<std::byte> strict, loose;
  REQUIRE(base64::decode("+/+/Zm8=", strict));
  REQUIRE(base64::decode_loosely("-_-_Zm8", loose));
  CHECK(loose == strict);
  REQUIRE(base64::decode_loosely("Zm9", loose)); // appends; the bits beyond are passed over
  CHECK(loose.size() == strict.size() + 2);
  CHECK_FALSE(base64::decode_loosely("Zm9v!", loose));
  CHECK_FALSE(base64::decode_loosely("Zm=v", loose));
  CHECK(loose.size() == strict.size() + 2);
}

TEST_CASE("what is no base64 is refused, and leaves the output alone") {
  for (const char* wrong : {"Z", "Zg", "Zg=", "Zg===", "=Zg=", "Z===", "Zh==", "Zm9=", "Zm 9", "Zm9v\n",
                            "Zm9-", "Zm9_", "Zg==Zg==", "===="}) {
    CAPTURE(wrong);
    std::vector<std::byte> out{std::byte{7}};
    CHECK_FALSE(base64::decode(wrong, out));
    CHECK(out.size() == 1);
  }
}

TEST_CASE("bytes of any kind and number come back") {
  Random random(1);
  for (std::size_t size = 0; size < 200; ++size) {
    std::vector<std::byte> bytes(size), back;
    for (std::byte& byte : bytes)
      byte = static_cast<std::byte>(random() & 0xff);
    std::string text;
    base64::encode(bytes, text);
    REQUIRE(base64::decode(text, back));
    CHECK(back == bytes);
  }
}
