#include "net/udp.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace talky;
using namespace std::chrono_literals;
using net::UdpSocket;

namespace {

UdpSocket open(net::Loop& loop, const char* ip, UdpSocket::Options options = {}) {
  auto socket = UdpSocket::open(loop, {*IpAddress::parse(ip), 0}, options);
  REQUIRE(socket);
  return std::move(*socket);
}

} // namespace

TEST_CASE("datagrams arrive with their sender, in order, in batches, on both families") {
  for (const char* ip : {"127.0.0.1", "::1"}) {
    CAPTURE(ip);
    net::Loop loop;
    UdpSocket a = open(loop, ip, {.receive_buffer = 1 << 20});
    UdpSocket b = open(loop, ip);
    std::vector<std::string> got;
    a.on_receive([&](const UdpSocket::Datagram& d) {
      CHECK(d.from == b.local());
      CHECK(d.to == a.local().ip);
      got.emplace_back(as_text(d.bytes));
      if (got.size() == 100) loop.stop();
    });
    std::vector<std::string> texts;
    texts.reserve(100);
    for (int i = 0; i < 99; ++i)
      texts.push_back("datagram " + std::to_string(i));
    for (const std::string& text : texts)
      CHECK(b.send(as_bytes(text), a.local()));
    CHECK(b.send(as_bytes("last"), a.local()));
    net::Timer limit(loop, [&] { loop.stop(); });
    limit.at(net::now() + 10s);
    loop.run();
    texts.emplace_back("last");
    CHECK(got == texts);
  }
}

TEST_CASE("on a wildcard the address that was asked is known, and the answer comes from it") {
  net::Loop loop;
  UdpSocket server = open(loop, "0.0.0.0", {.packet_info = true});
  UdpSocket client = open(loop, "127.0.0.1");
  server.on_receive([&](const UdpSocket::Datagram& d) {
    CHECK(d.to.to_string() == "127.0.0.7");
    CHECK(server.send(d.bytes, d.from, d.to));
  });
  std::string from;
  client.on_receive([&](const UdpSocket::Datagram& d) {
    from = d.from.ip.to_string();
    loop.stop();
  });
  REQUIRE(client.send(as_bytes("hello"), {*IpAddress::parse("127.0.0.7"), server.local().port}));
  net::Timer limit(loop, [&] { loop.stop(); });
  limit.at(net::now() + 10s);
  loop.run();
  CHECK(from == "127.0.0.7");
}

TEST_CASE("a port that refuses does not cost the next datagram, nor the reading") {
  net::Loop loop;
  UdpSocket a = open(loop, "127.0.0.1");
  Endpoint dead;
  {
    const UdpSocket gone = open(loop, "127.0.0.1");
    dead = gone.local();
  }
  UdpSocket b = open(loop, "127.0.0.1");
  int got = 0;
  b.on_receive([&](const UdpSocket::Datagram&) {
    if (++got == 5) loop.stop();
  });
  for (int i = 0; i < 5; ++i) {
    (void)a.send(as_bytes("x"), dead);
    CHECK(a.send(as_bytes("y"), b.local()));
  }
  net::Timer limit(loop, [&] { loop.stop(); });
  limit.at(net::now() + 10s);
  loop.run();
  CHECK(got == 5);
}

TEST_CASE("the callback may destroy the socket") {
  net::Loop loop;
  auto socket = std::make_unique<UdpSocket>(open(loop, "127.0.0.1"));
  UdpSocket sender = open(loop, "127.0.0.1");
  const Endpoint to = socket->local();
  int got = 0;
  socket->on_receive([&, text = std::string("long enough to live on the heap of the callback")](const auto&) {
    socket.reset();
    CHECK(text.size() > 30);
    ++got;
    loop.stop();
  });
  CHECK(sender.send(as_bytes("1"), to));
  CHECK(sender.send(as_bytes("2"), to));
  loop.run();
  CHECK(got == 1);
}

TEST_CASE("a port in use says so") {
  net::Loop loop;
  const UdpSocket a = open(loop, "127.0.0.1");
  const auto b = UdpSocket::open(loop, a.local(), {});
  REQUIRE_FALSE(b);
  CHECK(b.error().code == EADDRINUSE);
  CHECK(b.error().message() == "bind: Address already in use");
}

TEST_CASE("the source address towards loopback is loopback") {
  CHECK(net::source_address_for({*IpAddress::parse("127.0.0.1"), 5060}) == IpAddress::parse("127.0.0.1"));
  CHECK(net::source_address_for({*IpAddress::parse("::1"), 5060}) == IpAddress::parse("::1"));
}

