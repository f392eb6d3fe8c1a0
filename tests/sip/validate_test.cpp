#include "sip/validate.hpp"

#include <doctest/doctest.h>

#include <string>

#include "fixtures.hpp"

using namespace talky;
using namespace talky::sip;
using namespace talky::sip::test;

namespace {

UasPolicy policy() {
  UasPolicy out;
  out.methods = {Method::invite,    Method::ack,    Method::bye,  Method::cancel, Method::options,
                 Method::register_, Method::update, Method::info, Method::prack,  Method::message};
  out.extensions = {"timer", "100rel"};
  out.bodies.emplace_back(Method::info, "application/dtmf-relay");
  out.bodies.emplace_back(Method::info, "application/dtmf");
  out.max_body = 1000;
  return out;
}

Verdict judge(const std::string& text, bool stream = false) {
  const auto view = MessageView::parse(text);
  REQUIRE(view.has_value());
  return validate(*view, policy(), stream);
}

int status(const Request& r) {
  const Verdict verdict = judge(r.text());
  return verdict.accepted() ? 0 : verdict.status;
}

std::string field(const Verdict& verdict, HeaderId id) {
  for (const auto& [key, value] : verdict.headers) {
    if (key == id) return value;
  }
  return {};
}

Request with(Request r, std::string name, std::string value) {
  r.more.emplace_back(std::move(name), std::move(value));
  return r;
}

Request with_body(Request r, std::string type, std::string body = "x") {
  r.type = std::move(type);
  r.body = std::move(body);
  return r;
}

} // namespace

TEST_CASE("sound requests are accepted") {
  for (const char* const method :
       {"INVITE", "BYE", "CANCEL", "OPTIONS", "REGISTER", "UPDATE", "INFO", "MESSAGE", "ACK"}) {
    CAPTURE(method);
    CHECK(judge(request(method).text()).accepted());
  }
  CHECK(judge(with(request("PRACK"), "RAck", "1 1 INVITE").text()).accepted());
}

TEST_CASE("400: each mandatory field, missing, broken or given twice") {
  Request r;
  r.from.clear();
  CHECK(status(r) == 400);
  r = {};
  r.to.clear();
  CHECK(status(r) == 400);
  r = {};
  r.call_id.clear();
  CHECK(status(r) == 400);
  r = {};
  r.cseq.clear();
  CHECK(status(r) == 400);
  r = {};
  r.contact.clear();
  CHECK(status(r) == 400);
  r.via = "SIP/2.0/UDP 192.0.2.7"; // an RFC 2543 peer need not give one
  CHECK(status(r) == 0);

  for (const char* const name : {"From", "To", "Call-ID", "CSeq", "Max-Forwards"}) {
    CAPTURE(name);
    const std::string text = Request().text();
    const std::size_t at = text.find("\r\n" + std::string(name) + ": ") + 2;
    const std::string line = text.substr(at, text.find("\r\n", at) + 2 - at);
    std::string twice = text;
    twice.insert(at, line);
    CHECK(judge(twice).status == 400);
  }
  r = {};
  r.call_id = "a b";
  CHECK(status(r) == 400);
  r = {};
  r.contact = "<sip:a@b>, <sip:c@d>";
  CHECK(status(r) == 400);
  r.contact = "*";
  CHECK(status(r) == 400);
  r.contact = "sip:a@b?c=d";
  CHECK(status(r) == 400);
  r = {};
  r.uri = "sip:100@";
  CHECK(status(r) == 400);
  CHECK(status(with({}, "Record-Route", "<sip:p;lr>, broken")) == 400);
  CHECK(status(with({}, "Session-Expires", "soon")) == 400);
  CHECK(status(with({}, "Min-SE", "soon")) == 400);
  CHECK(status(request("PRACK")) == 400);
}

TEST_CASE("Max-Forwards: 0 to 255 are served, by a user agent even 0") {
  const auto hops = [](const std::string& value) {
    std::string text = Request().text();
    const std::size_t at = text.find("Max-Forwards: 70");
    return judge(text.replace(at, 16, "Max-Forwards: " + value)).status;
  };
  CHECK(hops("0") == 0);
  CHECK(hops("255") == 0);
  CHECK(hops("256") == 400);
  CHECK(hops("-1") == 400);
  CHECK(hops("x") == 400);
}

TEST_CASE("405 and 501 say what is allowed") {
  const Verdict known = judge(request("PUBLISH").text());
  CHECK(known.status == 405);
  CHECK(field(known, HeaderId::allow) ==
        "INVITE, ACK, BYE, CANCEL, OPTIONS, REGISTER, PRACK, UPDATE, INFO, MESSAGE");
  CHECK(judge(request("FOO").text()).status == 501);
  CHECK(judge(request("invite").text()).status == 501);
}

TEST_CASE("416: a scheme that we do not serve") {
  Request r;
  for (const char* const uri : {"http://example.com", "urn:service:sos", "mailto:a@b", "x:y"}) {
    CAPTURE(uri);
    r.uri = uri;
    CHECK(status(r) == 416);
  }
  for (const char* const uri : {"sip:a@b", "SIPS:a@b", "tel:+123", "sip:b"}) {
    CAPTURE(uri);
    r.uri = uri;
    CHECK(status(r) == 0);
  }
}

