#include "sip/text.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <string>
#include <vector>

using namespace talky;
using namespace talky::sip;

namespace {

std::vector<std::string> split(std::string_view text, bool comments = false) {
  std::vector<std::string> out;
  for (const std::string_view value : Values(text, comments))
    out.emplace_back(value);
  return out;
}

} // namespace

TEST_CASE("values are split at commas that nothing encloses") {
  using List = std::vector<std::string>;
  CHECK(split("a, b ,c") == List{"a", "b", "c"});
  CHECK(split("\"a,b\" <sip:x@y>, <sip:a,b@c>;p=\"1,2\"") ==
        List{"\"a,b\" <sip:x@y>", "<sip:a,b@c>;p=\"1,2\""});
  CHECK(split("\"a\\\",b\", c") == List{"\"a\\\",b\"", "c"});
  CHECK(split("a (b, c), d", true) == List{"a (b, c)", "d"});
  CHECK(split("a (b \\), (c, d)), e", true) == List{"a (b \\), (c, d))", "e"});
  CHECK(split("a(b, c)", false) == List{"a(b", "c)"});
  CHECK(split("a,\r\n b") == List{"a", "b"});
  CHECK(split("").empty());
  CHECK(split(" , ,, ").empty());
  CHECK(split("a,,b") == List{"a", "b"});
  CHECK(split("\"open, a") == List{"\"open, a"});
  CHECK(split("a, <open, b") == List{"a", "<open, b"});
}

TEST_CASE("parameters") {
  const Params params(R"(;lr; Tag = abc ;q="a;b=\"c\"";empty=)");
  CHECK(params.check().has_value());
  CHECK(params.get("lr") == "");
  CHECK(params.get("TAG") == "abc");
  CHECK(params.get("q") == "\"a;b=\\\"c\\\"\"");
  CHECK(params.get("empty") == "");
  CHECK_FALSE(params.get("b").has_value());
  CHECK_FALSE(params.get("missing").has_value());
  CHECK(Params().check().has_value());
  CHECK(Params("a=1, b=\"x,y\"", ',').get("b") == "\"x,y\"");

  for (const char* const bad :
       {";", ";;a", ";a;", ";a;;b", "a", ";a=\"open", ";a=\"x\"y", ";a b=1", ";=1", ";a=b c", ";a=<b>"}) {
    CAPTURE(bad);
    CHECK_FALSE(Params(bad).check().has_value());
  }
}

TEST_CASE("quoting and folding") {
  CHECK(quote("a \"b\" \\") == "\"a \\\"b\\\" \\\\\"");
  CHECK(unquote("\"a \\\"b\\\"\"") == "a \"b\"");
  CHECK(unquote("plain") == "plain");
  CHECK(unquote("\"") == "\"");
  CHECK(quote("a\r\nEvil: 1") == "\"a  Evil: 1\"");
  CHECK(unfold("a\r\n  b\tc") == "a b\tc");
  CHECK(unfold("a  b") == "a  b");
}

TEST_CASE("tokens") {
  CHECK(is_token("!interesting-Method0123456789_*+`.%indeed'~"));
  for (const char* const bad : {"", "a b", "a:b", "a/b", "a\"b", "(a)", "a,b", "\xc3\xa4"}) {
    CAPTURE(bad);
    CHECK_FALSE(is_token(bad));
  }
}

TEST_CASE("property: what was quoted comes back") {
  CHECK(rc::check([](const std::string& text) {
    std::string clean = text;
    for (char& c : clean) {
      if (c == '\r' || c == '\n' || c == '\0') c = ' ';
    }
    RC_ASSERT(unquote(quote(text)) == clean);
  }));
}

TEST_CASE("property: a list of quoted strings is split into as many values") {
  CHECK(rc::check([](const std::vector<std::string>& texts) {
    std::string list;
    for (const std::string& text : texts) {
      if (!list.empty()) list += ", ";
      list += quote(text);
    }
    std::size_t i = 0;
    for (const std::string_view value : Values(list))
      RC_ASSERT(value == quote(texts.at(i++)));
    RC_ASSERT(i == texts.size());
  }));
}
