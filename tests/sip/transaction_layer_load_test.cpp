// The transaction layer under load: its caps, its timers, and that it is the same every time.
#include <string>

#include "layer_stack.hpp"

using namespace talky;
using namespace talky::sip;
using namespace talky::sip::test;

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
    send(i, kStart, "192.0.2.7:40000");
  CHECK(s.requests.size() == 3);
  CHECK(s.sent.size() == 2);
  CHECK(s.last_status() == 503);
  CHECK(MessageView::parse(s.sent[0].bytes)->has(HeaderId::retry_after));
  CHECK(s.layer.counters().overload == 7);
  send(50, kStart, "192.0.2.99:40000");
  CHECK(s.requests.size() == 4);
  send(51, kStart + 2s, "192.0.2.7:41111"); // the port does not make another source
  CHECK(s.sent.size() == 3);
  s.respond(s.requests[0].id, *s.requests[0].request, 200);
  send(52, kStart + 2s, "192.0.2.7:40000"); // answered ones do not count
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
    s.receive(r.text(), kStart + i * 1ms, flow);
    s.respond(s.requests.back().id, *s.requests.back().request, 200, kStart + i * 1ms);
  }
  CHECK(s.layer.size() == 10'000);
  Time last = kStart;
  while (const auto due = s.layer.deadline()) {
    CHECK(*due >= last);
    last = *due;
    s.layer.expire(*due);
  }
  CHECK(s.layer.size() == 0);
  CHECK(last == kStart + 9'999ms + 32s);
}

TEST_CASE("the same inputs give the same outputs, and another seed other branches") {
  const auto branches = [](const Random::Seed& seed) {
    TransactionLayer layer({}, seed);
    std::string out;
    for (int i = 0; i < 5; ++i)
      layer.request(udp(), Message{request("BYE").text()}, kStart);
    while (const auto output = layer.poll())
      out += std::get<Datagram>(*output).bytes;
    return out;
  };
  CHECK(branches({1, 2, 3, 4}) == branches({1, 2, 3, 4}));
  CHECK(branches({1, 2, 3, 4}) != branches({1, 2, 3, 5}));
}
