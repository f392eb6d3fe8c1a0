#include "sip/transaction.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "fixtures.hpp"

using namespace talky;
using namespace talky::sip;
using namespace talky::sip::test;

namespace {

using Kind = TransactionOutput::Kind;
using State = TransactionState;

constexpr Timers kTimers;

struct Event {
  std::int64_t ms; // since `start`
  Kind kind;
  std::string bytes;
  bool operator==(const Event&) const = default;
};

template <class Machine>
void drain(Machine& machine, Time now, std::vector<Event>& out) {
  while (auto output = machine.poll())
    out.push_back({to_ms(now - kStart), output->kind, output->bytes});
}

// Runs its timers, each at its own moment, up to and including `until`.
template <class Machine>
std::vector<Event> run(Machine& machine, Time until) {
  std::vector<Event> out;
  drain(machine, kStart, out);
  for (auto due = machine.deadline(); due && *due <= until; due = machine.deadline()) {
    machine.expire(*due);
    drain(machine, *due, out);
  }
  return out;
}

std::vector<std::int64_t> times(const std::vector<Event>& events, Kind kind) {
  std::vector<std::int64_t> out;
  for (const Event& event : events) {
    if (event.kind == kind) out.push_back(event.ms);
  }
  return out;
}

Message reply(int status) {
  return Builder::reply(*Request().incoming(), status, {.to_tag = "t1"}).build();
}

const Message kInvite{Request().text()};

using Times = std::vector<std::int64_t>;

} // namespace

TEST_CASE("INVITE server: 100 by itself after 200 ms, and to a retransmission before that") {
  InviteServer machine(kTimers, false, kStart);
  machine.set_trying(reply(100));
  auto events = run(machine, kStart + 10s);
  CHECK(events == std::vector<Event>{{200, Kind::send, reply(100).bytes}});
  machine.receive(Method::invite, kStart + 10s);
  CHECK(machine.poll()->bytes == reply(100).bytes);

  InviteServer early(kTimers, false, kStart);
  early.set_trying(reply(100));
  early.receive(Method::invite, kStart + 50ms);
  CHECK(early.poll()->bytes == reply(100).bytes);
  CHECK(run(early, kStart + 10s).empty());
}

TEST_CASE("INVITE server: an answer within 200 ms needs no 100") {
  InviteServer machine(kTimers, false, kStart);
  machine.set_trying(reply(100));
  machine.respond(180, reply(180), kStart + 100ms);
  CHECK(machine.poll()->bytes == reply(180).bytes);
  CHECK(run(machine, kStart + 100s).empty());
  CHECK(machine.state() == State::proceeding);
  machine.receive(Method::invite, kStart + 1s);
  CHECK(machine.poll()->bytes == reply(180).bytes);
}

TEST_CASE("INVITE server: 300-699 are sent again until ACK (timers G, H, I)") {
  InviteServer machine(kTimers, false, kStart);
  machine.respond(486, reply(486), kStart);
  CHECK(machine.state() == State::completed);
  const auto lost = run(machine, kStart + 40s);
  CHECK(times(lost, Kind::send) == Times{0, 500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500});
  CHECK(times(lost, Kind::time_out) == Times{32000});
  CHECK(machine.state() == State::terminated);
  CHECK_FALSE(machine.deadline().has_value());

  InviteServer acked(kTimers, false, kStart);
  acked.respond(486, reply(486), kStart);
  CHECK(acked.poll()->kind == Kind::send);
  acked.receive(Method::ack, kStart + 700ms);
  CHECK(acked.state() == State::confirmed);
  acked.receive(Method::ack, kStart + 800ms);
  acked.receive(Method::invite, kStart + 900ms);
  CHECK(run(acked, kStart + 5699ms).empty());
  CHECK(acked.state() == State::confirmed);
  CHECK(run(acked, kStart + 5700ms).empty());
  CHECK(acked.state() == State::terminated);
}