TEST_CASE("a datagram says when it arrived, not when it was read") {
  net::Loop loop;
  UdpSocket a = open(loop, "127.0.0.1");
  UdpSocket b = open(loop, "127.0.0.1");
  std::vector<Time> arrivals;
  a.on_receive([&](const UdpSocket::Datagram& d) { arrivals.push_back(d.arrival); });
  // Linux begins to stamp datagrams a while after the first socket of the machine has asked for it, and
  // stamps those before that when they are read.
  bool stamped = false;
  for (int attempt = 0; attempt < 100 && !stamped; ++attempt) {
    arrivals.clear();
    const Time sent = net::now();
    REQUIRE(b.send(as_bytes("early"), a.local()));
    const Time before = net::now();
    ::usleep(30'000);
    const Time woken = net::now();
    REQUIRE(b.send(as_bytes("late"), a.local()));
    loop.read_ready();
    REQUIRE(arrivals.size() == 2);
    // The two clocks are read one after the other: a few microseconds lie between.
    CHECK(arrivals[0] >= sent - 5ms);
    CHECK(arrivals[1] >= woken - 5ms);
    CHECK(arrivals[1] <= net::now());
    stamped = arrivals[0] <= before + 5ms;
  }
  CHECK(stamped);
}

TEST_CASE("a timer hears what came before it fired") {
  net::Loop loop;
  UdpSocket a = open(loop, "127.0.0.1");
  UdpSocket b = open(loop, "127.0.0.1");
  int got = 0;
  int nested = 0;
  a.on_receive([&](const UdpSocket::Datagram&) {
    ++got;
    loop.read_ready(); // from inside a callback it does nothing
    nested = std::max(nested, got);
  });
  int seen = -1;
  net::Timer timer(loop, [&] {
    for (int i = 0; i < 100; ++i)
      REQUIRE(b.send(as_bytes("x"), a.local()));
    loop.read_ready();
    seen = got;
    loop.stop();
  });
  timer.at(net::now());
  loop.run();
  CHECK(seen == 64); // as many as one socket gets in a turn; the others have theirs
  CHECK(nested == 64);
}

TEST_CASE("udp: a turn of the loop reads so many batches, and the rest has its turn later") {
  for (const auto& turn : {std::pair{1, 16U}, {2, 32U}, {4, 40U}}) {
    const int batches = turn.first;
    const unsigned expected = turn.second;
    CAPTURE(batches);
    net::Loop loop;
    UdpSocket a = open(loop, "127.0.0.1", {.batches_a_turn = batches});
    UdpSocket b = open(loop, "127.0.0.1");
    unsigned got = 0;
    a.on_receive([&](const UdpSocket::Datagram&) {
      if (++got == 40) loop.stop();
    });
    for (int i = 0; i < 40; ++i)
      REQUIRE(b.send(as_bytes("x"), a.local()));
    loop.read_ready();
    CHECK(got == expected);
    net::Timer limit(loop, [&] { loop.stop(); });
    limit.at(net::now() + 10s);
    if (got < 40) loop.run();
    CHECK(got == 40);
  }
}

TEST_CASE("udp: a sparse socket reads what there is, and a timer hears all of it") {
  net::Loop loop;
  UdpSocket a = open(loop, "127.0.0.1", {.sparse = true});
  UdpSocket b = open(loop, "127.0.0.1");
  std::vector<std::string> got;
  a.on_receive([&](const UdpSocket::Datagram& d) {
    got.emplace_back(as_text(d.bytes));
    CHECK(d.from == b.local());
    if (got.size() == 5) loop.stop();
  });
  REQUIRE(b.send(as_bytes("1"), a.local()));
  REQUIRE(b.send(as_bytes("2"), a.local()));
  REQUIRE(b.send(as_bytes("3"), a.local()));
  loop.read_ready();
  CHECK(got == std::vector<std::string>{"1", "2", "3"});
  REQUIRE(b.send(as_bytes("4"), a.local()));
  REQUIRE(b.send(as_bytes("5"), a.local()));
  net::Timer limit(loop, [&] { loop.stop(); });
  limit.at(net::now() + 10s);
  loop.run();
  CHECK(got == std::vector<std::string>{"1", "2", "3", "4", "5"});
}

TEST_CASE("udp: a watch that takes the place of one that has gone is not called for it") {
  net::Loop loop;
  UdpSocket to = open(loop, "127.0.0.1");
  auto first = std::make_unique<UdpSocket>(open(loop, "127.0.0.1"));
  auto second = std::make_unique<UdpSocket>(open(loop, "127.0.0.1"));
  std::unique_ptr<UdpSocket> third;
  int calls = 0;
  const auto replace = [&](std::unique_ptr<UdpSocket>& other) {
    ++calls;
    other.reset(); // ready as well, in the same turn
    third = std::make_unique<UdpSocket>(open(loop, "127.0.0.1"));
    third->on_receive([&](const UdpSocket::Datagram&) { calls += 100; });
  };
  first->on_receive([&](const UdpSocket::Datagram&) { replace(second); });
  second->on_receive([&](const UdpSocket::Datagram&) { replace(first); });
  REQUIRE(to.send(as_bytes("1"), first->local()));
  REQUIRE(to.send(as_bytes("2"), second->local()));
  loop.read_ready();
  CHECK(calls == 1);
}

TEST_CASE(
    "udp: an outbox sends for many sockets, in order, all when it is full, and nothing of one that has "
    "gone") {
  net::Loop loop;
  UdpSocket to = open(loop, "127.0.0.1");
  UdpSocket a = open(loop, "127.0.0.1");
  std::vector<std::pair<std::string, Endpoint>> got;
  to.on_receive([&](const UdpSocket::Datagram& d) { got.emplace_back(as_text(d.bytes), d.from); });
  net::UdpOutbox outbox;
  {
    UdpSocket gone = open(loop, "127.0.0.1");
    outbox.add(gone, as_bytes("gone"), to.local());
  }
  outbox.add(a, as_bytes("1"), to.local());
  std::string bytes = "22";
  outbox.add(to, as_bytes(bytes), to.local());
  bytes = "changed";
  loop.read_ready();
  CHECK(got.empty());
  CHECK_FALSE(outbox.empty());
  outbox.flush();
  CHECK(outbox.empty());
  loop.read_ready();
  REQUIRE(got.size() == 2);
  CHECK(got[0] == std::pair<std::string, Endpoint>("1", a.local()));
  CHECK(got[1] == std::pair<std::string, Endpoint>("22", to.local()));
  for (std::size_t i = 0; i < net::UdpOutbox::kMost; ++i)
    outbox.add(a, as_bytes("x"), to.local());
  CHECK(outbox.empty());
  loop.read_ready();
  CHECK(got.size() == 2 + net::UdpOutbox::kMost);
}
