// Two transaction layers over a network that loses, delays, repeats and reorders, in virtual time.
#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <map>
#include <queue>
#include <string>
#include <tuple>
#include <vector>

#include "fixtures.hpp"
#include "sip/reliable_2xx.hpp"
#include "sip/transaction_layer.hpp"

using namespace talky;
using namespace talky::sip;
using namespace talky::sip::test;

namespace {

const Endpoint kClientAddress = *Endpoint::parse("192.0.2.7:5060");
const Endpoint kServerAddress = *Endpoint::parse("198.51.100.1:5060");
const Flow kToServer{Transport::udp, kClientAddress, kServerAddress, 0};

struct Link {
  double loss = 0, repeat = 0;
  std::int64_t max_delay_ms = 80;
};

// One transaction as its two ends saw it.
struct Seen {
  int requests = 0, finals = 0, timeouts = 0, acks = 0;
  int status = 0;
};

class World {
 public:
  World(const Link& link, std::uint64_t seed)
      : link_(link), random_(seed), client_({}, {seed, 1, 2, 3}), server_({}, {seed, 4, 5, 6}) {}

  void send(const std::string& method, int number) {
    Request r = request(method);
    r.via.clear();
    r.call_id = std::to_string(number);
    ids_[client_.request(kToServer, Message{r.text()}, now_)] = number;
    drain();
  }
  void run_until(Time end) {
    for (;;) {
      std::optional<Time> due = earlier(client_.deadline(), server_.deadline());
      for (const auto& [number, ok] : oks_)
        due = earlier(due, ok.deadline());
      if (!wire_.empty()) due = earlier(due, std::get<0>(wire_.top()));
      if (!due || *due > end) break;
      now_ = std::max(now_, *due);
      while (!wire_.empty() && std::get<0>(wire_.top()) <= now_) {
        const auto [time, order, to_the_server, bytes] = wire_.top();
        wire_.pop();
        const Flow from_client{Transport::udp, kServerAddress, kClientAddress, 0};
        (to_the_server ? server_ : client_).receive(to_the_server ? from_client : kToServer, bytes, now_);
        drain();
      }
      client_.expire(now_);
      server_.expire(now_);
      for (auto& [number, ok] : oks_) {
        ok.expire(now_);
        if (const auto copy = ok.poll())
          server_.send(Flow{Transport::udp, kServerAddress, kClientAddress, 0}, *copy);
      }
      drain();
    }
    now_ = std::max(now_, end);
  }
  // After a provisional response an INVITE waits for as long as its user likes (RFC 3261 17.1.1.2): who hears
  // no more gives up with a CANCEL.
  void give_up() {
    for (const auto& [id, number] : ids_) {
      if (seen_[number].finals + seen_[number].timeouts == 0) client_.cancel(id, now_);
    }
    drain();
  }
  const Seen& seen(int number) { return seen_[number]; }
  const std::string& log() const { return log_; }
  std::size_t live() const { return client_.size() + server_.size(); }
  Time now() const { return now_; }
  bool acknowledged(int number) const { return oks_.at(number).acknowledged(); }

 private:
  void transmit(bool to_the_server, const std::string& bytes) {
    log_ += std::to_string(to_us(now_)) + (to_the_server ? " > " : " < ") +
            bytes.substr(0, bytes.find('\r')) + "\n";
    const int copies = random_.uniform() < link_.repeat ? 2 : 1;
    for (int i = 0; i < copies; ++i) {
      if (random_.uniform() < link_.loss) continue;
      const auto delay = std::chrono::milliseconds(
          1 + static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(link_.max_delay_ms))));
      wire_.emplace(now_ + delay, ++order_, to_the_server, bytes);
    }
  }
  void drain() {
    for (bool more = true; more;) {
      more = false;
      while (const auto output = client_.poll()) {
        more = true;
        from_client(*output);
      }
      while (const auto output = server_.poll()) {
        more = true;
        from_server(*output);
      }
    }
  }
  void from_client(const LayerOutput& output) {
    if (const auto* const sent = std::get_if<Datagram>(&output)) {
      transmit(true, sent->bytes);
    } else if (const auto* const response = std::get_if<ResponseReceived>(&output)) {
      const MessageView& view = response->response->view();
      Seen& seen = seen_[ids_.at(response->id)];
      if (view.status() < 200) return;
      if (view.method() == Method::invite &&
          view.status() < 300) { // the dialog's ACK, once for each copy of the 2xx
        Request ack = request("ACK");
        ack.via.clear();
        ack.to = std::string(view.value(HeaderId::to));
        ack.call_id = std::string(view.call_id());
        client_.send(kToServer, Message{ack.text()});
        if (seen.finals == 1) return;
      }
      ++seen.finals;
      seen.status = view.status();
    } else if (const auto* const timeout = std::get_if<TransactionTimedOut>(&output)) {
      ++seen_[ids_.at(timeout->id)].timeouts;
    }
  }
  void from_server(const LayerOutput& output) {
    if (const auto* const sent = std::get_if<Datagram>(&output)) {
      transmit(false, sent->bytes);
    } else if (const auto* const request = std::get_if<RequestReceived>(&output)) {
      const MessageView& view = request->request->view();
      const int number = std::stoi(std::string(view.call_id()));
      ++seen_[number].requests;
      const int status = view.method() != Method::invite ? 200 : number % 2 == 0 ? 200 : 486;
      const Message reply = Builder::reply(*request->request, status, {.to_tag = "t"}).build();
      if (view.method() == Method::invite && random_.uniform() < 0.5) {
        server_.respond(request->id, Builder::reply(*request->request, 180, {.to_tag = "t"}).build(), now_);
      }
      server_.respond(request->id, reply, now_);
      if (view.method() == Method::invite && status == 200) {
        oks_.emplace(number, Reliable2xx(Timers(), reply, 1, now_));
      }
    } else if (const auto* const ack = std::get_if<AckReceived>(&output)) {
      const int number = std::stoi(std::string(ack->ack->view().call_id()));
      // The ACK of a 486 whose transaction has given up meanwhile is nobody's.
      const auto ok = oks_.find(number);
      if (ok == oks_.end()) return;
      ++seen_[number].acks;
      ok->second.receive(ack->ack->view());
    }
  }

  using OnWire = std::tuple<Time, std::uint64_t, bool, std::string>;
  Link link_;
  Random random_;
  TransactionLayer client_, server_;
  std::priority_queue<OnWire, std::vector<OnWire>, std::greater<>> wire_;
  std::map<TransactionId, int> ids_;
  std::map<int, Seen> seen_;
  std::map<int, Reliable2xx> oks_;
  std::string log_;
  Time now_ = kStart;
  std::uint64_t order_ = 0;
};

