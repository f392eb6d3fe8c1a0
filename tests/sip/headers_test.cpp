#include "sip/headers.hpp"

#include <doctest/doctest.h>

#include <array>
#include <string>

#include "core/ascii.hpp"
#include "sip/header_id.hpp"
#include "sip/status.hpp"

using namespace talky;
using namespace talky::sip;
using namespace std::chrono_literals;

TEST_CASE("header names: every one is found by its own name, in any case, and by its compact form") {
  for (std::size_t i = 0; i + 1 < kHeaderCount; ++i) {
    const auto id = static_cast<HeaderId>(i);
    const std::string name(to_string(id));
    CAPTURE(name);
    CHECK_FALSE(name.empty());
    CHECK(to_header_id(name) == id);
    CHECK(to_header_id(ascii::lower(name)) == id);
    if (i > 0)
      CHECK(ascii::lower(to_string(static_cast<HeaderId>(i - 1))) <
            ascii::lower(name)); // the table is sorted
  }
  CHECK(to_header_id("v") == HeaderId::via);
  CHECK(to_header_id("I") == HeaderId::call_id);
  CHECK(to_header_id("m") == HeaderId::contact);
  CHECK(to_header_id("x") == HeaderId::session_expires);
  CHECK(to_header_id("k") == HeaderId::supported);
  CHECK(to_header_id("e") == HeaderId::content_encoding);
  CHECK(to_header_id("r") == HeaderId::refer_to);
  CHECK(to_header_id("b") == HeaderId::referred_by);
  for (const char* const unknown : {"", "g", "X-Custom", "Vi", "Viaa", "C%6Fntact", "1", "@"}) {
    CAPTURE(unknown);
    CHECK(to_header_id(unknown) == HeaderId::other);
  }
}

TEST_CASE("methods are case-sensitive") {
  for (std::size_t i = 0; i + 1 < kMethodCount; ++i)
    CHECK(to_method(to_string(static_cast<Method>(i))) == static_cast<Method>(i));
  CHECK(to_method("invite") == Method::other);
  CHECK(to_method("") == Method::other);
}

TEST_CASE("Via") {
  const auto via = Via::parse("SIP/2.0/UDP 192.0.2.1:5062;rport;branch=z9hG4bKabc;received=192.0.2.9");
  REQUIRE(via);
  CHECK(via->transport == "UDP");
  CHECK(via->host == "192.0.2.1");
  CHECK(via->port == 5062);
  CHECK(via->branch() == "z9hG4bKabc");
  CHECK(via->wants_rport());
  CHECK(via->is_rfc3261());

  const auto six = Via::parse("SIP / 2.0 / TCP [2001:db8::1] : 5060 ;branch=old");
  REQUIRE(six);
  CHECK(six->host == "[2001:db8::1]");
  CHECK(six->port == 5060);
  CHECK_FALSE(six->is_rfc3261());
  CHECK_FALSE(Via::parse("SIP/2.0/UDP a;branch=z9hG4bK")->is_rfc3261());

  for (const char* const bad :
       {"", "SIP/2.0/UDP", "SIP/2.0 a", "HTTP/2.0/UDP a", "SIP/2.0/UDP a:0", "SIP/2.0/UDP a:x",
        "SIP/2.0/UDP a;;b", "SIP/2.0/UDP ;branch=a", "SIP/2.0/UDP [::1", "SIP/2.0/UDP a b"}) {
    CAPTURE(bad);
    CHECK_FALSE(Via::parse(bad).has_value());
  }
}

TEST_CASE("name-addr and addr-spec") {
  const auto quoted = NameAddr::parse(R"("A, \"B\" <c>" <sip:a@b;lr>;tag=1;x="a;b")");
  REQUIRE(quoted);
  CHECK(quoted->display_name() == "A, \"B\" <c>");
  CHECK(quoted->uri.text == "sip:a@b;lr");
  CHECK(quoted->uri.params.has("lr"));
  CHECK(quoted->tag() == "1");

  const auto tokens = NameAddr::parse("A. Bell<sip:a@b>");
  REQUIRE(tokens);
  CHECK(tokens->display == "A. Bell");
  const auto spec = NameAddr::parse("sip:a@b ; tag = 2");
  REQUIRE(spec);
  CHECK(spec->uri.params.empty());
  CHECK(spec->tag() == "2");
  CHECK(NameAddr::parse("<sip:a@b>")->display.empty());
  CHECK(NameAddr::parse(" * ")->wildcard);
  CHECK(NameAddr::parse("J\xc3\xbcrgen <sip:a@b>").has_value());

  for (const char* const bad :
       {"", "\"open <sip:a@b>", "<sip:a@b", "A, B <sip:a@b>", "sip:a@b?x=y", "sip:a@b,sip:c@d",
        "\"a\" sip:a@b", "< sip:a@b >", "<>", "<sip:a@b> x", "<sip:a@b>;;", "<sip:a@b>;tag=\"x", "a"}) {
    CAPTURE(bad);
    CHECK_FALSE(NameAddr::parse(bad).has_value());
  }
}

