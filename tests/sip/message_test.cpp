#include "sip/message.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "fixtures.hpp"

using namespace talky;
using namespace talky::sip;
using namespace talky::sip::test;

namespace {

std::vector<std::string> all(const MessageView& message, HeaderId id) {
  std::vector<std::string> out;
  for (const std::string_view value : message.values(id))
    out.emplace_back(value);
  return out;
}

} // namespace

TEST_CASE("a request as a softphone sends it") {
  Request r;
  r.more = {{"Supported", "replaces, 100rel"}, {"k", "timer"}, {"X-Note", "one"}, {"x-note", "two"}};
  r.type = "application/sdp";
  r.body = "v=0\r\n";
  const std::string text = r.text();
  const auto m = MessageView::parse(text);
  REQUIRE(m);
  CHECK_FALSE(m->defect().has_value());
  CHECK(m->is_request());
  CHECK(m->method() == Method::invite);
  CHECK(m->request_uri() == "sip:100@198.51.100.1");
  CHECK(m->from_tag() == "a1");
  CHECK(m->to_tag().empty());
  CHECK(m->call_id() == "call-1@192.0.2.7");
  CHECK(m->cseq()->number == 1);
  CHECK(m->top_via()->branch() == "z9hG4bK1");
  CHECK(m->contact()->uri.user == "alice");
  CHECK(all(*m, HeaderId::supported) == std::vector<std::string>{"replaces", "100rel", "timer"});
  CHECK(m->lists(HeaderId::supported, "TIMER"));
  CHECK_FALSE(m->lists(HeaderId::supported, "path"));
  CHECK(m->count(HeaderId::supported) == 2);
  CHECK(m->find("X-NOTE") == "one");
  CHECK(m->find("k") == "replaces, 100rel");
  CHECK_FALSE(m->find("absent").has_value());
  CHECK(m->values(HeaderId::route).empty());
  CHECK(m->body() == "v=0\r\n");
  CHECK(m->bytes() == text);
  CHECK(m->headers().size() == 13);
}

TEST_CASE("a response") {
  const std::string text =
      "SIP/2.0 180 Ringing now\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nCSeq: 7 INVITE\r\nTo: "
      "<sip:a@b>;tag=9\r\n\r\n";
  const auto m = MessageView::parse(text);
  REQUIRE(m);
  CHECK(m->is_response());
  CHECK(m->status() == 180);
  CHECK(m->reason() == "Ringing now");
  CHECK(m->method() == Method::invite);
  CHECK(m->to_tag() == "9");
  CHECK(MessageView::parse("SIP/2.0 200\r\n\r\n")->reason().empty());
  CHECK(MessageView::parse("SIP/2.0 200 \r\n\r\n")->status() == 200);
}

TEST_CASE("leading line ends, LF alone, and other shapes that are let through") {
  CHECK(MessageView::parse("\r\n\r\nOPTIONS sip:a SIP/2.0\r\n\r\n")->method() == Method::options);
  const auto m = MessageView::parse("OPTIONS sip:a SIP/2.0\nVia: x\n y\nl: 3\n\nabcdef");
  REQUIRE(m);
  CHECK(unfold(m->value(HeaderId::via)) == "x y");
  CHECK(m->body() == "abc");
  CHECK(m->extra() == 3);
  CHECK(MessageView::parse("OPTIONS sip:a sip/2.0\r\n\r\n").has_value());
  CHECK_FALSE(MessageView::parse("OPTIONS sip:a sip/2.0\r\n\r\n")->defect().has_value());
}

TEST_CASE("what is no SIP message") {
  for (const char* const bad :
       {"", "\r\n\r\n", "hello", "GET / HTTP/1.1\r\n\r\n", "INVITE sip:a\r\n\r\n", "SIP/2.0\r\n\r\n",
        "SIP/2.0 20 OK\r\n\r\n", "SIP/2.0 099 OK\r\n\r\n", "SIP/2.0 700 X\r\n\r\n", "SIP/2.0 +20 X\r\n\r\n",
        "SIP/3.0 200 OK\r\n\r\n", "IN(VITE sip:a SIP/2.0\r\n\r\n", "INVITE sip:a SIP/2\r\n\r\n",
        "INVITE sip:a SIP/a.b\r\n\r\n"}) {
    CAPTURE(bad);
    CHECK_FALSE(MessageView::parse(bad).has_value());
  }
}

