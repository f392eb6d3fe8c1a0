#include "core/log.hpp"

#include <doctest/doctest.h>

using talky::log::Line;
using talky::log::quote;

TEST_CASE("a line is one line whatever is in it") {
  CHECK(Line("call.end").add("call", "a1").add("packets", 12).add("mos", 4.25).add("ok", true).str() ==
        "call.end call=a1 packets=12 mos=4.25 ok=true");
  CHECK(quote("plain/value:1") == "plain/value:1");
  CHECK(quote("") == "\"\"");
  CHECK(quote("a b") == "\"a b\"");
  CHECK(quote("say \"hi\"\\") == R"("say \"hi\"\\")");
  CHECK(quote("x\r\ny=1") == R"("x\r\ny=1")");
  CHECK(quote("\x1b[31m") == R"("\x1b[31m")");
  CHECK(quote("M\xc3\xbcller") == "M\xc3\xbcller");
  CHECK(quote("\xc3(") == R"("\xc3(")");
  CHECK(quote("\xc2\x9b") == R"("\xc2\x9b")");         // CSI in its C1 form
  CHECK(quote("\xed\xa0\x80") == R"("\xed\xa0\x80")"); // a surrogate
}
