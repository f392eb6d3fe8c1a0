// The client side of the transaction layer, and connections that close.
#include <string>

#include "layer_stack.hpp"

using namespace talky;
using namespace talky::sip;
using namespace talky::sip::test;

TEST_CASE("a client transaction: Via on top, retransmission, response by branch") {
  Stack s;
  const Message options = Builder::request(Method::options, "sip:bob@192.0.2.7")
                              .header(HeaderId::from, "<sip:me@x>;tag=1")
                              .header(HeaderId::to, "<sip:bob@x>")
                              .header(HeaderId::call_id, "c1")
                              .header(HeaderId::cseq, "1 OPTIONS")
                              .build();
  const TransactionId id = s.layer.request(udp(), options, kStart);
  s.drain();
  REQUIRE(s.sent.size() == 1);
  const auto view = MessageView::parse(s.sent[0].bytes);
  REQUIRE(view);
  const auto via = view->top_via();
  CHECK(via->host == "198.51.100.1");
  CHECK(via->port == 5060);
  CHECK(via->transport == "UDP");
  CHECK(via->is_rfc3261());
  CHECK(via->wants_rport());
  s.run(kStart + 1600ms);
  CHECK(s.sent.size() == 3);

  const auto request = *Incoming::parse(s.sent[0].bytes, udp(), kStart);
  const std::string ok = Builder::reply(*request, 200, {.to_tag = "b"}).build().bytes;
  std::string forged = ok;
  forged.replace(forged.find("z9hG4bK") + 8, 4, "xxxx");
  s.receive(forged, kStart + 2s);
  CHECK(s.responses.empty());
  CHECK(s.layer.counters().stray_responses == 1);
  s.receive(ok, kStart + 2s);
  s.receive(ok, kStart + 3s);
  REQUIRE(s.responses.size() == 1);
  CHECK(s.responses[0].id == id);
  s.run(kStart + 60s);
  CHECK(s.sent.size() == 3);
  CHECK(s.timed_out.empty());
  CHECK(s.layer.size() == 0);
}

TEST_CASE("a client transaction that nobody answers") {
  Stack s;
  const Message bye{request("BYE").text()};
  const TransactionId id = s.layer.request(udp(), bye, kStart, "sip.example.com:5080");
  s.drain();
  CHECK(MessageView::parse(s.sent[0].bytes)->top_via()->host == "sip.example.com");
  s.run(kStart + 60s);
  CHECK(s.timed_out == std::vector{id});
}

TEST_CASE("cancelling an INVITE of ours") {
  Stack s;
  Request r;
  r.via.clear();
  const TransactionId id = s.layer.request(udp(), Message{r.text()}, kStart);
  s.layer.cancel(id, kStart);
  s.drain();
  CHECK(s.sent.size() == 1); // not before a provisional response
  const auto invite = *Incoming::parse(s.sent[0].bytes, udp(), kStart);
  s.receive(Builder::reply(*invite, 180, {.to_tag = "b"}).build().bytes, kStart + 100ms);
  REQUIRE(s.sent.size() == 2);
  const auto cancel = *Incoming::parse(s.sent[1].bytes, udp(), kStart);
  CHECK(cancel->view().method() == Method::cancel);
  CHECK(cancel->view().top_via()->branch() == invite->view().top_via()->branch());
  s.receive(Builder::reply(*cancel, 200, {.to_tag = "b"}).build().bytes, kStart + 200ms);
  CHECK(s.responses.size() == 1); // only the 180: the CANCEL's own reply is no news
  s.receive(Builder::reply(*invite, 487, {.to_tag = "b"}).build().bytes, kStart + 300ms);
  CHECK(s.responses.size() == 2);
  CHECK(MessageView::parse(s.sent.back().bytes)->method() == Method::ack);
  s.run(kStart + 60s);
  CHECK(s.timed_out.empty());
  CHECK(s.layer.size() == 0);
}

TEST_CASE("an ACK of a 2xx goes out with a branch of its own, a response as it is") {
  Stack s;
  Request ack = request("ACK");
  ack.via.clear();
  s.layer.send(udp(), Message{ack.text()});
  s.drain();
  REQUIRE(s.sent.size() == 1);
  CHECK(MessageView::parse(s.sent[0].bytes)->top_via()->is_rfc3261());
  const Message ok = Builder::reply(*Request().incoming(), 200).build();
  s.layer.send(udp(), ok);
  s.drain();
  CHECK(s.sent[1].bytes == ok.bytes);
  CHECK(s.layer.size() == 0);
}

TEST_CASE("TCP: nothing is retransmitted, and a lost connection ends what used it") {
  Stack s;
  Request r;
  r.via = "SIP/2.0/TCP 192.0.2.7:5060;branch=z9hG4bK1";
  s.receive(r.text(), kStart, tcp());
  Request bye = request("BYE");
  bye.via.clear();
  const TransactionId client = s.layer.request(tcp(), Message{bye.text()}, kStart);
  s.drain();
  CHECK(s.sent[0].bytes.find("SIP/2.0/TCP ") != std::string::npos);
  s.run(kStart + 10s);
  CHECK(s.sent.size() == 2); // BYE and the 100
  s.layer.transport_failed(tcp(2), kStart + 10s);
  s.drain();
  CHECK(s.failed.empty());
  s.layer.transport_failed(tcp(), kStart + 10s);
  s.drain();
  CHECK(s.failed == std::vector{s.requests[0].id, client});
  CHECK(s.layer.size() == 0);
  s.respond(s.requests[0].id, *s.requests[0].request, 200);
  CHECK(s.sent.size() == 2);
}
