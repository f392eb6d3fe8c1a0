#include "sip/transaction_layer.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "fixtures.hpp"

using namespace talky;
using namespace talky::sip;
using namespace talky::sip::test;

namespace {

// A layer with its outputs sorted by kind.
struct Stack {
  TransactionLayer layer;
  std::vector<Datagram> sent;
  std::vector<RequestReceived> requests;
  std::vector<AckReceived> acks;
  std::vector<CancelReceived> cancels;
  std::vector<ResponseReceived> responses;
  std::vector<TransactionId> timed_out, failed;
  std::vector<MessageRefused> refused;

  explicit Stack(TransactionLayer::Config config = {}) : layer(std::move(config), Random::Seed{1, 2, 3, 4}) {}

  void take(Datagram& x) { sent.push_back(std::move(x)); }
  void take(RequestReceived& x) { requests.push_back(std::move(x)); }
  void take(AckReceived& x) { acks.push_back(std::move(x)); }
  void take(CancelReceived& x) { cancels.push_back(std::move(x)); }
  void take(ResponseReceived& x) { responses.push_back(std::move(x)); }
  void take(TransactionTimedOut& x) { timed_out.push_back(x.id); }
  void take(TransactionFailed& x) { failed.push_back(x.id); }
  void take(MessageRefused& x) { refused.push_back(x); }
  void drain() {
    while (auto output = layer.poll())
      std::visit([this](auto& x) { take(x); }, *output);
  }
  void receive(const std::string& text, Time now = start, const Flow& flow = udp()) {
    layer.receive(flow, text, now);
    drain();
  }
  void respond(TransactionId id, const Incoming& request, int status, Time now = start) {
    layer.respond(id, Builder::reply(request, status, {.to_tag = "t1"}).build(), now);
    drain();
  }
  void run(Time until) {
    for (auto due = layer.deadline(); due && *due <= until; due = layer.deadline()) {
      layer.expire(*due);
      drain();
    }
  }
  int last_status() const {
    REQUIRE_FALSE(sent.empty());
    return MessageView::parse(sent.back().bytes)->status();
  }
};

TransactionLayer::Config with_methods() {
  TransactionLayer::Config config;
  config.policy.methods.insert(Method::register_);
  config.policy.methods.insert(Method::message);
  return config;
}

Request in_dialog(std::string method, std::string cseq, std::string branch) {
  Request r = request(std::move(method), std::move(cseq));
  r.to += ";tag=t1";
  r.via = "SIP/2.0/UDP 192.0.2.7:5060;rport;branch=" + branch;
  return r;
}

} // namespace

TEST_CASE("a request is told once, its retransmissions are answered from memory") {
  Stack s;
  const std::string options = request("OPTIONS").text();
  s.receive(options);
  REQUIRE(s.requests.size() == 1);
  s.receive(options, start + 500ms);
  CHECK(s.requests.size() == 1);
  CHECK(s.sent.empty());
  s.respond(s.requests[0].id, *s.requests[0].request, 200);
  REQUIRE(s.sent.size() == 1);
  CHECK(s.sent[0].flow == udp()); // to the source, not to the Via
  s.receive(options, start + 1s);
  REQUIRE(s.sent.size() == 2);
  CHECK(s.sent[1].bytes == s.sent[0].bytes);
  CHECK(s.layer.counters().retransmissions == 2);
  s.run(start + 32s);
  CHECK(s.layer.size() == 0);
  s.receive(options, start + 40s);
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
  s.run(start + 1s);
  CHECK(s.sent.size() == 2);
  s.receive(in_dialog("ACK", "1", "z9hG4bK1").text(), start + 1s);
  CHECK(s.acks.empty());
  s.run(start + 60s);
  CHECK(s.sent.size() == 2);
  CHECK(s.timed_out.empty());
  CHECK(s.layer.size() == 0);
}

TEST_CASE("an INVITE that is refused and never acknowledged times out") {
  Stack s;
  s.receive(Request().text());
  s.respond(s.requests.at(0).id, *s.requests[0].request, 486);
  s.run(start + 60s);
  CHECK(s.sent.size() == 11);
  CHECK(s.timed_out == std::vector{s.requests[0].id});
}

