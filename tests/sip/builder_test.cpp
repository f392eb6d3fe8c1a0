#include "sip/builder.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <string>
#include <utility>
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

TEST_CASE("a reply copies what RFC 3261 8.2.6 says") {
  Request r;
  r.via = "SIP/2.0/UDP phone.example:5062;rport;branch=z9hG4bK1, SIP/2.0/TCP second;branch=z9hG4bK2";
  r.more = {{"Via", "SIP/2.0/UDP third;branch=z9hG4bK3"},
            {"Record-Route", "<sip:p1;lr>, <sip:p2;lr>"},
            {"Record-Route", "<sip:p3;lr>"},
            {"Timestamp", "54"}};
  const auto request = r.incoming();
  const Message reply = Builder::reply(*request, 180, {.to_tag = "t9"}).build();
  const auto m = reply.view();
  REQUIRE(m);
  CHECK(m->status() == 180);
  CHECK(m->reason() == "Ringing");
  CHECK(all(*m, HeaderId::via) ==
        std::vector<std::string>{
            "SIP/2.0/UDP phone.example:5062;branch=z9hG4bK1;received=192.0.2.7;rport=40000",
            "SIP/2.0/TCP second;branch=z9hG4bK2", "SIP/2.0/UDP third;branch=z9hG4bK3"});
  CHECK(all(*m, HeaderId::record_route) ==
        std::vector<std::string>{"<sip:p1;lr>", "<sip:p2;lr>", "<sip:p3;lr>"});
  CHECK(m->value(HeaderId::from) == r.from);
  CHECK(m->value(HeaderId::to) == r.to + ";tag=t9");
  CHECK(m->call_id() == r.call_id);
  CHECK(m->value(HeaderId::cseq) == "1 INVITE");
  CHECK_FALSE(m->has(HeaderId::timestamp));
  CHECK(m->value(HeaderId::content_length) == "0");

  CHECK(Builder::reply(*request, 100).build().view()->value(HeaderId::timestamp) == "54");
  CHECK_FALSE(Builder::reply(*request, 404).build().view()->has(HeaderId::record_route));
  CHECK(Builder::reply(*request, 200, {.reason = "Fine"}).build().view()->reason() == "Fine");
}

TEST_CASE("a tag that is there is kept; a broken To is copied as it is") {
  Request r;
  r.to = "<sip:100@x>;tag=mine";
  CHECK(Builder::reply(*r.incoming(), 200, {.to_tag = "other"}).build().view()->to_tag() == "mine");
  r.to = "\"open <sip:100@x>";
  CHECK(Builder::reply(*r.incoming(), 400, {.to_tag = "other"}).build().view()->value(HeaderId::to) == r.to);
}

TEST_CASE("received and rport") {
  const auto via = [](const std::string& text, const char* source) {
    Request r;
    r.via = text;
    const Message reply = Builder::reply(*r.incoming(udp(source)), 200).build();
    return std::string(*reply.view()->values(HeaderId::via).begin());
  };
  // The same address and no rport: nothing to add.
  CHECK(via("SIP/2.0/UDP 192.0.2.7;branch=z9", "192.0.2.7:40000") == "SIP/2.0/UDP 192.0.2.7;branch=z9");
  CHECK(via("SIP/2.0/UDP 192.0.2.8;branch=z9", "192.0.2.7:40000") ==
        "SIP/2.0/UDP 192.0.2.8;branch=z9;received=192.0.2.7");
  CHECK(via("SIP/2.0/UDP 192.0.2.7;rport;branch=z9", "192.0.2.7:40000") ==
        "SIP/2.0/UDP 192.0.2.7;branch=z9;received=192.0.2.7;rport=40000");
  // What the sender says about itself is not believed.
  CHECK(via("SIP/2.0/UDP 192.0.2.7;rport=1;received=203.0.113.9;branch=z9", "192.0.2.7:40000") ==
        "SIP/2.0/UDP 192.0.2.7;branch=z9;received=192.0.2.7;rport=40000");
  CHECK(via("SIP/2.0/UDP [2001:db8::7];rport;branch=z9", "[2001:db8::7]:40000") ==
        "SIP/2.0/UDP [2001:db8::7];branch=z9;received=2001:db8::7;rport=40000");
  CHECK(via("SIP/2.0/UDP [2001:db8:0::7];branch=z9", "[2001:db8::7]:40000") ==
        "SIP/2.0/UDP [2001:db8:0::7];branch=z9");
}

