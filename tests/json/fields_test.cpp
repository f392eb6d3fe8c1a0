// One table of fields for both directions, and what reading says of a foreign object.
#include "json/fields.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <string>

#include "json/line.hpp"

namespace json = talky::json;
using talky::Errc;

namespace {

struct Message {
  std::int64_t at = 0;
  std::uint64_t turn = 0;
  int count = 0;
  bool last = false;
  float confidence = 0;
  char digit = '0';
  std::string text, voice;
  json::Texts headers;
  bool operator==(const Message&) const = default;
};

template <class Io, class M>
void fields(Io& io, M& m) {
  io("at", m.at);
  io("turn", m.turn);
  io("count", m.count);
  io("last", m.last);
  io("confidence", m.confidence);
  io("digit", m.digit);
  io("text", m.text);
  io("headers", m.headers);
  io.unless_empty("voice", m.voice);
}

std::string written(const Message& message) {
  json::Line line;
  json::WriteFields write{line};
  fields(write, message);
  return line.take();
}

} // namespace

TEST_CASE("what a table of fields writes, it reads") {
  for (const char* voice : {"", "Emma"}) {
    const Message message{
        -5, 7, 3, true, 0.25F, '#', "say \"hi\"\n\b\x7f", voice, {{"X-A", "1"}, {"X-B", ""}}};
    const auto object = json::parse_object(written(message));
    REQUIRE(object);
    json::Fields from(*object);
    json::ReadFields read{from};
    Message back;
    fields(read, back);
    CHECK(from.ok());
    CHECK(back == message);
  }
  CHECK(written({}) ==
        R"({"at":0,"turn":0,"count":0,"last":false,"confidence":0.000,"digit":"0","text":"","headers":{}})");
}

TEST_CASE("the first fault of a field is kept, and its variable as it was") {
  const auto object = json::parse_object(R"({"a":-1,"b":5000000000,"c":"xy","d":1.5,"e":null,"f":"12"})");
  REQUIRE(object);
  json::Fields from(*object);
  std::uint64_t a = 9;
  CHECK_FALSE(from.get("a", a, "a number from 0"));
  CHECK(a == 9);
  std::uint32_t b = 8;
  CHECK_FALSE(from.get("b", b, "32 bits"));
  CHECK(b == 8);
  char c = 'z';
  CHECK_FALSE(from.get("c", c));
  std::int64_t d = 7;
  CHECK_FALSE(from.get("d", d));
  CHECK_FALSE(from.optional("none", d));
  std::optional<std::string> e = "x";
  CHECK(from.get("e", e));
  CHECK_FALSE(e);
  REQUIRE(from.error());
  CHECK(from.error()->code == Errc::malformed);
  CHECK(std::string(from.error()->what) == "a number from 0");
  CHECK(json::find_number(*object, "f") == 12);
  CHECK_FALSE(json::find<bool>(*object, "f"));
  CHECK(json::find_object(*object, "f") == nullptr);
}

TEST_CASE("an object from a foreign hand has limits") {
  CHECK(json::parse_object("{}", {.bytes = 1}).error().code == Errc::too_large);
  CHECK(json::parse_object(R"({"a":[[[]]]})", {.depth = 3}).error().code == Errc::malformed);
  CHECK(json::parse_object("[]").error().code == Errc::malformed);
  CHECK(json::parse_object("{").error().code == Errc::malformed);
  CHECK(json::quoted("M\xfcller", 5) == "\"M\xef\xbf\xbdl\"");
  CHECK(json::quoted("\xc3\xa9\xf0\x9f\x98\x80") == "\"\xc3\xa9\xf0\x9f\x98\x80\"");
  CHECK(json::quoted("\xc0\x80\xed\xa0\x80") ==
        "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
}