TEST_CASE("CSeq and RAck") {
  const auto cseq = CSeq::parse("0009\r\n  INVITE");
  REQUIRE(cseq);
  CHECK(cseq->number == 9);
  CHECK(cseq->method == Method::invite);
  CHECK(CSeq::parse("2147483647 FOO")->method_text == "FOO");
  for (const char* const bad :
       {"", "1", "INVITE", "-1 INVITE", "2147483648 INVITE", "36893488147419103232 REGISTER", "1INVITE",
        "1 INVITE x", "1 IN/VITE", "0x1 INVITE"}) {
    CAPTURE(bad);
    CHECK_FALSE(CSeq::parse(bad).has_value());
  }
  const auto rack = RAck::parse("776656 1 INVITE");
  REQUIRE(rack);
  CHECK(rack->rseq == 776656);
  CHECK(rack->cseq.number == 1);
  for (const char* const bad : {"", "1 INVITE", "0 1 INVITE", "1 1", "a 1 INVITE"}) {
    CAPTURE(bad);
    CHECK_FALSE(RAck::parse(bad).has_value());
  }
}

TEST_CASE("Session-Expires") {
  CHECK(SessionExpires::parse("1800;refresher=UAC")->refresher == SessionExpires::Refresher::uac);
  CHECK(SessionExpires::parse("90 ; refresher=uas")->refresher == SessionExpires::Refresher::uas);
  CHECK(SessionExpires::parse("90")->interval == 90s);
  for (const char* const bad : {"", "x", "-1", "90;refresher=me", "90;;"}) {
    CAPTURE(bad);
    CHECK_FALSE(SessionExpires::parse(bad).has_value());
  }
}

TEST_CASE("media types, credentials, Replaces, delta-seconds") {
  const auto type = MediaType::parse("Application/SDP;charset=\"utf-8\"");
  REQUIRE(type);
  CHECK(type->matches("application/sdp"));
  CHECK_FALSE(type->matches("application/sdpx"));
  CHECK(MediaType::parse("application/*")->matches("application/sdp"));
  CHECK(MediaType::parse("*/*")->matches("x/y"));
  CHECK_FALSE(MediaType::parse("application").has_value());

  const auto auth = AuthParams::parse(R"(Digest realm="a, b",nonce="x\"y" , qop=auth)");
  REQUIRE(auth);
  CHECK(auth->scheme == "Digest");
  CHECK(auth->get("REALM") == "a, b");
  CHECK(auth->get("nonce") == "x\"y");
  CHECK(auth->get("qop") == "auth");
  CHECK(auth->get("opaque").empty());
  CHECK_FALSE(AuthParams::parse("Digest").has_value());
  CHECK_FALSE(AuthParams::parse("Digest realm=\"open").has_value());
  CHECK_FALSE(AuthParams::parse("Digest a=1,,b=2").has_value());

  const auto replaces = Replaces::parse("12adf2f34456gs5@host;to-tag=12345;from-tag=54321;early-only");
  REQUIRE(replaces);
  CHECK(replaces->call_id == "12adf2f34456gs5@host");
  CHECK(replaces->early_only);
  CHECK_FALSE(Replaces::parse("a;to-tag=1").has_value());
  CHECK(TokenParams::parse("terminated;reason=timeout")->params.get("reason") == "timeout");

  CHECK(parse_delta_seconds("3600") == 3600);
  CHECK(parse_delta_seconds(std::string(100, '9')) == 0xffff'ffffu);
  CHECK_FALSE(parse_delta_seconds("-1").has_value());
  CHECK_FALSE(parse_delta_seconds("").has_value());
  CHECK_FALSE(parse_delta_seconds("1 ").has_value());
}

TEST_CASE("reason phrases") {
  CHECK(reason_phrase(404) == "Not Found");
  CHECK(reason_phrase(100) == "Trying");
  CHECK(reason_phrase(607) == "Unwanted");
  CHECK(reason_phrase(499) == "Client Error");
  CHECK(reason_phrase(0) == "Unknown");
  CHECK(reason_phrase(700) == "Unknown");
}
