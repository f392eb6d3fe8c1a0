#include "net/stream.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <csignal>

#include <cerrno>
#include <cstdlib>
#include <string>
#include <vector>

using namespace talky;
using namespace std::chrono_literals;
using net::Connection;
using net::Listener;

namespace {

struct TempDir {
  std::string path;
  TempDir() {
    std::string name = "/tmp/talky-net-XXXXXX";
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~TempDir() {
    ::unlink((path + "/s").c_str());
    ::rmdir(path.c_str());
  }
};

constexpr auto kPlenty =
    std::chrono::seconds(60); // for what happens at once unless the machine has other things to do

void run_for(net::Loop& loop, Duration limit) {
  ::signal(SIGPIPE, SIG_IGN); // as every program with streams does
  net::Timer timer(loop, [&] { loop.stop(); });
  timer.at(net::now() + limit);
  loop.run();
}

} // namespace

TEST_CASE("addresses of streams") {
  CHECK(net::parse_stream_address("unix:/run/x.sock") == net::StreamAddress(net::UnixPath{"/run/x.sock"}));
  CHECK(net::parse_stream_address("tcp:127.0.0.1:9092") ==
        net::StreamAddress(*Endpoint::parse("127.0.0.1:9092")));
  CHECK(net::parse_stream_address("tcp:[::1]:9092") == net::StreamAddress(*Endpoint::parse("[::1]:9092")));
  CHECK(net::parse_stream_address("tcp:localhost:9092") ==
        net::StreamAddress(*Endpoint::parse("127.0.0.1:9092")));
  for (const char* bad : {"", "unix:", "tcp:", "tcp:127.0.0.1", "http:x:1", "tcp::1", "tcp:127.0.0.1:99999"})
    CHECK_FALSE(net::parse_stream_address(bad));
  CHECK_FALSE(net::parse_stream_address("unix:" + std::string(108, 'a')));
  CHECK(net::resolve("localhost", 5060) == Endpoint::parse("127.0.0.1:5060"));
  CHECK(net::resolve("::1", 5060) == Endpoint::parse("[::1]:5060"));
  CHECK(net::resolve("127.0.0.1:7", 5060) == Endpoint::parse("127.0.0.1:7"));
  CHECK_FALSE(net::resolve("127.0.0.1", std::nullopt));
}

TEST_CASE("megabytes go through in order, whatever the sizes, over TCP and UNIX") {
  const TempDir dir;
  for (const net::StreamAddress& address : {net::StreamAddress(*Endpoint::parse("127.0.0.1:0")),
                                            net::StreamAddress(net::UnixPath{dir.path + "/s"})}) {
    net::Loop loop;
    std::string got;
    std::shared_ptr<Connection> served;
    bool ended = false;
    auto listener = Listener::open(loop, address, {},
                                   [&](std::shared_ptr<Connection> c) {
                                     served = std::move(c);
                                     served->start({.data = [&](Bytes b) { got += as_text(b); },
                                                    .closed =
                                                        [&](int error) {
                                                          CHECK(error == 0);
                                                          ended = true;
                                                          loop.stop();
                                                        },
                                                    .drained = {}});
                                   },
                                   {});
    REQUIRE(listener);
    std::string sent;
    for (int i = 0; i < 400'000; ++i)
      sent += std::to_string(i);
    std::shared_ptr<Connection> client;
    const net::Connecting connecting(
        loop, listener->local(), net::now() + kPlenty,
        [&](net::SysResult<std::shared_ptr<Connection>> c) {
          REQUIRE(c);
          client = *c;
          client->start({});
          for (std::size_t at = 0; at < sent.size(); at += 100'003)
            CHECK(client->write(as_bytes(std::string_view(sent).substr(at, 100'003))));
          client->close_when_drained(net::now() + kPlenty);
          CHECK_FALSE(client->write(as_bytes("late")));
          client.reset(); // the rest is delivered nevertheless
        },
        8 << 20);
    run_for(loop, kPlenty);
    CHECK(ended);
    CHECK(got == sent);
  }
}

TEST_CASE("the write queue is bounded: all of a write fits or none of it") {
  net::Loop loop;
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) == 0);
  const net::Fd reader(ends[0]);
  const auto writer = Connection::adopt(loop, net::Fd(ends[1]), 100'000);
  int error = 0;
  writer->start({.data = {},
                 .closed =
                     [&](int e) {
                       error = e;
                       loop.stop();
                     },
                 .drained = {}});
  const std::string chunk(30'000, 'x');
  int accepted = 0;
  while (writer->write(as_bytes(chunk)))
    ++accepted;
  CHECK(writer->queued() <= 100'000);
  CHECK(accepted * 30'000 >= 100'000 - 30'000);
  CHECK(writer->is_open());
  ::close(const_cast<net::Fd&>(reader).release());
  run_for(loop, kPlenty);
  CHECK(error == EPIPE);
  CHECK_FALSE(writer->is_open());
}

TEST_CASE("reading can be paused, even when the peer goes meanwhile") {
  net::Loop loop;
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  net::Fd writer(ends[1]);
  const auto reader = Connection::adopt(loop, net::Fd(ends[0]));
  std::string got;
  bool ended = false;
  reader->start({.data = [&](Bytes b) { got += as_text(b); },
                 .closed =
                     [&](int) {
                       ended = true;
                       loop.stop();
                     },
                 .drained = {}});
  reader->pause_reading(true);
  REQUIRE(::write(writer.get(), "abc", 3) == 3);
  writer.reset();
  run_for(loop, 10ms);
  CHECK(got.empty());
  CHECK_FALSE(ended);
  reader->pause_reading(false);
  run_for(loop, kPlenty);
  CHECK(got == "abc");
  CHECK(ended);
}

TEST_CASE("a callback may close the connection and let it go") {
  net::Loop loop;
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  const net::Fd writer(ends[1]);
  auto reader = Connection::adopt(loop, net::Fd(ends[0]));
  bool done = false;
  reader->start({.data =
                     [&](Bytes) {
                       reader->close();
                       reader.reset();
                       done = true; // what the callback holds is still there
                       loop.stop();
                     },
                 .closed = [](int) { FAIL("not after close()"); },
                 .drained = {}});
  REQUIRE(::write(writer.get(), "abc", 3) == 3);
  run_for(loop, kPlenty);
  CHECK(done);
}

TEST_CASE("what the peer said before it went is read, though writing to it fails") {
  net::Loop loop;
  std::array<int, 2> ends{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
  const auto ours = Connection::adopt(loop, net::Fd(ends[0]));
  net::Fd peer(ends[1]);
  const std::string speech(150'000, 's');
  REQUIRE(::write(peer.get(), speech.data(), speech.size()) == static_cast<ssize_t>(speech.size()));
  std::string got;
  bool ended = false;
  ours->start({.data = [&](Bytes b) { got += as_text(b); },
               .closed =
                   [&](int) {
                     ended = true;
                     loop.stop();
                   },
               .drained = {}});
  peer.reset();
  CHECK_FALSE(ours->write(as_bytes("x")));
  CHECK_FALSE(ours->write(as_bytes("y")));
  run_for(loop, kPlenty);
  CHECK(got == speech);
  CHECK(ended);
}

TEST_CASE("a peer that is still writing reads our last words, then ends, or is cut off in time") {
  for (const bool ends : {true, false}) {
    CAPTURE(ends);
    net::Loop loop;
    int pair[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) == 0);
    const net::Fd peer(pair[1]);
    const auto connection = Connection::adopt(loop, net::Fd(pair[0]));
    int called = 0;
    connection->start({[&](Bytes) { ++called; }, [&](int) { ++called; }, nullptr});
    REQUIRE(::write(peer.get(), "unread", 6) == 6);
    CHECK(connection->write(as_bytes("goodbye")));
    connection->close_when_drained(net::now() + (ends ? std::chrono::seconds(60) : 100ms));
    CHECK_FALSE(connection->write(as_bytes("more")));
    CHECK(::send(peer.get(), "more", 4, MSG_NOSIGNAL) == 4); // neither EPIPE nor ECONNRESET
    char text[16];
    CHECK(::read(peer.get(), text, sizeof text) == 7);
    CHECK(::read(peer.get(), text, sizeof text) == 0);
    if (ends) ::shutdown(peer.get(), SHUT_WR);
    net::Timer look(loop, [&] {
      if (!connection->is_open()) return loop.stop();
      look.at(net::now() + 1ms);
    });
    look.at(net::now());
    loop.run();
    CHECK(called == 0);
  }
}

TEST_CASE("a connection that waits for its peer's end goes with the loop at the latest") {
  std::weak_ptr<Connection> waiting;
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  const net::Fd peer(ends[1]);
  {
    net::Loop loop;
    auto connection = Connection::adopt(loop, net::Fd(ends[0]), 1000);
    waiting = connection;
    connection->close_when_drained(net::now() + kPlenty);
    connection.reset();
    run_for(loop, 1ms);
    CHECK_FALSE(waiting.expired());
  }
  CHECK(waiting.expired());
  char nothing{};
  CHECK(::read(peer.get(), &nothing, 1) == 0);
}

TEST_CASE("connecting to nothing is refused; giving the attempt up is silent") {
  net::Loop loop;
  Endpoint dead;
  {
    auto listener = Listener::open(loop, *Endpoint::parse("127.0.0.1:0"), {}, [](const auto&) {}, {});
    REQUIRE(listener);
    dead = std::get<Endpoint>(listener->local());
  }
  int error = 0;
  const net::Connecting connecting(loop, dead, net::now() + kPlenty, [&](auto result) {
    REQUIRE_FALSE(result);
    error = result.error().code;
    loop.stop();
  });
  {
    const net::Connecting given_up(loop, dead, net::now() + kPlenty, [](const auto&) { FAIL("given up"); });
  }
  run_for(loop, kPlenty);
  CHECK(error == ECONNREFUSED);
}

TEST_CASE("a socket file left behind is replaced, a living one is not, and its mode is ours alone") {
  const TempDir dir;
  const net::UnixPath path{dir.path + "/s"};
  net::Loop loop;
  {
    auto first = Listener::open(loop, path, {}, [](const auto&) {}, {});
    REQUIRE(first);
    struct stat status {};
    REQUIRE(::stat(path.path.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
    const auto second = Listener::open(loop, path, {}, [](const auto&) {}, {});
    REQUIRE_FALSE(second);
    CHECK(second.error().code == EADDRINUSE);
    // A copy without a listener behind it, as after kill -9.
    REQUIRE(::rename(path.path.c_str(), (path.path + "x").c_str()) == 0);
  }
  REQUIRE(::rename((path.path + "x").c_str(), path.path.c_str()) == 0);
  {
    const auto third = Listener::open(loop, path, {}, [](const auto&) {}, {});
    CHECK(third);
  }
  CHECK(::access(path.path.c_str(), F_OK) != 0);
}

TEST_CASE("out of descriptors a listener logs once, waits, and takes the connection later") {
  net::Loop loop;
  int accepted = 0;
  std::vector<std::string> lines;
  auto listener = Listener::open(
      loop, *Endpoint::parse("127.0.0.1:0"), {},
      [&](const auto&) {
        ++accepted;
        loop.stop();
      },
      [&](log::Level, std::string_view line) { lines.emplace_back(line); });
  REQUIRE(listener);
  std::shared_ptr<Connection> client;
  const net::Connecting connecting(loop, listener->local(), net::now() + kPlenty, [&](auto c) {
    REQUIRE(c);
    client = *c;
  });
  rlimit old{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &old) == 0);
  const net::Fd highest(::dup(0));
  rlimit tight = old;
  tight.rlim_cur = static_cast<rlim_t>(highest.get()) + 1;
  std::vector<net::Fd> rest; // holes below are filled
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &tight) == 0);
  for (int fd = ::dup(0); fd >= 0; fd = ::dup(0))
    rest.emplace_back(fd);
  while (lines.empty())
    run_for(loop, 50ms);
  run_for(loop, 350ms); // it tries again meanwhile
  CHECK(accepted == 0);
  rest.clear();
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &old) == 0);
  run_for(loop, kPlenty);
  CHECK(accepted == 1);
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].starts_with("accept.failed address=tcp:127.0.0.1:"));
  CHECK(lines[0].find("Too many open files") != std::string::npos);
}