// Every transaction ends, once; the server's user sees each request once at most.
void check_all(World& world, int count) {
  for (int i = 0; i < count; ++i) {
    const Seen& seen = world.seen(i);
    CAPTURE(i);
    CHECK(seen.requests <= 1);
    CHECK(seen.finals + seen.timeouts == 1);
  }
  CHECK(world.live() == 0);
}

void load(World& world, int count) {
  for (int i = 0; i < count; ++i) {
    world.send(i % 3 == 0 ? "OPTIONS" : "INVITE", i);
    world.run_until(world.now() + 20ms);
  }
  world.run_until(world.now() + 100s);
  world.give_up();
  world.run_until(world.now() + 100s);
}

} // namespace

TEST_CASE("a clean network: everything is answered, nothing is sent twice") {
  World world({.max_delay_ms = 50}, 1);
  load(world, 100);
  check_all(world, 100);
  for (int i = 0; i < 100; ++i) {
    CHECK(world.seen(i).requests == 1);
    CHECK(world.seen(i).finals == 1);
    if (i % 3 != 0 && i % 2 == 0) {
      CHECK(world.acknowledged(i));
      CHECK(world.seen(i).acks == 1);
    }
  }
}

TEST_CASE("a third of all datagrams lost, many repeated: still everything is answered") {
  World world({.loss = 0.33, .repeat = 0.2, .max_delay_ms = 400}, 2);
  load(world, 300);
  check_all(world, 300);
  int answered = 0;
  for (int i = 0; i < 300; ++i) {
    answered += world.seen(i).finals;
    const bool invite = i % 3 != 0;
    if (world.seen(i).finals == 1) CHECK(world.seen(i).status == (invite && i % 2 == 1 ? 486 : 200));
    if (invite && i % 2 == 0 && world.seen(i).finals == 1) CHECK(world.acknowledged(i));
  }
  CHECK(answered >=
        298); // an INVITE is sent seven times: all lost, one way or the other, once in some thousand
}

TEST_CASE("a dead network: everything times out") {
  World world({.loss = 1}, 3);
  load(world, 30);
  check_all(world, 30);
  for (int i = 0; i < 30; ++i)
    CHECK(world.seen(i).timeouts == 1);
}

TEST_CASE("two runs with one seed are alike to the byte") {
  const auto log = [](std::uint64_t seed) {
    World world({.loss = 0.2, .repeat = 0.2, .max_delay_ms = 300}, seed);
    load(world, 60);
    return world.log();
  };
  CHECK(log(7) == log(7));
  CHECK(log(7) != log(8));
}

namespace {

// Twelve transactions over a network that chance makes bad; what is delayed comes within `max_delay_ms`.
void check_any_network(std::int64_t max_delay_ms, int max_requests) {
  const auto seed = *rc::gen::arbitrary<std::uint64_t>();
  const double loss = *rc::gen::inRange(0, 90) / 100.0;
  const double repeat = *rc::gen::inRange(0, 90) / 100.0;
  World world(
      {.loss = loss, .repeat = repeat, .max_delay_ms = *rc::gen::inRange<std::int64_t>(1, max_delay_ms + 1)},
      seed);
  load(world, 12);
  for (int i = 0; i < 12; ++i) {
    RC_ASSERT(world.seen(i).requests <= max_requests);
    RC_ASSERT(world.seen(i).finals + world.seen(i).timeouts == 1);
  }
  RC_ASSERT(world.live() == 0u);
}

} // namespace

// A request is sent for the last time 63 T1 (31.5 s) after the first, and the server's transaction lives for
// 64 T1 (32 s) from its answer (timers H, J and L of RFC 3261 17.2 and RFC 6026): what is late by less than a
// T1 finds it there.
TEST_CASE("property: on any network every transaction ends once, and is seen once") {
  CHECK(rc::check([] { check_any_network(500, 1); }));
}

// Where the first copy was quick and the last one is later than that, it is a new request to the server, as
// the RFC has it: the client has given up or been answered by then, and each of its transactions ends once
// all the same.
TEST_CASE("property: on a network with longer delays than T1 every transaction ends once") {
  CHECK(rc::check([] { check_any_network(2000, 2); }));
}
