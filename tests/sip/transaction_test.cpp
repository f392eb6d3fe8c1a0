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

constexpr Timers timers;

struct Event {
  std::int64_t ms; // since `start`
  Kind kind;
  std::string bytes;
  bool operator==(const Event&) const = default;
};

template <class Machine>
void drain(Machine& machine, Time now, std::vector<Event>& out) {
  while (auto output = machine.poll())
    out.push_back({to_ms(now - start), output->kind, output->bytes});
}

// Runs its timers, each at its own moment, up to and including `until`.
template <class Machine>
std::vector<Event> run(Machine& machine, Time until) {
  std::vector<Event> out;
  drain(machine, start, out);
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

const Message invite{Request().text()};

using Times = std::vector<std::int64_t>;

} // namespace

TEST_CASE("INVITE server: 100 by itself after 200 ms, and to a retransmission before that") {
  InviteServer machine(timers, false, start);
  machine.set_trying(reply(100));
  auto events = run(machine, start + 10s);
  CHECK(events == std::vector<Event>{{200, Kind::send, reply(100).bytes}});
  machine.receive(Method::invite, start + 10s);
  CHECK(machine.poll()->bytes == reply(100).bytes);

  InviteServer early(timers, false, start);
  early.set_trying(reply(100));
  early.receive(Method::invite, start + 50ms);
  CHECK(early.poll()->bytes == reply(100).bytes);
  CHECK(run(early, start + 10s).empty());
}

TEST_CASE("INVITE server: an answer within 200 ms needs no 100") {
  InviteServer machine(timers, false, start);
  machine.set_trying(reply(100));
  machine.respond(180, reply(180), start + 100ms);
  CHECK(machine.poll()->bytes == reply(180).bytes);
  CHECK(run(machine, start + 100s).empty());
  CHECK(machine.state() == State::proceeding);
  machine.receive(Method::invite, start + 1s);
  CHECK(machine.poll()->bytes == reply(180).bytes);
}

TEST_CASE("INVITE server: 300-699 are sent again until ACK (timers G, H, I)") {
  InviteServer machine(timers, false, start);
  machine.respond(486, reply(486), start);
  CHECK(machine.state() == State::completed);
  const auto lost = run(machine, start + 40s);
  CHECK(times(lost, Kind::send) == Times{0, 500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500});
  CHECK(times(lost, Kind::time_out) == Times{32000});
  CHECK(machine.state() == State::terminated);
  CHECK_FALSE(machine.deadline().has_value());

  InviteServer acked(timers, false, start);
  acked.respond(486, reply(486), start);
  CHECK(acked.poll()->kind == Kind::send);
  acked.receive(Method::ack, start + 700ms);
  CHECK(acked.state() == State::confirmed);
  acked.receive(Method::ack, start + 800ms);
  acked.receive(Method::invite, start + 900ms);
  CHECK(run(acked, start + 5699ms).empty());
  CHECK(acked.state() == State::confirmed);
  CHECK(run(acked, start + 5700ms).empty());
  CHECK(acked.state() == State::terminated);
}

TEST_CASE("INVITE server over TCP: no retransmission, no waiting behind the ACK, but timer H") {
  InviteServer machine(timers, true, start);
  machine.respond(486, reply(486), start);
  const auto events = run(machine, start + 40s);
  CHECK(times(events, Kind::send) == Times{0});
  CHECK(times(events, Kind::time_out) == Times{32000});

  InviteServer acked(timers, true, start);
  acked.respond(486, reply(486), start);
  acked.receive(Method::ack, start + 1s);
  CHECK(acked.state() == State::terminated);
}

TEST_CASE(
    "INVITE server: Accepted (RFC 6026) absorbs INVITEs, passes further 2xx and ACKs, ends after timer L") {
  InviteServer machine(timers, false, start);
  machine.respond(200, reply(200), start);
  CHECK(machine.state() == State::accepted);
  CHECK(machine.poll()->bytes == reply(200).bytes);
  machine.receive(Method::invite, start + 1s);
  CHECK_FALSE(machine.poll().has_value());
  machine.respond(200, reply(200), start + 2s);
  CHECK(machine.poll()->kind == Kind::send);
  machine.respond(500, reply(500), start + 2s);
  CHECK_FALSE(machine.poll().has_value());
  machine.receive(Method::ack, start + 3s);
  CHECK(machine.poll()->kind == Kind::deliver);
  CHECK(run(machine, start + 31999ms).empty());
  CHECK(machine.state() == State::accepted);
  CHECK(run(machine, start + 32s).empty());
  CHECK(machine.state() == State::terminated);
}

TEST_CASE("non-INVITE server: absorbs, repeats its answer, ends after timer J") {
  NonInviteServer machine(timers, false);
  machine.receive();
  CHECK_FALSE(machine.poll().has_value());
  machine.respond(200, reply(200), start);
  CHECK(machine.poll()->bytes == reply(200).bytes);
  machine.receive();
  CHECK(machine.poll()->bytes == reply(200).bytes);
  machine.respond(500, reply(500), start + 1s);
  CHECK_FALSE(machine.poll().has_value());
  CHECK(machine.deadline() == start + 32s);
  machine.expire(start + 32s);
  CHECK(machine.state() == State::terminated);

  NonInviteServer stream(timers, true);
  stream.respond(200, reply(200), start);
  CHECK(stream.state() == State::terminated);
}

