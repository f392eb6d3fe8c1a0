// Clients that are slow, many, or never come to an end.
#include "http/server_rig.hpp"

namespace talky::http::test {
namespace {

// Each limit by itself: where this process is kept from running, no other one is reached first.
TEST_CASE("slow clients are cut off: header, body, idleness, reading") {
  {
    TestServer server({.idle = kPlenty, .header = 300ms, .body = kPlenty, .write = kPlenty});
    Client client(server.endpoint);
    for (const char c :
         std::string_view("GET /hello HTTP/1.1\r\nHost: a\r\nX: ")) { // a byte at a time never ends
      client.say(std::string_view(&c, 1));
      std::this_thread::sleep_for(20ms);
    }
    CHECK(status_of(client.to_end()) == 408);
  }
  {
    TestServer server({.idle = kPlenty, .header = kPlenty, .body = 300ms, .write = kPlenty});
    Client client(server.endpoint);
    client.say(request("POST /echo", "Content-Length: 10\r\n", "ab"));
    CHECK(status_of(client.to_end()) == 408);
  }
  {
    TestServer server({.idle = 300ms, .header = kPlenty, .body = kPlenty, .write = kPlenty});
    Client client(server.endpoint);
    CHECK(client.to_end().empty()); // idle: nothing is said
    CHECK(client.ended());
  }
  {
    TestServer server({.idle = kPlenty, .header = kPlenty, .body = kPlenty, .write = 300ms});
    Client client(server.endpoint, 4096);
    client.say(request("GET /big"));
    REQUIRE(client.answered()); // so the server has taken the connection
    CHECK(comes_true([&] { return server.connections() == 0; }));
    CHECK(client.to_end().size() < TestServer::kBig);
  }
}

TEST_CASE("a large answer arrives whole, however slowly it is read") {
  TestServer server;
  Client client(server.endpoint, 16384);
  client.say(request("GET /big", "Connection: close\r\n"));
  const std::string answer = client.to_end();
  CHECK(body_of(answer) == std::string(TestServer::kBig, 'x'));
}

TEST_CASE("connections are capped") {
  TestServer server({.max_connections = 3});
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(std::make_unique<Client>(server.endpoint));
    clients.back()->say(request("GET /hello"));
    clients.back()->until("hello nobody");
  }
  CHECK(status_of(ask(server, "GET /hello")) == 503);
  clients.pop_back();
  CHECK(comes_true([&] { return status_of(ask(server, "GET /hello")) == 200; }));
}

TEST_CASE("an end with a deadline cuts whoever does not come to one") {
  TestServer server;
  Client waiting(server.endpoint);
  waiting.say(request("GET /later"));
  REQUIRE(comes_true([&] { return server.arrived_.load(); }));
  std::atomic<bool> stopped = false;
  server.on_loop([&] { server.server().stop(now() + 200ms, [&] { stopped = true; }); });
  CHECK(waiting.to_end().empty());
  CHECK(comes_true([&] { return stopped.load(); }));
}

} // namespace
} // namespace talky::http::test
