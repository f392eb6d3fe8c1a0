#include "sip/uri.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <string>
#include <tuple>

using namespace talky;
using namespace talky::sip;

namespace {

Uri parse(std::string_view text) {
  const auto uri = Uri::parse(text);
  REQUIRE_MESSAGE(uri.has_value(), text);
  return *uri;
}

} // namespace

TEST_CASE("the parts of a SIP URI") {
  const Uri uri = parse("sip:alice:secret@Example.COM:5070;transport=tcp;lr?Subject=hi&Priority=urgent");
  CHECK(uri.scheme == Uri::Scheme::sip);
  CHECK(uri.user == "alice");
  CHECK(uri.password == "secret");
  CHECK(uri.host == "Example.COM");
  CHECK(uri.port == 5070);
  CHECK(uri.params.get("transport") == "tcp");
  CHECK(uri.params.has("lr"));
  CHECK(uri.headers == "Subject=hi&Priority=urgent");

  const Uri six = parse("SIPS:bob@[2001:db8::1]:5061;ob");
  CHECK(six.scheme == Uri::Scheme::sips);
  CHECK(six.host == "[2001:db8::1]");
  CHECK(six.host_ip() == IpAddress::parse("2001:db8::1"));
  CHECK(six.port == 5061);
  CHECK(parse("sips:a@b").port_or_default() == 5061);
  CHECK(parse("sip:a@b").port_or_default() == 5060);

  const Uri bare = parse("sip:192.0.2.1");
  CHECK(bare.user.empty());
  CHECK(bare.host_ip() == IpAddress::v4(192, 0, 2, 1));

  const Uri tel = parse("tel:+1-201-555-0123;phone-context=x");
  CHECK(tel.scheme == Uri::Scheme::tel);
  CHECK(tel.user == "+1-201-555-0123");
  CHECK(tel.params.get("phone-context") == "x");

  const Uri other = parse("soap.beep://192.0.2.103:3002");
  CHECK(other.scheme == Uri::Scheme::other);
  CHECK(other.scheme_text == "soap.beep");
  CHECK(other.opaque == "//192.0.2.103:3002");
}

TEST_CASE("broken URIs") {
  for (const char* const bad : {"",
                                "sip",
                                "sip:",
                                "sip:@b",
                                "sip:a@",
                                "sip:a@b:0",
                                "sip:a@b:70000",
                                "sip:a@b:",
                                "sip:a@b:5x",
                                "sip:a@[::1",
                                "sip:a@[nonsense]",
                                "sip:a@b c",
                                "<sip:a@b>",
                                "sip:a@b\t",
                                "sip:a%4@b",
                                "sip:a%zz@b",
                                "sip:a@b?",
                                "sip:a@b@c",
                                "1sip:a@b",
                                "tel:",
                                "tel:+",
                                "tel:+12a",
                                "tel:---",
                                "sip:a@b\r\n",
                                "sip:\"a\"@b",
                                ":a@b"}) {
    CAPTURE(bad);
    CHECK_FALSE(Uri::parse(bad).has_value());
  }
  CHECK(Uri::parse("sip:a b@c").error().offset == 5);
}

TEST_CASE("RFC 3261 19.1.4: the URIs that are equal and those that are not") {
  const auto same = [](std::string_view a, std::string_view b) {
    CAPTURE(a);
    CAPTURE(b);
    CHECK(equivalent(parse(a), parse(b)) == equivalent(parse(b), parse(a)));
    return equivalent(parse(a), parse(b));
  };
  CHECK(same("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"));
  CHECK(same("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"));
  CHECK(same("sip:carol@chicago.com", "sip:carol@chicago.com;security=on"));
  CHECK(same("sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
             "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com"));
  CHECK(same("sip:alice@atlanta.com?subject=project%20x&priority=urgent",
             "sip:alice@atlanta.com?priority=urgent&subject=project%20x"));

  CHECK_FALSE(same("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"));
  CHECK_FALSE(same("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"));
  CHECK_FALSE(same("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"));
  CHECK_FALSE(same("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"));
  CHECK_FALSE(same("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"));
  CHECK_FALSE(same("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"));
  CHECK_FALSE(same("sip:carol@chicago.com;security=off", "sip:carol@chicago.com;security=on"));
  CHECK_FALSE(same("sip:a@b", "sips:a@b"));
  CHECK_FALSE(same("sip:a%3Bb@c", "sip:a;b@c"));
  CHECK(same("sip:a@[2001:DB8::0:1]", "sip:a@[2001:db8::1]"));
  CHECK(same("sip:a@b;x=1;x=2", "sip:a@b;x=1;x=2"));
  CHECK(same("tel:+1-201-555-0123", "tel:+1(201)5550123"));
  CHECK_FALSE(same("tel:+12015550123", "tel:12015550123"));
}

TEST_CASE("escapes") {
  CHECK(unescape("a%20b%4") == "a b%4");
  CHECK(unescape("%00") == std::string("\0", 1));
  CHECK(escape_user("a b@c%\"<>") == "a%20b%40c%25%22%3C%3E");
  CHECK(rc::check([](const std::string& user) {
    RC_PRE(!user.empty());
    const std::string text = "sip:" + escape_user(user) + "@example.com";
    const auto uri = Uri::parse(text);
    RC_ASSERT(uri.has_value());
    RC_ASSERT(unescape(uri->user) == user);
  }));
}

TEST_CASE("the canonical address-of-record") {
  CHECK(canonical_aor(parse("SIP:%61lice:pw@Example.COM:5060;transport=tcp?a=b")) == "sip:alice@example.com");
  CHECK(canonical_aor(parse("sip:alice@example.com:5070")) == "sip:alice@example.com:5070");
  CHECK(canonical_aor(parse("sips:alice@example.com:5061")) == "sips:alice@example.com");
  CHECK(canonical_aor(parse("sip:example.com")) == "sip:example.com");
  CHECK(canonical_aor(parse("sip:a@[2001:DB8::1]")) == "sip:a@[2001:db8::1]");
  CHECK(canonical_aor(parse("tel:+1-201-555")) == "tel:+1201555");
}
