#include "sip/dialog.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "fixtures.hpp"

using namespace talky;
using namespace talky::sip;
using namespace talky::sip::test;

namespace {

const std::string kOurs = "<sip:100@198.51.100.1:5060>";

Dialog answered(const Request& r = {}) {
  auto dialog = Dialog::from_invite(*r.incoming(), "t1", kOurs);
  REQUIRE(dialog.has_value());
  return *dialog;
}

Request next(std::string method, std::string cseq) {
  Request r = request(std::move(method), std::move(cseq));
  r.to += ";tag=t1";
  return r;
}

// A request as the peer sees it.
struct Sent {
  Message message;
  MessageView view;
  explicit Sent(Builder builder) : message(builder.build()), view(*message.view()) {}
};

std::vector<std::string> all(const MessageView& message, HeaderId id) {
  std::vector<std::string> out;
  for (const std::string_view value : message.values(id))
    out.emplace_back(value);
  return out;
}

IncomingPtr response(const MessageView& request, int status, const std::string& more = {},
                     const std::string& tag = "b1") {
  Builder b = Builder::reply(request, udp().remote, status, {.to_tag = tag});
  Message m = b.build();
  m.bytes.insert(m.bytes.find("Content-Length"), more);
  return *Incoming::parse(m.bytes, udp(), kStart);
}

} // namespace

TEST_CASE("the server's side (RFC 3261 12.1.1, 12.2.1.1)") {
  Request r;
  r.more = {{"Record-Route", "<sip:p1.example.com;lr>, <sip:p2.example.com;lr>"}};
  Dialog dialog = answered(r);
  CHECK(dialog.id() == DialogId{"call-1@192.0.2.7", "t1", "a1"});
  CHECK(dialog.state() == Dialog::State::early);
  CHECK_FALSE(dialog.is_client());
  CHECK(dialog.remote_target() == "sip:alice@192.0.2.7:5060;ob");
  CHECK(dialog.flow() == udp());
  dialog.confirm();
  CHECK(dialog.state() == Dialog::State::confirmed);

  const Sent bye(dialog.request(Method::bye));
  CHECK(bye.view.request_uri() == "sip:alice@192.0.2.7:5060;ob");
  CHECK(bye.view.value(HeaderId::from) == "<sip:100@198.51.100.1>;tag=t1");
  CHECK(bye.view.value(HeaderId::to) == "\"Alice\" <sip:alice@198.51.100.1>;tag=a1");
  CHECK(bye.view.call_id() == "call-1@192.0.2.7");
  CHECK(bye.view.value(HeaderId::cseq) == "1 BYE");
  CHECK(bye.view.value(HeaderId::max_forwards) == "70");
  CHECK_FALSE(bye.view.has(HeaderId::contact));
  CHECK(all(bye.view, HeaderId::route) ==
        std::vector<std::string>{"<sip:p1.example.com;lr>", "<sip:p2.example.com;lr>"});

  const Sent invite(dialog.request(Method::invite));
  CHECK(invite.view.value(HeaderId::cseq) == "2 INVITE");
  CHECK(invite.view.value(HeaderId::contact) == kOurs);
  CHECK(dialog.invite_cseq() == 2);
  const Sent info(dialog.request(Method::info));
  CHECK(info.view.value(HeaderId::cseq) == "3 INFO");
  const Sent ack(dialog.request(Method::ack));
  CHECK(ack.view.value(HeaderId::cseq) == "2 ACK");
  CHECK(dialog.local_cseq() == 3);
}

TEST_CASE("a strict router is the Request-URI, the target comes last (RFC 2543)") {
  Request r;
  r.more = {{"Record-Route", "<sip:strict.example.com;x=y>"}, {"Record-Route", "<sip:p2.example.com;lr>"}};
  Dialog dialog = answered(r);
  const Sent bye(dialog.request(Method::bye));
  CHECK(bye.view.request_uri() == "sip:strict.example.com;x=y");
  CHECK(all(bye.view, HeaderId::route) ==
        std::vector<std::string>{"<sip:p2.example.com;lr>", "<sip:alice@192.0.2.7:5060;ob>"});
}