TEST_CASE("INVITE client: timers A and B") {
  InviteClient machine(timers, false, invite, start);
  const auto events = run(machine, start + 60s);
  CHECK(times(events, Kind::send) == Times{0, 500, 1500, 3500, 7500, 15500, 31500});
  CHECK(times(events, Kind::time_out) == Times{32000});
  CHECK(machine.state() == State::terminated);

  InviteClient stream(timers, true, invite, start);
  CHECK(times(run(stream, start + 60s), Kind::send) == Times{0});
}

TEST_CASE("INVITE client: a provisional response ends all timers") {
  InviteClient machine(timers, false, invite, start);
  machine.receive(*reply(180).view(), start + 100ms);
  CHECK(machine.state() == State::proceeding);
  CHECK_FALSE(machine.deadline().has_value());
}

TEST_CASE("INVITE client: 300-699 are acknowledged, every time (RFC 3261 17.1.1.3)") {
  Request r;
  r.more = {{"Route", "<sip:p1;lr>"}, {"Route", "<sip:p2;lr>"}};
  InviteClient machine(timers, false, Message{r.text()}, start);
  machine.poll();
  const Message busy = reply(486);
  machine.receive(*busy.view(), start + 100ms);
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

  machine.receive(*busy.view(), start + 1s);
  CHECK(machine.poll()->bytes == ack.bytes);
  CHECK_FALSE(machine.poll().has_value());
  CHECK(machine.deadline() == start + 100ms + 32s);
  machine.expire(start + 33s);
  CHECK(machine.state() == State::terminated);
}

TEST_CASE("INVITE client: every 2xx is passed on, for 64 T1 (RFC 6026)") {
  InviteClient machine(timers, false, invite, start);
  machine.poll();
  machine.receive(*reply(200).view(), start);
  machine.receive(*reply(200).view(), start + 1s);
  machine.receive(*reply(180).view(), start + 1s);
  machine.receive(*reply(486).view(), start + 1s);
  CHECK(machine.state() == State::accepted);
  const auto events = run(machine, start + 60s);
  CHECK(events.size() == 2);
  CHECK(machine.state() == State::terminated);
}

TEST_CASE("INVITE client: CANCEL waits for a provisional response, and then for a final one") {
  InviteClient machine(timers, false, invite, start);
  machine.poll();
  machine.cancel(start + 100ms);
  CHECK_FALSE(machine.poll().has_value());
  machine.receive(*reply(180).view(), start + 200ms);
  CHECK(machine.poll()->kind == Kind::deliver);
  CHECK(machine.poll()->kind == Kind::send_cancel);
  machine.cancel(start + 300ms);
  machine.receive(*reply(180).view(), start + 300ms);
  CHECK(machine.poll()->kind == Kind::deliver);
  CHECK_FALSE(machine.poll().has_value()); // once only
  const auto events = run(machine, start + 60s);
  CHECK(times(events, Kind::time_out) == Times{32200});

  const Message cancel = make_cancel(*invite.view());
  const auto view = cancel.view();
  CHECK(view->method() == Method::cancel);
  CHECK(view->value(HeaderId::cseq) == "1 CANCEL");
  CHECK(view->top_via()->branch() == "z9hG4bK1");
  CHECK(view->to_tag().empty());
}

TEST_CASE("INVITE client: answered after it was cancelled") {
  InviteClient machine(timers, false, invite, start);
  machine.poll();
  machine.receive(*reply(180).view(), start);
  machine.cancel(start);
  machine.receive(*reply(200).view(), start + 1s);
  CHECK(machine.state() == State::accepted);
}

TEST_CASE("non-INVITE client: timers E and F; T2 once it is proceeding; K") {
  const Message bye{request("BYE").text()};
  NonInviteClient machine(timers, false, bye, start);
  const auto events = run(machine, start + 60s);
  CHECK(times(events, Kind::send) ==
        Times{0, 500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500});
  CHECK(times(events, Kind::time_out) == Times{32000});

  NonInviteClient slow(timers, false, bye, start);
  slow.receive(*reply(100).view(), start + 100ms);
  CHECK(times(run(slow, start + 60s), Kind::send) ==
        Times{0, 500, 4500, 8500, 12500, 16500, 20500, 24500, 28500});

  NonInviteClient done(timers, false, bye, start);
  done.receive(*reply(200).view(), start + 100ms);
  CHECK(done.state() == State::completed);
  done.receive(*reply(200).view(), start + 200ms);
  CHECK(times(run(done, start + 60s), Kind::deliver).size() == 1);
  CHECK(done.state() == State::terminated);

  NonInviteClient stream(timers, true, bye, start);
  CHECK(times(run(stream, start + 1s), Kind::send) == Times{0});
  stream.receive(*reply(200).view(), start + 1s);
  CHECK(stream.state() == State::terminated);
}
