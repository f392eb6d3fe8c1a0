// Whom media is sent to, and when: nobody who has not shown that they want it.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "rig.hpp"

using namespace talky;
using namespace talky::call;
using namespace talky::call::test;

namespace {

const Endpoint kThirdParty{IpAddress::v4(192, 0, 2, 9), 4000};

// The offer with the address of somebody else.
std::string offer_of(const Endpoint& media) {
  std::string text(kOffer);
  for (std::size_t at = text.find("127.0.0.1", text.find("m=audio")); at != std::string::npos;
       at = text.find("127.0.0.1", at)) {
    text.replace(at, 9, media.ip.to_string());
  }
  return text;
}

// A call from an SDP, with something to say; the 200 is out.
CallKey answered(Rig& rig, Phone& phone, const std::string& offer) {
  rig.receive(phone.invite(1, offer));
  rig.accept();
  REQUIRE(rig.status() == 200);
  phone.learn_tag(rig);
  REQUIRE(rig.agent.play(rig.call(), std::vector<std::int16_t>(160'000, 1000)));
  return rig.call();
}

bool went_to(const Rig& rig, const Endpoint& to) {
  return std::any_of(rig.media_to.begin(), rig.media_to.end(),
                     [&](const Endpoint& e) { return e.ip == to.ip; });
}

} // namespace

TEST_CASE("without an ACK nothing but SIP is sent, for as long as the 200 is repeated") {
  Rig rig;
  Phone phone;
  answered(rig, phone, std::string(kOffer));
  rig.advance(60s);
  CHECK(rig.media_to.empty());
  REQUIRE(rig.last<CallEnded>() != nullptr);
  CHECK(rig.last<CallEnded>()->cause == EndCause::no_ack);
}

TEST_CASE("before the ACK a stranger's packet does not start the media, the peer's does") {
  Rig rig;
  Phone phone;
  const CallKey call = answered(rig, phone, std::string(kOffer));
  for (std::uint16_t i = 0; i < 10; ++i) {
    rig.receive_rtp(call, i, 8, kThirdParty);
    rig.advance(20ms);
  }
  CHECK(rig.media_to.empty());
  rig.receive_rtp(call, 100);
  rig.advance(100ms);
  CHECK(went_to(rig, kPhoneAddress));
  CHECK_FALSE(went_to(rig, kThirdParty));
}

TEST_CASE("a third party that the SDP names gets nothing until it sends") {
  Rig rig;
  Phone phone;
  const CallKey call = answered(rig, phone, offer_of(kThirdParty));
  rig.receive(phone.ack());
  rig.advance(10s);
  CHECK(rig.media_to.empty());

  SUBCASE("it never does") {
    rig.advance(25s);
    CHECK(rig.media_to.empty());
    REQUIRE(rig.method() == "BYE");
    rig.receive(Phone::response(*rig.find("BYE"), 200));
    REQUIRE(rig.last<CallEnded>() != nullptr);
    CHECK(rig.last<CallEnded>()->cause == EndCause::rtp_timeout);
  }
  SUBCASE("it does") {
    rig.receive_rtp(call, 1, 8, kThirdParty);
    rig.advance(200ms);
    CHECK(went_to(rig, kThirdParty));
    CHECK(rig.rtp.size() >= 9);
  }
  SUBCASE("a phone behind a NAT sends from the address that signals") {
    rig.receive_rtp(call, 1, 8, {kPhoneAddress.ip, 4711});
    rig.advance(200ms);
    CHECK(rig.rtp.size() >= 9);
    CHECK(went_to(rig, kPhoneAddress));
    CHECK_FALSE(went_to(rig, kThirdParty));
  }
}

TEST_CASE("a re-INVITE cannot point the stream at a third party either") {
  Rig rig;
  Phone phone;
  const CallKey call = answered(rig, phone, std::string(kOffer));
  rig.receive(phone.ack());
  rig.receive_rtp(call, 1);
  rig.advance(200ms);
  CHECK(went_to(rig, kPhoneAddress));
  rig.receive(phone.request("INVITE", 2, {}, offer_of(kThirdParty)));
  REQUIRE(rig.status() == 200);
  rig.receive(phone.ack(2));
  rig.media_to.clear();
  rig.advance(1s);
  CHECK_FALSE(went_to(rig, kThirdParty));
  rig.receive_rtp(call, 50, 8, kThirdParty);
  rig.advance(100ms);
  CHECK(went_to(rig, kThirdParty));
}

TEST_CASE("media for a group or for everybody is refused") {
  for (const char* address : {"224.0.1.20", "239.1.2.3", "255.255.255.255"}) {
    CAPTURE(address);
    Rig rig;
    Phone phone;
    rig.receive(phone.invite(1, offer_of({*IpAddress::parse(address), 4000})));
    rig.accept();
    CHECK(rig.status() == 488);
  }
}

TEST_CASE("reports do not go to an address that only a=rtcp names") {
  Rig rig;
  Phone phone;
  std::string offer(kOffer);
  offer.replace(offer.find("a=rtcp:4001 IN IP4 127.0.0.1"), 28, "a=rtcp:53 IN IP4 192.0.2.9");
  const CallKey call = answered(rig, phone, offer);
  rig.receive(phone.ack());
  for (std::uint16_t i = 0; i < 1'000; ++i) {
    rig.receive_rtp(call, i);
    rig.advance(20ms);
  }
  CHECK(rig.media_to.size() > rig.rtp.size()); // there were reports
  CHECK_FALSE(went_to(rig, kThirdParty));
}

TEST_CASE("whoever is muted and reports is not hung up on") {
  Rig rig;
  Phone phone;
  const CallKey call = answered(rig, phone, std::string(kOffer));
  rig.receive(phone.ack());
  rig.receive_rtp(call, 1);
  std::vector<std::byte> report; // an empty receiver report, RFC 3550 6.4.2
  Writer out(report);
  out.u8(0x80);
  out.u8(201);
  out.u16(1);
  out.u32(0x1234);
  for (int i = 0; i < 20; ++i) {
    rig.advance(5s);
    rig.agent.receive_rtp(call, report, {kPhoneAddress.ip, 4001}, true, rig.now);
    rig.drain();
  }
  CHECK(rig.agent.calls() == 1);
  rig.advance(40s);
  CHECK(rig.method() == "BYE");
}
