#include "sdp/session.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include "sdp/offers.hpp"

namespace talky::sdp {
namespace {

TEST_CASE("a MicroSIP offer is read in all its parts") {
  const auto session = Session::parse(test::kMicrosip);
  REQUIRE(session);
  CHECK(session->origin.user == "-");
  CHECK(session->origin.session_id == "3972540000");
  CHECK(session->origin.address == "192.0.2.10");
  CHECK(session->name == "pjmedia");
  CHECK_FALSE(session->connection);
  REQUIRE(session->media.size() == 1);
  const Media& audio = session->media[0];
  CHECK(audio.type == "audio");
  CHECK(audio.port == 4000);
  CHECK(audio.protocol == "RTP/AVP");
  CHECK(audio.formats == std::vector<std::string_view>{"8", "0", "101"});
  CHECK(session->connection_of(audio)->ip == IpAddress::v4(192, 0, 2, 10));
  CHECK(session->direction_of(audio) == Direction::sendrecv);
  CHECK(audio.rtpmap(101)->name == "telephone-event");
  CHECK(audio.rtpmap(101)->clock_rate == 8000);
  CHECK(audio.fmtp(101) == "0-16");
  CHECK(audio.fmtp(0).empty());
  CHECK(audio.rtcp()->port == 4001);
  CHECK(audio.rtcp()->ip == IpAddress::v4(192, 0, 2, 10));
  CHECK(session->find("x-NAT")->value == "0");
}

TEST_CASE("static payload types need no rtpmap, dynamic ones do") {
  const auto session = Session::parse("v=0\nm=audio 9 RTP/AVP 0 8 96\na=rtpmap:97 opus/48000/2\n");
  REQUIRE(session);
  const Media& audio = session->media[0];
  CHECK(audio.rtpmap(0)->name == "PCMU");
  CHECK(audio.rtpmap(8)->name == "PCMA");
  CHECK_FALSE(audio.rtpmap(96));
  CHECK(audio.rtpmap(97)->channels == 2);
}

TEST_CASE("an rtpmap overrides the static meaning of a payload type") {
  const auto session = Session::parse("v=0\nm=audio 9 RTP/AVP 0\na=rtpmap:0 L16/16000\n");
  CHECK(session->media[0].rtpmap(0)->name == "L16");
}

TEST_CASE("any line end, blank lines, a missing last one and missing s= and t= lines are read") {
  for (const std::string_view text :
       {"v=0\r\nm=audio 4000 RTP/AVP 0\r\n", "v=0\nm=audio 4000 RTP/AVP 0", "v=0\rm=audio 4000 RTP/AVP 0\r",
        "\r\nv=0\r\n\r\nm=audio  4000 \t RTP/AVP  0 \r\n\r\n"}) {
    CAPTURE(text);
    const auto session = Session::parse(text);
    REQUIRE(session);
    REQUIRE(session->media.size() == 1);
    CHECK(session->media[0].port == 4000);
    CHECK(session->media[0].formats == std::vector<std::string_view>{"0"});
  }
}

TEST_CASE("a media's own c= line and direction go before those of the session") {
  const auto session = Session::parse(
      "v=0\nc=IN IP4 192.0.2.1\na=sendonly\n"
      "m=audio 4000 RTP/AVP 0\nm=audio 4002 RTP/AVP 0\n"
      "c=IN IP6 2001:db8::5\na=RecvOnly\n");
  REQUIRE(session);
  CHECK(session->connection_of(session->media[0])->ip == IpAddress::parse("192.0.2.1"));
  CHECK(session->direction_of(session->media[0]) == Direction::sendonly);
  CHECK(session->connection_of(session->media[1])->ip == IpAddress::parse("2001:db8::5"));
  CHECK(session->direction_of(session->media[1]) == Direction::recvonly);
}

TEST_CASE("the addresses that mean hold") {
  const auto hold = [](std::string_view line) {
    const std::string text = "v=0\nc=" + std::string(line) + "\n";
    return Session::parse(text)->connection->is_hold();
  };
  CHECK(hold("IN IP4 0.0.0.0"));
  CHECK(hold("IN IP6 ::"));
  CHECK(hold("IN IP6 a.invalid"));
  CHECK_FALSE(hold("IN IP4 192.0.2.1"));
  CHECK_FALSE(hold("IN IP4 192.0.2.1/127"));
  CHECK_FALSE(hold("IN IP4 phone.example.com"));
}

TEST_CASE("what is no SDP is refused, and the place is told") {
  const auto code = [](std::string_view text) { return Session::parse(text).error().code; };
  CHECK(code("") == Errc::truncated);
  CHECK(code("o=- 1 1 IN IP4 192.0.2.1\r\n") == Errc::malformed);
  CHECK(code("v=1\r\n") == Errc::malformed);
  CHECK(code("v=0\r\nhello\r\n") == Errc::malformed);
  CHECK(code("v=0\r\nm=audio 65536 RTP/AVP 0\r\n") == Errc::malformed);
  CHECK(code("v=0\r\nm=audio -1 RTP/AVP 0\r\n") == Errc::malformed);
  CHECK(code("v=0\r\nm=audio\r\n") == Errc::malformed);
  CHECK(code(std::string_view("v=0\r\na=x\0y\r\n", 12)) == Errc::malformed);
  CHECK(Session::parse("v=0\r\nm=audio x RTP/AVP 0\r\n").error().offset == 5);
}

TEST_CASE("the limits hold") {
  std::string media = "v=0\n";
  for (std::size_t i = 0; i < kMaxMedia; ++i)
    media += "m=audio 1 RTP/AVP 0\n";
  CHECK(Session::parse(media));
  CHECK(Session::parse(media + "m=audio 1 RTP/AVP 0\n").error().code == Errc::too_large);

  std::string formats = "v=0\nm=audio 1 RTP/AVP";
  for (std::size_t i = 0; i < kMaxFormats; ++i)
    formats += " 0";
  CHECK(Session::parse(formats));
  CHECK(Session::parse(formats + " 0").error().code == Errc::too_large);

  std::string attributes = "v=0\n";
  for (std::size_t i = 0; i < kMaxAttributes; ++i)
    attributes += "a=x\n";
  CHECK(Session::parse(attributes));
  CHECK(Session::parse(attributes + "a=x\n").error().code == Errc::too_large);
  CHECK(Session::parse(std::string(kMaxText + 1, 'v')).error().code == Errc::too_large);
}

TEST_CASE("times may have a fraction") {
  const auto session = Session::parse("v=0\nm=audio 1 RTP/AVP 0\na=ptime:20\na=maxptime:60.5\n");
  CHECK(session->media[0].milliseconds("ptime") == 20);
  CHECK(session->media[0].milliseconds("maxptime") == 60);
  CHECK_FALSE(session->media[0].milliseconds("minptime"));
}

TEST_CASE("directions combine as RFC 3264 says") {
  CHECK(reversed(Direction::sendonly) == Direction::recvonly);
  CHECK(reversed(Direction::sendrecv) == Direction::sendrecv);
  CHECK(reversed(Direction::inactive) == Direction::inactive);
  CHECK(both(Direction::sendrecv, Direction::sendonly) == Direction::sendonly);
  CHECK(both(Direction::recvonly, Direction::sendonly) == Direction::inactive);
  CHECK_FALSE(direction_from("sendrecvx"));
}

TEST_CASE("what the writer writes is read back") {
  const bool ok = rc::check([] {
    const auto port = *rc::gen::inRange<std::uint16_t>(0, 65535);
    const auto version = *rc::gen::arbitrary<std::uint64_t>();
    const auto octets = *rc::gen::container<std::array<std::uint8_t, 16>>(rc::gen::arbitrary<std::uint8_t>());
    const IpAddress address{octets};
    std::string text;
    Writer(text).line('v', "0").origin("talky", 7, version, address).line('s', "talky").connection(address);
    Writer(text).media("audio", port, "RTP/AVP", "0 8").attribute("sendonly").attribute("ptime", "30");
    const auto session = Session::parse(text);
    RC_ASSERT(session.has_value());
    RC_ASSERT(session->origin.version == std::to_string(version));
    RC_ASSERT(session->connection->ip == address);
    RC_ASSERT(session->media.size() == 1U);
    RC_ASSERT(session->media[0].port == port);
    RC_ASSERT(session->media[0].formats.size() == 2U);
    RC_ASSERT(session->direction_of(session->media[0]) == Direction::sendonly);
    RC_ASSERT(session->media[0].milliseconds("ptime") == 30);
  });
  CHECK(ok);
}

TEST_CASE("mutated offers never do harm, and give views into the text") {
  const bool ok = rc::check([] {
    std::string text(*rc::gen::element(test::kMicrosip, test::kLinphone));
    const auto cuts = *rc::gen::container<std::vector<std::pair<std::size_t, char>>>(
        rc::gen::pair(rc::gen::inRange<std::size_t>(0, 2000), rc::gen::arbitrary<char>()));
    for (const auto& [at, byte] : cuts)
      text[at % text.size()] = byte;
    const auto session = Session::parse(text);
    if (!session) {
      RC_ASSERT(session.error().offset <= text.size());
      return;
    }
    for (const Media& media : session->media) {
      RC_ASSERT(media.type.data() >= text.data());
      RC_ASSERT(media.type.data() + media.type.size() <= text.data() + text.size());
    }
  });
  CHECK(ok);
}

} // namespace
} // namespace talky::sdp