TEST_CASE("a folded request gives a reply without folds") {
  const std::string text =
      "OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/UDP\r\n 192.0.2.7;branch=z9hG4bK1\r\nFrom: <sip:a@b>\r\n "
      ";tag=1\r\n"
      "To: <sip:c@d>\r\nCall-ID: x\r\nCSeq: 1\r\n OPTIONS\r\n\r\n";
  const auto request = *Incoming::parse(text, udp(), kStart);
  const Message reply = Builder::reply(*request, 200, {.to_tag = "t"}).build();
  CHECK(reply.bytes.find("\r\n ") == std::string::npos);
  CHECK(reply.view()->cseq()->number == 1);
  CHECK(reply.view()->from_tag() == "1");
}

TEST_CASE("nothing that came from outside adds a field of its own") {
  Builder b = Builder::response(200, "OK\r\nEvil: 1");
  b.header(HeaderId::subject, "a\r\nEvil: 2\r\n\r\nbody");
  b.header("X-Name", std::string("b\0c\nEvil: 3", 11));
  b.header("Bad Name", "x").header("Also:Bad", "y").header("", "z");
  const Message m = b.build();
  const auto view = m.view();
  REQUIRE(view);
  CHECK_FALSE(view->defect().has_value());
  CHECK_FALSE(view->find("Evil").has_value());
  CHECK(view->headers().size() == 3);
  CHECK(view->body().empty());
}

TEST_CASE("small helpers") {
  CHECK(to_string(MethodSet{Method::bye, Method::invite}) == "INVITE, BYE");
  CHECK(to_string(MethodSet{}).empty());
  CHECK(contact_for(udp(), "al ice") == "<sip:al%20ice@198.51.100.1:5060>");
  CHECK(contact_for(tcp(), "") == "<sip:198.51.100.1:5060;transport=tcp>");
  const Message m =
      with_top_header(Builder::request(Method::bye, "sip:a@b").build(), HeaderId::via, "SIP/2.0/UDP x");
  CHECK(m.bytes == "BYE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP x\r\nContent-Length: 0\r\n\r\n");
}

TEST_CASE("property: what is built is what is parsed") {
  CHECK(rc::check([] {
    const auto word = rc::gen::nonEmpty(rc::gen::container<std::string>(rc::gen::elementOf(
        std::string("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.!%*_+`'~"))));
    const auto line = rc::gen::container<std::string>(rc::gen::inRange<char>(0x20, 0x7e));
    const std::string method = *word;
    const auto fields =
        *rc::gen::container<std::vector<std::pair<std::string, std::string>>>(rc::gen::pair(word, line));
    const std::string body = *rc::gen::arbitrary<std::string>();
    RC_PRE(fields.size() < MessageView::kMaxHeaders - 5);

    Builder builder = Builder::request(method, "sip:100@example.com");
    for (const auto& [name, value] : fields)
      builder.header("X-" + name, value);
    const Message message = builder.body("text/plain", body);
    const auto view = message.view();
    RC_ASSERT(view.has_value());
    RC_ASSERT(!view->defect().has_value());
    RC_ASSERT(view->method_text() == method);
    RC_ASSERT(view->request_uri() == "sip:100@example.com");
    RC_ASSERT(view->body() == body);
    RC_ASSERT(view->headers().size() == fields.size() + 2);
    for (std::size_t i = 0; i < fields.size(); ++i) {
      std::string_view value = fields[i].second;
      while (!value.empty() && value.front() == ' ')
        value.remove_prefix(1);
      while (!value.empty() && value.back() == ' ')
        value.remove_suffix(1);
      RC_ASSERT(view->headers()[i].name == "X-" + fields[i].first);
      RC_ASSERT(view->headers()[i].value == value);
    }
  }));
}