TEST_CASE("requests that cannot make a dialog") {
  Request r;
  r.contact = "<mailto:a@b>";
  CHECK_FALSE(Dialog::from_invite(*r.incoming(), "t", kOurs).has_value());
  r = {};
  r.more = {{"Record-Route", "nonsense"}};
  CHECK_FALSE(Dialog::from_invite(*r.incoming(), "t", kOurs).has_value());
  r = {};
  r.from = "\"open";
  CHECK_FALSE(Dialog::from_invite(*r.incoming(), "t", kOurs).has_value());
  r = {};
  r.contact.clear(); // RFC 2543
  r.from = "<sip:old@192.0.2.7>";
  const auto old = Dialog::from_invite(*r.incoming(), "t", kOurs);
  REQUIRE(old);
  CHECK(old->remote_target() == "sip:old@192.0.2.7");
  CHECK(old->id().remote_tag.empty());
}

TEST_CASE("requests inside: order of CSeq, target refresh, flow (RFC 3261 12.2.2)") {
  Dialog dialog = answered();
  CHECK(dialog.receive_request(*next("ACK", "1").incoming()) == 0);
  CHECK(dialog.receive_request(*next("ACK", "2").incoming()) == 500);
  CHECK(dialog.receive_request(*next("INFO", "5").incoming()) == 0);
  CHECK(dialog.receive_request(*next("INFO", "4").incoming()) == 500);
  CHECK(dialog.remote_cseq() == 5);

  Request info = next("INFO", "6");
  info.contact = "<sip:elsewhere@192.0.2.8>";
  CHECK(dialog.receive_request(*info.incoming()) == 0);
  CHECK(dialog.remote_target() == "sip:alice@192.0.2.7:5060;ob"); // INFO refreshes nothing

  Request reinvite = next("INVITE", "7");
  reinvite.contact = "<sip:alice@203.0.113.9:7000>";
  CHECK(dialog.receive_request(*reinvite.incoming(udp("203.0.113.9:41000"))) == 0);
  CHECK(dialog.remote_target() == "sip:alice@203.0.113.9:7000");
  CHECK(dialog.flow().remote == *Endpoint::parse("203.0.113.9:41000"));
  CHECK(dialog.receive_request(*next("ACK", "7").incoming()) == 0);

  Request broken = next("INVITE", "8");
  broken.contact = "<mailto:x@y>";
  CHECK(dialog.receive_request(*broken.incoming()) == 0);
  CHECK(dialog.remote_target() == "sip:alice@203.0.113.9:7000");
}

TEST_CASE("replies inside carry the tag and, where it matters, Contact") {
  const Dialog dialog = answered();
  const auto invite = Request().incoming();
  CHECK(dialog.reply(*invite, 200).build().view()->to_tag() == "t1");
  CHECK(dialog.reply(*invite, 200).build().view()->value(HeaderId::contact) == kOurs);
  CHECK_FALSE(dialog.reply(*invite, 100).build().view()->has(HeaderId::contact));
  CHECK_FALSE(dialog.reply(*invite, 488).build().view()->has(HeaderId::contact));
  CHECK_FALSE(dialog.reply(*next("BYE", "2").incoming(), 200).build().view()->has(HeaderId::contact));
}

