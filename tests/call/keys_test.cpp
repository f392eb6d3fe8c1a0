// Keys: by RTP and by INFO, theirs and ours.
#include <doctest/doctest.h>

#include <algorithm>

#include "call/rig.hpp"

namespace talky::call::test {
namespace {

TEST_CASE("DTMF by INFO, in both bodies, with names and numbers") {
  Rig rig;
  Phone phone;
  const CallKey call = establish(rig, phone);
  int cseq = 1;
  const auto press = [&](std::string_view body, std::string_view type = "application/dtmf-relay") {
    rig.receive(phone.request("INFO", ++cseq, "", body, type));
    return rig.status();
  };
  CHECK(press("Signal=5\r\nDuration=160\r\n") == 200);
  REQUIRE(rig.last<DtmfPressed>() != nullptr);
  CHECK(rig.last<DtmfPressed>()->call == call);
  CHECK(rig.last<DtmfPressed>()->digit == '5');
  CHECK(rig.last<DtmfPressed>()->duration_ms == 160);
  CHECK(rig.last<DtmfPressed>()->via == DtmfPressed::Via::info);
  CHECK(press("Signal= 11 \nDuration= 100\n") == 200);
  CHECK(rig.last<DtmfPressed>()->digit == '#');
  CHECK(press("Duration=99\r\nsignal=d") == 200);
  CHECK(rig.last<DtmfPressed>()->digit == 'D');
  CHECK(press("*", "application/dtmf") == 200);
  CHECK(rig.last<DtmfPressed>()->digit == '*');
  CHECK(rig.count<DtmfPressed>() == 4);
  CHECK(press("Signal=x\r\n") == 400);
  CHECK(press("<media_control/>", "application/media_control+xml") == 415);
  CHECK(rig.header("Accept").find("application/dtmf-relay") != std::string::npos);
  CHECK(press("") == 200);
  CHECK(rig.count<DtmfPressed>() == 4);
}

TEST_CASE("our DTMF goes by INFO where telephone-event was not agreed on, one after the other") {
  Rig rig;
  Phone phone;
  const CallKey call = establish(rig, phone, offer_without_events());
  CHECK(rig.agent.dtmf(call, "1x", 100ms, rig.now).error().code == Errc::malformed);
  REQUIRE(rig.agent.dtmf(call, "1a", 160ms, rig.now));
  rig.drain();
  CHECK(rig.count("INFO") == 1);
  CHECK(rig.body() == "Signal=1\r\nDuration=160\r\n");
  rig.receive(Phone::response(*rig.find("INFO"), 200));
  CHECK(rig.count("INFO") == 2);
  CHECK(rig.body() == "Signal=A\r\nDuration=160\r\n");
  rig.receive(Phone::response(*rig.find("INFO"), 200));
  CHECK(rig.count<DtmfFinished>() == 1);
}

TEST_CASE("our DTMF as telephone-event") {
  Rig rig;
  Phone phone;
  const CallKey call = establish(rig, phone);
  REQUIRE(rig.agent.dtmf(call, "7", 100ms, rig.now));
  rig.advance(500ms);
  std::size_t events = 0;
  for (const auto& packet : rig.rtp)
    events += rtp::PacketView::parse(packet)->payload_type() == 101 ? 1U : 0U;
  CHECK(events >= 5);
  CHECK(rig.count<DtmfFinished>() == 1);
}

TEST_CASE("a key sent both ways is told once, and pressed twice it is told twice") {
  Rig rig;
  Phone phone;
  const CallKey call = establish(rig, phone);
  std::uint16_t sequence = 100;
  const auto event = [&](std::uint8_t code, std::uint32_t timestamp) {
    for (const unsigned duration : {160U, 320U, 480U, 480U, 480U}) {
      std::vector<std::byte> packet;
      Writer out(packet);
      out.u8(0x80);
      out.u8(101);
      out.u16(++sequence);
      out.u32(timestamp);
      out.u32(0x1234);
      out.u8(code);
      out.u8(duration == 480 ? 0x8a : 0x0a);
      out.u16(static_cast<std::uint16_t>(duration));
      rig.agent.receive_rtp(call, packet, {IpAddress::v4(127, 0, 0, 1), 4000}, false, rig.now);
      rig.drain();
      rig.advance(20ms);
    }
  };
  int cseq = 1;
  const auto info = [&] {
    rig.receive(phone.request("INFO", ++cseq, "", "Signal=5\r\nDuration=100\r\n", "application/dtmf-relay"));
  };
  event(5, 8000);
  REQUIRE(rig.count<DtmfPressed>() == 1);
  CHECK(rig.last<DtmfPressed>()->digit == '5');
  info();
  CHECK(rig.count<DtmfPressed>() == 1);
  rig.advance(2s);
  info();
  event(5, 80'000);
  CHECK(rig.count<DtmfPressed>() == 2);
  rig.advance(2s);
  info();
  info();
  CHECK(rig.count<DtmfPressed>() == 4);
}

} // namespace
} // namespace talky::call::test
