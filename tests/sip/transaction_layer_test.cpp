// The server side of the transaction layer: matching, CANCEL, merged requests, refusals.
#include <string>

#include "layer_stack.hpp"

using namespace talky;
using namespace talky::sip;
using namespace talky::sip::test;

TEST_CASE("a request is told once, its retransmissions are answered from memory") {
  Stack s;
  const std::string options = request("OPTIONS").text();
  s.receive(options);
  REQUIRE(s.requests.size() == 1);
  s.receive(options, kStart + 500ms);
  CHECK(s.requests.size() == 1);
  CHECK(s.sent.empty());
  s.respond(s.requests[0].id, *s.requests[0].request, 200);
  REQUIRE(s.sent.size() == 1);
  CHECK(s.sent[0].flow == udp()); // to the source, not to the Via
  s.receive(options, kStart + 1s);
  REQUIRE(s.sent.size() == 2);
  CHECK(s.sent[1].bytes == s.sent[0].bytes);
  CHECK(s.layer.counters().retransmissions == 2);
  s.run(kStart + 32s);
  CHECK(s.layer.size() == 0);
  s.receive(options, kStart + 40s);
  CHECK(s.requests.size() == 2); // forgotten by now
}

TEST_CASE("branch, sent-by and method make a transaction") {
  Stack s;
  Request a = request("OPTIONS");
  s.receive(a.text());
  Request other_host = a;
  other_host.via = "SIP/2.0/UDP 192.0.2.8:5060;branch=z9hG4bK1";
  other_host.call_id = "other";
  s.receive(other_host.text());
  CHECK(s.requests.size() == 2);
  Request default_port = a;
  default_port.via = "SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK1";
  s.receive(default_port.text());
  CHECK(s.requests.size() == 2); // 5060 is the same as none
  Request bye = in_dialog("BYE", "2", "z9hG4bK1");
  s.receive(bye.text());
  CHECK(s.requests.size() == 3);
}

TEST_CASE("an INVITE that is refused: ACK by branch, retransmissions stop") {
  Stack s;
  s.receive(Request().text());
  s.respond(s.requests.at(0).id, *s.requests[0].request, 486);
  s.run(kStart + 1s);
  CHECK(s.sent.size() == 2);
  s.receive(in_dialog("ACK", "1", "z9hG4bK1").text(), kStart + 1s);
  CHECK(s.acks.empty());
  s.run(kStart + 60s);
  CHECK(s.sent.size() == 2);
  CHECK(s.timed_out.empty());
  CHECK(s.layer.size() == 0);
}

TEST_CASE("an INVITE that is refused and never acknowledged times out") {
  Stack s;
  s.receive(Request().text());
  s.respond(s.requests.at(0).id, *s.requests[0].request, 486);
  s.run(kStart + 60s);
  CHECK(s.sent.size() == 11);
  CHECK(s.timed_out == std::vector{s.requests[0].id});
}

TEST_CASE("an INVITE that is answered: its ACK has another branch and is the user's") {
  Stack s;
  s.receive(Request().text());
  s.respond(s.requests.at(0).id, *s.requests[0].request, 200);
  s.receive(in_dialog("ACK", "1", "z9hG4bK2").text(), kStart + 100ms);
  REQUIRE(s.acks.size() == 1);
  CHECK(s.acks[0].ack->view().to_tag() == "t1");
  s.receive(Request().text(), kStart + 1s); // a late copy of the INVITE is absorbed
  CHECK(s.requests.size() == 1);
  CHECK(s.sent.size() == 1);
  s.run(kStart + 60s);
  CHECK(s.sent.size() == 1); // the 2xx is repeated by the user, not here
  CHECK(s.layer.size() == 0);
}

TEST_CASE("100 Trying comes by itself") {
  Stack s;
  s.receive(Request().text());
  s.run(kStart + 199ms);
  CHECK(s.sent.empty());
  s.run(kStart + 200ms);
  CHECK(s.last_status() == 100);
}

TEST_CASE("RFC 2543 peers are matched without a cookie") {
  Stack s;
  Request r;
  r.via = "SIP/2.0/UDP 192.0.2.7:5060";
  s.receive(r.text());
  s.receive(r.text());
  REQUIRE(s.requests.size() == 1);
  Request other = r;
  other.call_id = "another";
  s.receive(other.text());
  CHECK(s.requests.size() == 2);
  s.respond(s.requests[0].id, *s.requests[0].request, 486);

  Request ack = request("ACK");
  ack.via = r.via;
  ack.to += ";tag=wrong";
  s.receive(ack.text());
  CHECK(s.acks.size() == 1); // not of this transaction
  ack.to = r.to + ";tag=t1";
  s.receive(ack.text());
  CHECK(s.acks.size() == 1);
  const std::size_t before = s.sent.size();
  s.receive(r.text(), kStart + 100ms); // in Confirmed nothing is sent
  CHECK(s.sent.size() == before);
}