TEST_CASE("defects that leave something to answer") {
  const auto kind = [](const std::string& text) {
    const auto m = MessageView::parse(text);
    REQUIRE(m);
    REQUIRE(m->defect().has_value());
    CHECK(m->defect()->error.offset <= text.size());
    return m->defect()->kind;
  };
  using Kind = Defect::Kind;
  CHECK(kind("INVITE  sip:a SIP/2.0\r\n\r\n") == Kind::start_line);
  CHECK(kind("INVITE sip:a SIP/2.0 \r\n\r\n") == Kind::start_line);
  CHECK(kind("INVITE sip:a b SIP/2.0\r\n\r\n") == Kind::start_line);
  CHECK(kind("INVITE sip:a SIP/7.0\r\n\r\n") == Kind::version);
  CHECK(kind("INVITE sip:a SIP/2.0\r\nno colon\r\n\r\n") == Kind::header);
  CHECK(kind("INVITE sip:a SIP/2.0\r\n: empty\r\n\r\n") == Kind::header);
  CHECK(kind("INVITE sip:a SIP/2.0\r\nbad name: x\r\n\r\n") == Kind::header);
  CHECK(kind("INVITE sip:a SIP/2.0\r\n folded: x\r\n\r\n") == Kind::header);
  CHECK(kind("INVITE sip:a SIP/2.0\r\nVia: x\r\n") == Kind::bare_line);
  CHECK(kind("INVITE sip:a SIP/2.0") == Kind::bare_line);
  CHECK(kind("INVITE sip:a SIP/2.0\r\nContent-Length: -1\r\n\r\n") == Kind::content_length);
  CHECK(kind("INVITE sip:a SIP/2.0\r\nContent-Length: 1 1\r\n\r\nab") == Kind::content_length);
  CHECK(kind("INVITE sip:a SIP/2.0\r\nContent-Length:\r\n\r\n") == Kind::content_length);
  CHECK(kind("INVITE sip:a SIP/2.0\r\nContent-Length: 5\r\n\r\nabcd") == Kind::content_length);
  CHECK(kind("INVITE sip:a SIP/2.0\r\nContent-Length: 2\r\nl: 2\r\n\r\nab") == Kind::content_length);
  CHECK(kind("INVITE sip:a SIP/2.0\r\nl: 99999999999999999999999\r\n\r\n") == Kind::content_length);

  std::string many = "INVITE sip:a SIP/2.0\r\n";
  for (std::size_t i = 0; i < MessageView::kMaxHeaders; ++i)
    many += "a: b\r\n";
  CHECK_FALSE(MessageView::parse(many + "\r\n")->defect().has_value());
  CHECK(kind(many + "a: b\r\n\r\n") == Kind::too_many);
}

TEST_CASE("limits") {
  const std::string head = "INVITE sip:a SIP/2.0\r\n";
  CHECK(MessageView::parse(head + "a: " + std::string(60'000, 'x') + "\r\n\r\n").has_value());
  const auto large = MessageView::parse(head + "a: " + std::string(70'000, 'x') + "\r\n\r\n");
  REQUIRE_FALSE(large);
  CHECK(large.error().code == Errc::too_large);
  const auto line = MessageView::parse("INVITE sip:" + std::string(70'000, 'x') + " SIP/2.0\r\n\r\n");
  REQUIRE_FALSE(line);
  CHECK(line.error().code == Errc::too_large);
}

TEST_CASE("values across fields, with quotes, brackets and comments") {
  const std::string text =
      "OPTIONS sip:a SIP/2.0\r\n"
      "Contact: \"a, b\" <sip:a,b@c>;q=1, <sip:d@e>\r\n"
      "Contact:\r\n"
      "m: <sip:f@g>,\r\n <sip:h@i>\r\n"
      "User-Agent: x (y, z) 1, w\r\n\r\n";
  const auto m = MessageView::parse(text);
  REQUIRE(m);
  CHECK(all(*m, HeaderId::contact) ==
        std::vector<std::string>{"\"a, b\" <sip:a,b@c>;q=1", "<sip:d@e>", "<sip:f@g>", "<sip:h@i>"});
  CHECK(all(*m, HeaderId::user_agent) == std::vector<std::string>{"x (y, z) 1", "w"});
  CHECK(m->count(HeaderId::contact) == 3);
}

TEST_CASE("a view is used again without a trace of what it held") {
  MessageView view;
  REQUIRE(view.assign(Request().text()));
  REQUIRE(view.assign("SIP/2.0 200 OK\r\nCSeq: 2 BYE\r\n\r\n"));
  CHECK(view.is_response());
  CHECK_FALSE(view.has(HeaderId::via));
  CHECK(view.method() == Method::bye);
  CHECK(view.request_uri().empty());
  CHECK(view.headers().size() == 1);
}

TEST_CASE("an incoming message keeps its own bytes") {
  std::string text = Request().text();
  const auto message = Incoming::parse(text, udp(), kStart);
  REQUIRE(message);
  text.assign(text.size(), 'x');
  CHECK((*message)->view().call_id() == "call-1@192.0.2.7");
  CHECK((*message)->flow() == udp());
  CHECK((*message)->time() == kStart);
  CHECK_FALSE(Incoming::parse("nonsense", udp(), kStart).has_value());
}