TEST_CASE("420: unknown extensions are refused on every method but ACK and CANCEL") {
  for (const char* const method : {"INVITE", "BYE", "OPTIONS", "REGISTER", "UPDATE", "INFO", "MESSAGE"}) {
    CAPTURE(method);
    const Verdict verdict =
        judge(with(with(request(method), "Require", "timer, foo"), "Require", "bar").text());
    CHECK(verdict.action == Verdict::Action::reject);
    CHECK(verdict.status == 420);
    CHECK(field(verdict, HeaderId::unsupported) == "foo, bar");
    CHECK(judge(with(request(method), "Require", "Timer,100rel").text()).accepted());
  }
  CHECK(judge(with(request("ACK"), "Require", "foo").text()).accepted());
  CHECK(judge(with(request("CANCEL"), "Require", "foo").text()).accepted());
  CHECK(judge(with(request("OPTIONS"), "Proxy-Require", "foo").text()).accepted()); // for proxies
}

TEST_CASE("413 and 415") {
  CHECK(status(with_body({}, "application/sdp")) == 0);
  CHECK(status(with_body({}, "Application/SDP ; charset=x")) == 0);
  CHECK(status(with_body({}, "application/sdp", std::string(1001, 'x'))) == 413);
  CHECK(status(with_body({}, "application/x")) == 415);
  CHECK(field(judge(with_body({}, "application/x").text()), HeaderId::accept) == "application/sdp");
  CHECK(field(judge(with_body(request("INFO"), "text/x").text()), HeaderId::accept) ==
        "application/dtmf-relay, application/dtmf");
  CHECK(status(with_body(request("MESSAGE"), "text/anything")) == 0);
  CHECK(status(with_body(request("BYE"), "text/anything")) == 0);
  CHECK(status(with_body({}, "nonsense")) == 400);
  CHECK(status(with_body({}, "")) == 400);
  CHECK(status(with(with_body({}, "application/x"), "Content-Disposition", "session;handling=optional")) ==
        0);
  CHECK(status(with(with_body({}, "application/x"), "Content-Disposition", "session;handling=required")) ==
        415);

  const Verdict packed = judge(with(with_body({}, "application/sdp"), "Content-Encoding", "gzip").text());
  CHECK(packed.status == 415);
  CHECK(field(packed, HeaderId::accept_encoding) == "identity");
  CHECK(status(with(with_body({}, "application/sdp"), "Content-Encoding", "identity")) == 0);

  // A body that is announced larger than the limit is too large, not short.
  CHECK(judge("INVITE sip:a SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nContent-Length: 9999\r\n\r\nx")
            .status == 413);
}

TEST_CASE("406: Accept must allow what we would send") {
  for (const char* const method : {"INVITE", "OPTIONS"}) {
    CAPTURE(method);
    const auto with_accept = [&](const std::string& value) {
      return status(with(request(method), "Accept", value));
    };
    CHECK(with_accept("application/sdp") == 0);
    CHECK(with_accept("text/plain, application/SDP;level=1") == 0);
    CHECK(with_accept("application/*") == 0);
    CHECK(with_accept("*/*;q=0.1") == 0);
    CHECK(with_accept("text/plain") == 406);
    CHECK(with_accept("application/sdp;q=0") == 406);
    CHECK(with_accept("application/sdp;q=0.0, */*") == 406);
    CHECK(with_accept("application/sdp, */*;q=0") == 0);
  }
  CHECK(status(with(request("BYE"), "Accept", "text/plain")) == 0);
  std::string empty = Request().text();
  empty.insert(empty.find("Content-Length"), "Accept:\r\n");
  CHECK(judge(empty).status == 406);
}

TEST_CASE("two Content-Length fields, even equal ones") {
  std::string text = Request().text();
  text.insert(text.find("Content-Length"), "l: 0\r\n");
  CHECK(judge(text).status == 400);
}

TEST_CASE("bytes behind Content-Length are no fault") {
  CHECK(judge(Request().text() + "trailing garbage").accepted());
  CHECK(judge(with_body({}, "application/sdp", "v=0\r\n").text() + "\r\n\r\nmore").accepted());
}

TEST_CASE("in a stream a body needs a Content-Length") {
  const std::string text =
      "INVITE sip:a SIP/2.0\r\nVia: SIP/2.0/TCP a;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: "
      "<sip:c@d>\r\n"
      "Call-ID: x\r\nCSeq: 1 INVITE\r\nContact: <sip:a@b>\r\nContent-Type: application/sdp\r\n\r\n";
  CHECK(judge(text, true).status == 400);
  CHECK(judge(text, false).accepted());
}

TEST_CASE("nothing is ever said to an ACK, a response, or what has no Via") {
  Request ack = request("ACK");
  ack.from.clear();
  CHECK(judge(ack.text()).action == Verdict::Action::drop);
  Request r;
  r.via.clear();
  CHECK(judge(r.text()).action == Verdict::Action::drop);

  const std::string response =
      "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: "
      "<sip:c@d>;tag=2\r\n"
      "Call-ID: x\r\nCSeq: 1 INVITE\r\n";
  CHECK(judge(response + "\r\n").accepted());
  CHECK(judge(response + "Via: SIP/2.0/UDP b\r\n\r\n").action == Verdict::Action::drop);
  CHECK(judge(response + "CSeq: 1 INVITE\r\n\r\n").action == Verdict::Action::drop);
  CHECK(judge(response + "Content-Length: 7\r\n\r\nx").action == Verdict::Action::drop);
  CHECK(judge("SIP/2.0 200 OK\r\n\r\n").action == Verdict::Action::drop);
}

TEST_CASE("the reply of a rejection") {
  const auto incoming = with(request("OPTIONS"), "Require", "foo").incoming();
  const Message reply = reply_to(*incoming, validate(incoming->view(), policy()), "t1");
  const auto view = reply.view();
  REQUIRE(view);
  CHECK(view->status() == 420);
  CHECK(view->reason() == "Bad Extension");
  CHECK(view->value(HeaderId::unsupported) == "foo");
  CHECK(view->to_tag() == "t1");
}
