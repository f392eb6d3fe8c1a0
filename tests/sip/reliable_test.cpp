// What is sent again until somebody confirms it: 2xx (RFC 3261 13.3.1.4) and provisional responses (RFC
// 3262).
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "fixtures.hpp"
#include "sip/reliable_2xx.hpp"
#include "sip/reliable_provisional.hpp"

using namespace talky;
using namespace talky::sip;
using namespace talky::sip::test;

namespace {

template <class Machine>
std::vector<std::int64_t> run(Machine& machine, Time until) {
  std::vector<std::int64_t> out;
  for (auto due = machine.deadline(); due && *due <= until; due = machine.deadline()) {
    machine.expire(*due);
    while (machine.poll())
      out.push_back(to_ms(*due - kStart));
  }
  return out;
}

Builder ringing() {
  return Builder::reply(*Request().incoming(), 183, {.to_tag = "t1"});
}

MessageView prack(Request& holder, const std::string& rack, std::string& text) {
  holder = request("PRACK", "2");
  if (!rack.empty()) holder.more = {{"RAck", rack}};
  text = holder.text();
  return *MessageView::parse(text);
}

} // namespace

TEST_CASE("a 2xx comes again at T1, doubling to T2, until 64 T1") {
  const Message ok = Builder::reply(*Request().incoming(), 200, {.to_tag = "t1"}).build();
  Reliable2xx lost(Timers(), ok, 1, kStart);
  CHECK_FALSE(lost.poll().has_value());
  CHECK(run(lost, kStart + 100s) ==
        std::vector<std::int64_t>{500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500});
  CHECK(lost.failed());
  CHECK_FALSE(lost.acknowledged());

  Reliable2xx acked(Timers(), ok, 1, kStart);
  CHECK(run(acked, kStart + 1s).size() == 1);
  const std::string other = request("ACK", "2").text();
  CHECK_FALSE(acked.receive(*MessageView::parse(other)));
  const std::string bye = request("BYE", "1").text();
  CHECK_FALSE(acked.receive(*MessageView::parse(bye)));
  const std::string ack = request("ACK", "1").text();
  CHECK(acked.receive(*MessageView::parse(ack)));
  CHECK(acked.acknowledged());
  CHECK_FALSE(acked.deadline().has_value());
  acked.expire(kStart + 100s);
  CHECK_FALSE(acked.failed());
  CHECK_FALSE(acked.poll().has_value());
}

TEST_CASE("reliable provisional responses: Require, RSeq, one after the other") {
  ReliableProvisional machine(Timers(), 100, 1);
  machine.respond(ringing(), "application/sdp", "v=0\r\n", kStart);
  machine.respond(ringing(), "", "", kStart);
  const auto first = machine.poll();
  REQUIRE(first.has_value());
  CHECK(first->view()->lists(HeaderId::require, "100rel"));
  CHECK(first->view()->value(HeaderId::rseq) == "100");
  CHECK(first->view()->body() == "v=0\r\n");
  CHECK_FALSE(machine.poll().has_value()); // the second waits

  Request holder;
  std::string text;
  CHECK(machine.receive(prack(holder, "", text), kStart) == 400);
  CHECK(machine.receive(prack(holder, "101 1 INVITE", text), kStart) == 481);
  CHECK(machine.receive(prack(holder, "100 2 INVITE", text), kStart) == 481);
  CHECK(machine.receive(prack(holder, "100 1 UPDATE", text), kStart) == 481);
  CHECK(machine.outstanding());
  CHECK(machine.receive(prack(holder, "100 1 INVITE", text), kStart + 1s) == 200);
  CHECK(machine.receive(prack(holder, "100 1 INVITE", text), kStart + 1s) == 481);
  const auto second = machine.poll();
  REQUIRE(second.has_value());
  CHECK(second->view()->value(HeaderId::rseq) == "101");
  CHECK(machine.receive(prack(holder, "101 1 INVITE", text), kStart + 2s) == 200);
  CHECK_FALSE(machine.outstanding());
  CHECK_FALSE(machine.deadline().has_value());
}

TEST_CASE("reliable provisional responses: sent again, doubling, failed after 64 T1") {
  ReliableProvisional machine(Timers(), 1, 1);
  machine.respond(ringing(), "", "", kStart);
  CHECK(machine.poll().has_value());
  CHECK(run(machine, kStart + 100s) == std::vector<std::int64_t>{500, 1500, 3500, 7500, 15500, 31500});
  CHECK(machine.failed());
  CHECK_FALSE(machine.outstanding());

  ReliableProvisional stopped(Timers(), 1, 1);
  stopped.respond(ringing(), "", "", kStart);
  stopped.stop();
  CHECK_FALSE(stopped.poll().has_value());
  CHECK_FALSE(stopped.deadline().has_value());
  CHECK_FALSE(stopped.failed());
}

TEST_CASE("the receiver of reliable provisional responses keeps their order") {
  using Action = ReliableProvisionalReceiver::Action;
  ReliableProvisionalReceiver receiver;
  const auto receive = [&](const char* rseq, bool require = true, int status = 183) {
    Builder b = Builder::reply(*Request().incoming(), status, {.to_tag = "t1"});
    if (require) b.header(HeaderId::require, "foo, 100REL");
    if (*rseq != '\0') b.header(HeaderId::rseq, rseq);
    const Message m = b.build();
    return receiver.receive(*m.view());
  };
  CHECK(receive("", true) == Action::unreliable);
  CHECK(receive("5", false) == Action::unreliable);
  CHECK(receive("5", true, 200) == Action::unreliable);
  CHECK(receive("5", true, 100) == Action::unreliable);
  CHECK(receive("5") == Action::acknowledge);
  CHECK(receiver.rack() == "5 1 INVITE");
  CHECK(receive("5") == Action::again);
  CHECK(receive("7") == Action::ignore);
  CHECK(receive("6") == Action::acknowledge);
  CHECK(receive("7") == Action::acknowledge);
  CHECK(receiver.rack() == "7 1 INVITE");
  CHECK(receive("4") == Action::again);
}