TEST_CASE("INVITE server over TCP: no retransmission, no waiting behind the ACK, but timer H") {
  InviteServer machine(kTimers, true, kStart);
  machine.respond(486, reply(486), kStart);
  const auto events = run(machine, kStart + 40s);
  CHECK(times(events, Kind::send) == Times{0});
  CHECK(times(events, Kind::time_out) == Times{32000});

  InviteServer acked(kTimers, true, kStart);
  acked.respond(486, reply(486), kStart);
  acked.receive(Method::ack, kStart + 1s);
  CHECK(acked.state() == State::terminated);
}

TEST_CASE(
    "INVITE server: Accepted (RFC 6026) absorbs INVITEs, passes further 2xx and ACKs, ends after timer L") {
  InviteServer machine(kTimers, false, kStart);
  machine.respond(200, reply(200), kStart);
  CHECK(machine.state() == State::accepted);
  CHECK(machine.poll()->bytes == reply(200).bytes);
  machine.receive(Method::invite, kStart + 1s);
  CHECK_FALSE(machine.poll().has_value());
  machine.respond(200, reply(200), kStart + 2s);
  CHECK(machine.poll()->kind == Kind::send);
  machine.respond(500, reply(500), kStart + 2s);
  CHECK_FALSE(machine.poll().has_value());
  machine.receive(Method::ack, kStart + 3s);
  CHECK(machine.poll()->kind == Kind::deliver);
  CHECK(run(machine, kStart + 31999ms).empty());
  CHECK(machine.state() == State::accepted);
  CHECK(run(machine, kStart + 32s).empty());
  CHECK(machine.state() == State::terminated);
}

TEST_CASE("non-INVITE server: absorbs, repeats its answer, ends after timer J") {
  NonInviteServer machine(kTimers, false);
  machine.receive();
  CHECK_FALSE(machine.poll().has_value());
  machine.respond(200, reply(200), kStart);
  CHECK(machine.poll()->bytes == reply(200).bytes);
  machine.receive();
  CHECK(machine.poll()->bytes == reply(200).bytes);
  machine.respond(500, reply(500), kStart + 1s);
  CHECK_FALSE(machine.poll().has_value());
  CHECK(machine.deadline() == kStart + 32s);
  machine.expire(kStart + 32s);
  CHECK(machine.state() == State::terminated);

  NonInviteServer stream(kTimers, true);
  stream.respond(200, reply(200), kStart);
  CHECK(stream.state() == State::terminated);
}

TEST_CASE("INVITE client: timers A and B") {
  InviteClient machine(kTimers, false, kInvite, kStart);
  const auto events = run(machine, kStart + 60s);
  CHECK(times(events, Kind::send) == Times{0, 500, 1500, 3500, 7500, 15500, 31500});
  CHECK(times(events, Kind::time_out) == Times{32000});
  CHECK(machine.state() == State::terminated);

  InviteClient stream(kTimers, true, kInvite, kStart);
  CHECK(times(run(stream, kStart + 60s), Kind::send) == Times{0});
}

TEST_CASE("INVITE client: a provisional response ends all timers") {
  InviteClient machine(kTimers, false, kInvite, kStart);
  machine.receive(*reply(180).view(), kStart + 100ms);
  CHECK(machine.state() == State::proceeding);
  CHECK_FALSE(machine.deadline().has_value());
}

TEST_CASE("INVITE client: 300-699 are acknowledged, every time (RFC 3261 17.1.1.3)") {
  Request r;
  r.more = {{"Route", "<sip:p1;lr>"}, {"Route", "<sip:p2;lr>"}};
  InviteClient machine(kTimers, false, Message{r.text()}, kStart);
  machine.poll();
  const Message busy = reply(486);
  machine.receive(*busy.view(), kStart + 100ms);
  CHECK(machine.state() == State::completed);
  CHECK(machine.poll()->kind == Kind::deliver);
  const auto sent = machine.poll();
  REQUIRE(sent.has_value());
  const Message ack{sent->bytes};
  const auto view = ack.view();
  REQUIRE(view);
  CHECK(view->method() == Method::ack);
  CHECK(view->request_uri() == r.uri);
  CHECK(view->value(HeaderId::via) == r.via);
  CHECK(view->count(HeaderId::via) == 1);
  CHECK(view->value(HeaderId::from) == r.from);
  CHECK(view->to_tag() == "t1");
  CHECK(view->call_id() == r.call_id);
  CHECK(view->value(HeaderId::cseq) == "1 ACK");
  CHECK(view->count(HeaderId::route) == 2);
  CHECK(view->body().empty());

  machine.receive(*busy.view(), kStart + 1s);
  CHECK(machine.poll()->bytes == ack.bytes);
  CHECK_FALSE(machine.poll().has_value());
  CHECK(machine.deadline() == kStart + 100ms + 32s);
  machine.expire(kStart + 33s);
  CHECK(machine.state() == State::terminated);
}