TEST_CASE(
    "the client's side: reversed route set, 2xx sets it again and confirms (RFC 3261 12.1.2, 13.2.2.4)") {
  Request r;
  r.cseq = "41";
  const auto invite = r.incoming();
  const auto ringing = response(
      invite->view(), 180, "Record-Route: <sip:p1;lr>, <sip:p2;lr>\r\nContact: <sip:bob@192.0.2.50>\r\n");
  auto early = Dialog::from_response(invite->view(), *ringing, "<sip:alice@192.0.2.7>");
  REQUIRE(early);
  CHECK(early->is_client());
  CHECK(early->state() == Dialog::State::early);
  CHECK(early->id() == DialogId{"call-1@192.0.2.7", "a1", "b1"});
  CHECK(early->route_set() == std::vector<std::string>{"<sip:p2;lr>", "<sip:p1;lr>"});
  CHECK(early->remote_target() == "sip:bob@192.0.2.50");

  const auto ok =
      response(invite->view(), 200, "Record-Route: <sip:p3;lr>\r\nContact: <sip:bob@192.0.2.51>\r\n");
  early->receive_response(*ok);
  CHECK(early->state() == Dialog::State::confirmed);
  CHECK(early->route_set() == std::vector<std::string>{"<sip:p3;lr>"});
  const Sent ack(early->request(Method::ack));
  CHECK(ack.view.value(HeaderId::cseq) == "41 ACK");
  CHECK(ack.view.request_uri() == "sip:bob@192.0.2.51");
  CHECK(ack.view.to_tag() == "b1");
  CHECK(ack.view.from_tag() == "a1");
  CHECK(Sent(early->request(Method::bye)).view.value(HeaderId::cseq) == "42 BYE");
  CHECK(Sent(early->ack(41)).view.value(HeaderId::cseq) == "41 ACK");

  // A later 2xx to a re-INVITE moves the target but not the routes.
  const Sent reinvite(early->request(Method::invite));
  early->receive_response(
      *response(reinvite.view, 200, "Record-Route: <sip:p9;lr>\r\nContact: <sip:bob@192.0.2.52>\r\n"));
  CHECK(early->route_set() == std::vector<std::string>{"<sip:p3;lr>"});
  CHECK(early->remote_target() == "sip:bob@192.0.2.52");
}

TEST_CASE("a forked INVITE makes a dialog of each tag") {
  const auto invite = Request().incoming();
  const auto one = response(invite->view(), 200, "Contact: <sip:one@x>\r\n", "b1");
  const auto two = response(invite->view(), 200, "Contact: <sip:two@x>\r\n", "b2");
  const auto first = Dialog::from_response(invite->view(), *one, "<sip:a@b>");
  const auto second = Dialog::from_response(invite->view(), *two, "<sip:a@b>");
  REQUIRE(first);
  REQUIRE(second);
  CHECK(first->state() == Dialog::State::confirmed);
  CHECK(first->id() != second->id());
  CHECK(dialog_id_of_response(two->view()) == second->id());
  CHECK(second->remote_target() == "sip:two@x");
}

TEST_CASE("responses that make no dialog, and those that end one") {
  const auto invite = Request().incoming();
  CHECK_FALSE(Dialog::from_response(invite->view(), *response(invite->view(), 100), "x").has_value());
  CHECK_FALSE(Dialog::from_response(invite->view(), *response(invite->view(), 404), "x").has_value());
  CHECK_FALSE(Dialog::from_response(invite->view(), *response(invite->view(), 180, "", ""), "x").has_value());

  for (const int status : {481, 408}) {
    Dialog dialog = answered();
    const Sent update(dialog.request(Method::update));
    dialog.receive_response(*response(update.view, status));
    CHECK(dialog.state() == Dialog::State::terminated);
  }
  Dialog dialog = answered();
  const Sent update(dialog.request(Method::update));
  dialog.receive_response(*response(update.view, 491));
  CHECK(dialog.state() == Dialog::State::early);
}

TEST_CASE("both sides call the dialog by the same three names") {
  Dialog dialog = answered();
  CHECK(dialog_id_of_request(next("BYE", "2").incoming()->view()) == dialog.id());
  const Sent bye(dialog.request(Method::bye));
  CHECK(dialog_id_of_response(response(bye.view, 200, "", "a1")->view()) == dialog.id());
}