TEST_CASE("CANCEL: 200 for itself, an event for the INVITE, once") {
  Stack s;
  s.receive(Request().text());
  Request cancel = request("CANCEL");
  s.receive(cancel.text(), kStart + 100ms);
  REQUIRE(s.cancels.size() == 1);
  CHECK(s.cancels[0].invite == s.requests[0].id);
  CHECK(s.last_status() == 200);
  const std::string reply = s.sent.back().bytes;
  s.receive(cancel.text(), kStart + 200ms);
  CHECK(s.cancels.size() == 1);
  CHECK(s.sent.back().bytes == reply);
  s.respond(s.cancels[0].invite, *s.requests[0].request, 487);
  CHECK(s.last_status() == 487);
  CHECK(s.requests.size() == 1);
}

TEST_CASE("CANCEL: the To tag is that of the answers to the INVITE") {
  Stack s;
  s.receive(Request().text());
  s.respond(s.requests[0].id, *s.requests[0].request, 180);
  s.receive(request("CANCEL").text());
  CHECK(MessageView::parse(s.sent.back().bytes)->to_tag() == "t1");
}

TEST_CASE("CANCEL: too late, without an INVITE, or of a stranger") {
  Stack s;
  s.receive(request("CANCEL").text());
  CHECK(s.last_status() == 481);
  s.run(kStart + 40s);

  s.receive(Request().text());
  s.receive(request("CANCEL").text(), kStart, udp("203.0.113.5:5060"));
  CHECK(s.last_status() == 481);
  CHECK(s.cancels.empty());

  Stack late;
  late.receive(Request().text());
  late.respond(late.requests[0].id, *late.requests[0].request, 200);
  late.receive(request("CANCEL").text());
  CHECK(late.last_status() == 200);
  CHECK(late.cancels.empty());
}

TEST_CASE("a request that comes by two ways is merged: 482") {
  Stack s;
  s.receive(Request().text());
  Request copy;
  copy.via = "SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKother";
  s.receive(copy.text());
  CHECK(s.requests.size() == 1);
  CHECK(s.last_status() == 482);
  CHECK(s.layer.counters().merged == 1);
  // In a dialog the same numbers are no sign of that, and a new CSeq is a new request.
  Request next;
  next.cseq = "2";
  next.via = "SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bKthird";
  s.receive(next.text());
  CHECK(s.requests.size() == 2);
}

TEST_CASE("refusals: an INVITE's waits for its ACK, others are stateless and alike") {
  Stack s;
  Request invite;
  invite.more = {{"Require", "foo"}};
  s.receive(invite.text());
  CHECK(s.last_status() == 420);
  CHECK(s.layer.size() == 1);
  CHECK(s.requests.empty());
  s.receive(in_dialog("ACK", "1", "z9hG4bK1").text());
  CHECK(s.acks.empty());
  s.run(kStart + 60s);
  CHECK(s.timed_out.empty());
  CHECK(s.layer.size() == 0);

  Request options = request("OPTIONS");
  options.more = {{"Require", "foo"}};
  s.receive(options.text());
  const std::string first = s.sent.back().bytes;
  CHECK(s.layer.size() == 0);
  s.receive(options.text());
  CHECK(s.sent.back().bytes == first);
  CHECK_FALSE(MessageView::parse(first)->to_tag().empty());
  CHECK(s.refused.size() == 3);
  CHECK(s.refused[0].status == 420);
}

TEST_CASE("keep-alives and garbage make no answer") {
  Stack s;
  s.receive("\r\n\r\n");
  s.receive("\r\n");
  s.receive(std::string(4, '\0'));
  CHECK(s.layer.counters().keep_alives == 3);
  CHECK(s.refused.empty());
  s.receive("hello world");
  s.receive("GET / HTTP/1.1\r\n\r\n");
  s.receive("SIP/2.0 200 OK\r\n\r\n");
  CHECK(s.layer.counters().unparsable == 2);
  CHECK(s.sent.empty());
  CHECK(s.layer.size() == 0);
}