TEST_CASE("INVITE client: every 2xx is passed on, for 64 T1 (RFC 6026)") {
  InviteClient machine(kTimers, false, kInvite, kStart);
  machine.poll();
  machine.receive(*reply(200).view(), kStart);
  machine.receive(*reply(200).view(), kStart + 1s);
  machine.receive(*reply(180).view(), kStart + 1s);
  machine.receive(*reply(486).view(), kStart + 1s);
  CHECK(machine.state() == State::accepted);
  const auto events = run(machine, kStart + 60s);
  CHECK(events.size() == 2);
  CHECK(machine.state() == State::terminated);
}

TEST_CASE("INVITE client: CANCEL waits for a provisional response, and then for a final one") {
  InviteClient machine(kTimers, false, kInvite, kStart);
  machine.poll();
  machine.cancel(kStart + 100ms);
  CHECK_FALSE(machine.poll().has_value());
  machine.receive(*reply(180).view(), kStart + 200ms);
  CHECK(machine.poll()->kind == Kind::deliver);
  CHECK(machine.poll()->kind == Kind::send_cancel);
  machine.cancel(kStart + 300ms);
  machine.receive(*reply(180).view(), kStart + 300ms);
  CHECK(machine.poll()->kind == Kind::deliver);
  CHECK_FALSE(machine.poll().has_value()); // once only
  const auto events = run(machine, kStart + 60s);
  CHECK(times(events, Kind::time_out) == Times{32200});

  const Message cancel = make_cancel(*kInvite.view());
  const auto view = cancel.view();
  CHECK(view->method() == Method::cancel);
  CHECK(view->value(HeaderId::cseq) == "1 CANCEL");
  CHECK(view->top_via()->branch() == "z9hG4bK1");
  CHECK(view->to_tag().empty());
}

TEST_CASE("INVITE client: answered after it was cancelled") {
  InviteClient machine(kTimers, false, kInvite, kStart);
  machine.poll();
  machine.receive(*reply(180).view(), kStart);
  machine.cancel(kStart);
  machine.receive(*reply(200).view(), kStart + 1s);
  CHECK(machine.state() == State::accepted);
}

TEST_CASE("non-INVITE client: timers E and F; T2 once it is proceeding; K") {
  const Message bye{request("BYE").text()};
  NonInviteClient machine(kTimers, false, bye, kStart);
  const auto events = run(machine, kStart + 60s);
  CHECK(times(events, Kind::send) ==
        Times{0, 500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500});
  CHECK(times(events, Kind::time_out) == Times{32000});

  NonInviteClient slow(kTimers, false, bye, kStart);
  slow.receive(*reply(100).view(), kStart + 100ms);
  CHECK(times(run(slow, kStart + 60s), Kind::send) ==
        Times{0, 500, 4500, 8500, 12500, 16500, 20500, 24500, 28500});

  NonInviteClient done(kTimers, false, bye, kStart);
  done.receive(*reply(200).view(), kStart + 100ms);
  CHECK(done.state() == State::completed);
  done.receive(*reply(200).view(), kStart + 200ms);
  CHECK(times(run(done, kStart + 60s), Kind::deliver).size() == 1);
  CHECK(done.state() == State::terminated);

  NonInviteClient stream(kTimers, true, bye, kStart);
  CHECK(times(run(stream, kStart + 1s), Kind::send) == Times{0});
  stream.receive(*reply(200).view(), kStart + 1s);
  CHECK(stream.state() == State::terminated);
}
