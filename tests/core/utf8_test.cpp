#include "core/utf8.hpp"

#include <doctest/doctest.h>

#include "core/random.hpp"

using talky::utf8::repaired;

TEST_CASE("text that is UTF-8 stays as it is, what is not becomes U+FFFD byte by byte") {
  CHECK(repaired("").empty());
  CHECK(repaired("M\xc3\xbcller \xe2\x82\xac \xf0\x9f\x98\x80") ==
        "M\xc3\xbcller \xe2\x82\xac \xf0\x9f\x98\x80");
  CHECK(repaired("plain") == "plain");
  CHECK(repaired("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80") == "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80");
  CHECK(repaired("\xff") == "\xef\xbf\xbd");
  CHECK(repaired("a\xc3") == "a\xef\xbf\xbd");
  CHECK(repaired("M\xfcller") == "M\xef\xbf\xbdller");
  CHECK(repaired("\xc0\xaf") == "\xef\xbf\xbd\xef\xbf\xbd");                 // overlong
  CHECK(repaired("\xed\xa0\x80") == "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"); // a surrogate
  CHECK(repaired("\xf4\x90\x80\x80").size() == 12);                          // above U+10FFFF
  CHECK(repaired("\xe2\x82") == "\xef\xbf\xbd\xef\xbf\xbd");                 // cut off
  CHECK(repaired(std::string_view("a\0b", 3)) == std::string_view("a\0b", 3));
}

TEST_CASE("a limit cuts between characters") {
  CHECK(repaired("\xe2\x82\xac\xe2\x82\xac", 5) == "\xe2\x82\xac");
  CHECK(repaired("abc", 2) == "ab");
  CHECK(repaired("\xff", 2).empty());
}

TEST_CASE("whatever comes in, UTF-8 comes out") {
  talky::Random random(7);
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (std::uint64_t n = random.below(40); n > 0; --n)
      text += static_cast<char>(random.below(256));
    const std::string once = repaired(text);
    CHECK(repaired(once) == once);
  }
}

TEST_CASE("control characters of C0, C1 and DEL are for no terminal; letters of two bytes are none") {
  for (const std::string_view control : {"\x1b[2J", "\n", "\x7f", "\xc2\x80",
                                         "\xc2\x9b"
                                         "2J",
                                         "\xc2\x9f"})
    CHECK(talky::utf8::begins_with_control(control));
  for (const std::string_view text : {"", "a", "\xc2\xa0", "\xc3\xa9", "\xc2", "\xe2\x82\xac"})
    CHECK_FALSE(talky::utf8::begins_with_control(text));
}
