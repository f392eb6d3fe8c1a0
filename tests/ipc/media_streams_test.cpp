#include "ipc/media_streams.hpp"

#include <doctest/doctest.h>

#include <array>
#include <boost/json/parse.hpp>

using namespace talky;
namespace ms = talky::ipc::media_streams;

namespace {
constexpr const char* kUuid = "f81d4fae-7dec-41d0-a765-00a0c91e6bf6";
constexpr const char* kStream = "MZf81d4fae7dec41d0a76500a0c91e6bf6";
} // namespace

TEST_CASE("our messages have Twilio's shapes, with running numbers") {
  ms::Writer writer(kUuid);
  const auto of = [](const std::string& text) { return boost::json::parse(text).as_object(); };
  CHECK(of(ms::Writer::connected()).at("protocol") == "Call");

  const auto start = of(writer.start({{"from", "sip:a\"b@h"}, {"X-A", "1"}}));
  CHECK(start.at("event") == "start");
  CHECK(start.at("sequenceNumber") == "1");
  CHECK(start.at("streamSid") == kStream);
  const auto& body = start.at("start").as_object();
  CHECK(body.at("streamSid") == kStream);
  CHECK(body.at("callSid") == "CAf81d4fae7dec41d0a76500a0c91e6bf6");
  CHECK(body.at("accountSid").as_string().size() == 34);
  CHECK(body.at("mediaFormat").at("encoding") == "audio/x-mulaw");
  CHECK(body.at("mediaFormat").at("sampleRate") == 8000);
  CHECK(body.at("customParameters").at("from") == "sip:a\"b@h");

  const std::array<std::byte, 3> sound{std::byte{0xff}, std::byte{0}, std::byte{0x7f}};
  const auto first = of(writer.media(sound, 0));
  const auto second = of(writer.media(sound, 20));
  CHECK(first.at("sequenceNumber") == "2");
  CHECK(second.at("sequenceNumber") == "3");
  CHECK(second.at("media").at("chunk") == "2");
  CHECK(second.at("media").at("timestamp") == "20");
  CHECK(second.at("media").at("payload") == "/wB/");
  CHECK(of(writer.dtmf('#')).at("dtmf").at("digit") == "#");
  CHECK(of(writer.mark("a\nb")).at("mark").at("name") == "a\nb");
  CHECK(of(writer.stop()).at("stop").at("callSid") == "CAf81d4fae7dec41d0a76500a0c91e6bf6");
}

TEST_CASE("what an agent says") {
  CHECK(ms::parse(R"({"event":"media","streamSid":"x","media":{"payload":"/wB/"}})") ==
        ms::FromAgent(ms::Media{{std::byte{0xff}, std::byte{0}, std::byte{0x7f}}}));
  CHECK(ms::parse(R"({"event":"mark","mark":{"name":"m"}})") == ms::FromAgent(ms::Mark{"m"}));
  CHECK(ms::parse(R"({"event":"clear","streamSid":"MZ"})") == ms::FromAgent(ms::Clear{}));
}

TEST_CASE("what is wrong with it is said") {
  for (const char* wrong :
       {"", "1", "[]", "{}", "{", R"({"event":1})", R"({"event":"media"})", R"({"event":"media","media":1})",
        R"({"event":"media","media":{}})", R"({"event":"media","media":{"payload":"*"}})",
        R"({"event":"media","media":{"payload":[]}})", R"({"event":"mark"})",
        R"({"event":"mark","mark":{"name":1}})", R"({"event":"clear"} x)", "\xff\xfe"}) {
    CAPTURE(wrong);
    const auto parsed = ms::parse(wrong);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().code == Errc::malformed);
  }
  const auto later = ms::parse(R"({"event":"hologram"})");
  REQUIRE_FALSE(later);
  CHECK(later.error().code == Errc::unsupported);
  const auto name = ms::parse(R"({"event":"mark","mark":{"name":")" + std::string(3000, 'x') + R"("}})");
  REQUIRE_FALSE(name);
  CHECK(name.error().code == Errc::too_large);
  CHECK_FALSE(ms::parse(std::string(ms::kMaxMessage + 1, ' ')));
}