TEST_CASE("an INVITE that is answered: its ACK has another branch and is the user's") {
  Stack s;
  s.receive(Request().text());
  s.respond(s.requests.at(0).id, *s.requests[0].request, 200);
  s.receive(in_dialog("ACK", "1", "z9hG4bK2").text(), start + 100ms);
  REQUIRE(s.acks.size() == 1);
  CHECK(s.acks[0].ack->view().to_tag() == "t1");
  s.receive(Request().text(), start + 1s); // a late copy of the INVITE is absorbed
  CHECK(s.requests.size() == 1);
  CHECK(s.sent.size() == 1);
  s.run(start + 60s);
  CHECK(s.sent.size() == 1); // the 2xx is repeated by the user, not here
  CHECK(s.layer.size() == 0);
}

TEST_CASE("100 Trying comes by itself") {
  Stack s;
  s.receive(Request().text());
  s.run(start + 199ms);
  CHECK(s.sent.empty());
  s.run(start + 200ms);
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
  s.receive(r.text(), start + 100ms); // in Confirmed nothing is sent
  CHECK(s.sent.size() == before);
}

TEST_CASE("CANCEL: 200 for itself, an event for the INVITE, once") {
  Stack s;
  s.receive(Request().text());
  Request cancel = request("CANCEL");
  s.receive(cancel.text(), start + 100ms);
  REQUIRE(s.cancels.size() == 1);
  CHECK(s.cancels[0].invite == s.requests[0].id);
  CHECK(s.last_status() == 200);
  const std::string reply = s.sent.back().bytes;
  s.receive(cancel.text(), start + 200ms);
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
  s.run(start + 40s);

  s.receive(Request().text());
  s.receive(request("CANCEL").text(), start, udp("203.0.113.5:5060"));
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
  s.run(start + 60s);
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

TEST_CASE("a client transaction: Via on top, retransmission, response by branch") {
  Stack s;
  const Message options = Builder::request(Method::options, "sip:bob@192.0.2.7")
                              .header(HeaderId::from, "<sip:me@x>;tag=1")
                              .header(HeaderId::to, "<sip:bob@x>")
                              .header(HeaderId::call_id, "c1")
                              .header(HeaderId::cseq, "1 OPTIONS")
                              .build();
  const TransactionId id = s.layer.request(udp(), options, start);
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
  s.run(start + 1600ms);
  CHECK(s.sent.size() == 3);

  const auto request = *Incoming::parse(s.sent[0].bytes, udp(), start);
  const std::string ok = Builder::reply(*request, 200, {.to_tag = "b"}).build().bytes;
  std::string forged = ok;
  forged.replace(forged.find("z9hG4bK") + 8, 4, "xxxx");
  s.receive(forged, start + 2s);
  CHECK(s.responses.empty());
  CHECK(s.layer.counters().stray_responses == 1);
  s.receive(ok, start + 2s);
  s.receive(ok, start + 3s);
  REQUIRE(s.responses.size() == 1);
  CHECK(s.responses[0].id == id);
  s.run(start + 60s);
  CHECK(s.sent.size() == 3);
  CHECK(s.timed_out.empty());
  CHECK(s.layer.size() == 0);
}

TEST_CASE("a client transaction that nobody answers") {
  Stack s;
  const Message bye{request("BYE").text()};
  const TransactionId id = s.layer.request(udp(), bye, start, "sip.example.com:5080");
  s.drain();
  CHECK(MessageView::parse(s.sent[0].bytes)->top_via()->host == "sip.example.com");
  s.run(start + 60s);
  CHECK(s.timed_out == std::vector{id});
}

TEST_CASE("cancelling an INVITE of ours") {
  Stack s;
  Request r;
  r.via.clear();
  const TransactionId id = s.layer.request(udp(), Message{r.text()}, start);
  s.layer.cancel(id, start);
  s.drain();
  CHECK(s.sent.size() == 1); // not before a provisional response
  const auto invite = *Incoming::parse(s.sent[0].bytes, udp(), start);
  s.receive(Builder::reply(*invite, 180, {.to_tag = "b"}).build().bytes, start + 100ms);
  REQUIRE(s.sent.size() == 2);
  const auto cancel = *Incoming::parse(s.sent[1].bytes, udp(), start);
  CHECK(cancel->view().method() == Method::cancel);
  CHECK(cancel->view().top_via()->branch() == invite->view().top_via()->branch());
  s.receive(Builder::reply(*cancel, 200, {.to_tag = "b"}).build().bytes, start + 200ms);
  CHECK(s.responses.size() == 1); // only the 180: the CANCEL's own reply is no news
  s.receive(Builder::reply(*invite, 487, {.to_tag = "b"}).build().bytes, start + 300ms);
  CHECK(s.responses.size() == 2);
  CHECK(MessageView::parse(s.sent.back().bytes)->method() == Method::ack);
  s.run(start + 60s);
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
  s.receive(r.text(), start, tcp());
  Request bye = request("BYE");
  bye.via.clear();
  const TransactionId client = s.layer.request(tcp(), Message{bye.text()}, start);
  s.drain();
  CHECK(s.sent[0].bytes.find("SIP/2.0/TCP ") != std::string::npos);
  s.run(start + 10s);
  CHECK(s.sent.size() == 2); // BYE and the 100
  s.layer.transport_failed(tcp(2), start + 10s);
  s.drain();
  CHECK(s.failed.empty());
  s.layer.transport_failed(tcp(), start + 10s);
  s.drain();
  CHECK(s.failed == std::vector{s.requests[0].id, client});
  CHECK(s.layer.size() == 0);
  s.respond(s.requests[0].id, *s.requests[0].request, 200);
  CHECK(s.sent.size() == 2);
}

TEST_CASE("caps: a source with too much pending gets 503, then silence; others are served") {
  TransactionLayer::Config config;
  config.max_transactions_per_source = 3;
  config.overload_replies_per_second = 2;
  Stack s(config);
  const auto send = [&](int n, Time now, const char* source) {
    Request r = request("OPTIONS");
    r.via = "SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK" + std::to_string(n);
    r.call_id = std::to_string(n);
    s.receive(r.text(), now, udp(source));
  };
  for (int i = 0; i < 10; ++i)
    send(i, start, "192.0.2.7:40000");
  CHECK(s.requests.size() == 3);
  CHECK(s.sent.size() == 2);
  CHECK(s.last_status() == 503);
  CHECK(MessageView::parse(s.sent[0].bytes)->has(HeaderId::retry_after));
  CHECK(s.layer.counters().overload == 7);
  send(50, start, "192.0.2.99:40000");
  CHECK(s.requests.size() == 4);
  send(51, start + 2s, "192.0.2.7:41111"); // the port does not make another source
  CHECK(s.sent.size() == 3);
  s.respond(s.requests[0].id, *s.requests[0].request, 200);
  send(52, start + 2s, "192.0.2.7:40000"); // answered ones do not count
  CHECK(s.requests.size() == 5);
}

TEST_CASE("caps: in all; those that only absorb retransmissions make room") {
  TransactionLayer::Config config;
  config.max_transactions = 5;
  Stack s(config);
  for (int i = 0; i < 100; ++i) {
    Request r = request("OPTIONS");
    r.via = "SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK" + std::to_string(i);
    r.call_id = std::to_string(i);
    s.receive(r.text());
    REQUIRE(s.requests.size() == static_cast<std::size_t>(i) + 1);
    s.respond(s.requests.back().id, *s.requests.back().request, 200);
    CHECK(s.layer.size() <= 5);
  }
  Stack full(config);
  for (int i = 0; i < 10; ++i) {
    Request r;
    r.via = "SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK" + std::to_string(i);
    r.call_id = std::to_string(i);
    full.receive(r.text());
  }
  CHECK(full.requests.size() == 5);
  CHECK(full.last_status() == 503);
}

TEST_CASE("ten thousand transactions: the timers of all run in order") {
  Stack s(with_methods());
  for (int i = 0; i < 10'000; ++i) {
    Request r = request("MESSAGE");
    r.via = "SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK" + std::to_string(i);
    r.call_id = std::to_string(i);
    const Flow flow = udp("192.0.2." + std::to_string(i % 200 + 1) + ":5060");
    s.receive(r.text(), start + i * 1ms, flow);
    s.respond(s.requests.back().id, *s.requests.back().request, 200, start + i * 1ms);
  }
  CHECK(s.layer.size() == 10'000);
  Time last = start;
  while (const auto due = s.layer.deadline()) {
    CHECK(*due >= last);
    last = *due;
    s.layer.expire(*due);
  }
  CHECK(s.layer.size() == 0);
  CHECK(last == start + 9'999ms + 32s);
}

TEST_CASE("the same inputs give the same outputs, and another seed other branches") {
  const auto branches = [](const Random::Seed& seed) {
    TransactionLayer layer({}, seed);
    std::string out;
    for (int i = 0; i < 5; ++i)
      layer.request(udp(), Message{request("BYE").text()}, start);
    while (const auto output = layer.poll())
      out += std::get<Datagram>(*output).bytes;
    return out;
  };
  CHECK(branches({1, 2, 3, 4}) == branches({1, 2, 3, 4}));
  CHECK(branches({1, 2, 3, 4}) != branches({1, 2, 3, 5}));
}
