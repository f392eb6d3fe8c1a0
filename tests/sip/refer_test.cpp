// Refer-To and message/sipfrag.
#include "sip/refer.hpp"

#include <doctest/doctest.h>

namespace talky::sip {
namespace {

TEST_CASE("Refer-To: whom to call") {
  const auto uri = [](std::string_view value) { return ReferTo::parse(value)->uri; };
  CHECK(uri("<sip:bob@example.com>") == "sip:bob@example.com");
  CHECK(uri("\"Bob\" <sip:bob@example.com:5070;transport=tcp>") == "sip:bob@example.com:5070;transport=tcp");
  CHECK(uri("sip:bob@[2001:db8::1]:5070") == "sip:bob@[2001:db8::1]:5070");
  CHECK(uri("<sip:bob@example.com;method=INVITE;lr>") == "sip:bob@example.com;lr");
  CHECK(uri("<sip:bob@example.com?Subject=hi&From=eve>") == "sip:bob@example.com");
  CHECK(uri("<sip:a;b?c@example.com;user=phone?X=1>") == "sip:a;b?c@example.com;user=phone");
}

TEST_CASE("Refer-To: an attended transfer names the call to replace") {
  const auto refer = ReferTo::parse(
      "<sip:bob@example.com?Replaces=425928%40x.y%3Bto-tag%3D7743%3Bfrom-tag%3D6472&Require=replaces>");
  REQUIRE(refer);
  CHECK(refer->uri == "sip:bob@example.com");
  CHECK(refer->replaces == "425928@x.y;to-tag=7743;from-tag=6472");
  CHECK(refer->require_replaces);
  CHECK_FALSE(ReferTo::parse("<sip:b@x?Replaces=1%3Bto-tag%3D2%3Bfrom-tag%3D3>")->require_replaces);
  // No field of its own can be smuggled in.
  const auto smuggled =
      ReferTo::parse("<sip:b@x?Replaces=1%3Bto-tag%3D2%3Bfrom-tag%3D3%0D%0AX-Evil%3A%20yes>");
  CHECK((!smuggled || smuggled->replaces.find('\n') == std::string::npos));
}

TEST_CASE("Refer-To: what is refused, and why") {
  const auto error = [](std::string_view value) { return ReferTo::parse(value).error().code; };
  CHECK(error("") == Errc::malformed);
  CHECK(error("*") == Errc::malformed);
  CHECK(error("<sip:>") == Errc::malformed);
  CHECK(error("<http://example.com>") == Errc::unsupported);
  CHECK(error("<tel:+4930123>") == Errc::unsupported);
  CHECK(error("<sip:bob@example.com;method=BYE>") == Errc::unsupported);
  CHECK(error("<sip:bob@example.com?Replaces=nonsense>") == Errc::malformed);
  CHECK(error("<sip:b@x?Replaces=1%3Bto-tag%3D2%3Bfrom-tag%3D3&Replaces=1%3Bto-tag%3D2%3Bfrom-tag%3D3>") ==
        Errc::malformed);
}

TEST_CASE("message/sipfrag both ways") {
  CHECK(make_sipfrag(180) == "SIP/2.0 180 Ringing\r\n");
  CHECK(make_sipfrag(486, "Not Now") == "SIP/2.0 486 Not Now\r\n");
  CHECK(sipfrag_status("SIP/2.0 200 OK\r\n") == 200);
  CHECK(sipfrag_status("sip/2.0 603 Declined") == 603);
  for (const char* bad :
       {"", "SIP/2.0", "SIP/2.0 2x0 OK", "SIP/2.0 99 Low", "SIP/2.0 700 High", "HTTP/1.1 200 OK"})
    CHECK(sipfrag_status(bad) == 0);
}

} // namespace
} // namespace talky::sip
