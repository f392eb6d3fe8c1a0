#include "http/server_rig.hpp"

namespace talky::http::test {
namespace {

TEST_CASE("an answer has its status, length and date") {
  TestServer server;
  const std::string answer = ask(server, "GET /hello?name=you");
  CHECK(answer.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(answer.find("\r\nContent-Length: 9\r\n") != std::string::npos);
  CHECK(answer.find("\r\nDate: ") != std::string::npos);
  CHECK(answer.find("\r\nConnection: close\r\n") != std::string::npos);
  CHECK(body_of(answer) == "hello you");
  CHECK(status_of(ask(server, "GET http://localhost/hello")) == 200); // absolute-form
  CHECK(status_of(ask(server, "OPTIONS *")) == 404);
  CHECK(status_of(ask(server, "PUT /hello")) == 405);
  CHECK(status_of(ask(server, "BREW /hello")) == 405);
  CHECK(status_of(ask(server, "GET hello")) == 400);
}

TEST_CASE("HEAD is GET without the body, and a connection is used again") {
  TestServer server;
  Client client(server.endpoint);
  client.say(request("HEAD /hello"));
  const std::string head = client.until("\r\n\r\n");
  CHECK(head.find("Content-Length: 12\r\n") != std::string::npos);
  client.say(request("GET /hello"));
  CHECK(client.until("hello nobody").starts_with("HTTP/1.1 200"));
  client.say("GET /hello HTTP/1.0\r\n\r\n");
  CHECK(client.to_end().ends_with("hello nobody"));
}

TEST_CASE("pipelined requests are answered in order") {
  TestServer server;
  Client client(server.endpoint);
  std::string all;
  for (int i = 0; i < 50; ++i)
    all +=
        request(fmt::format("GET /hello?name={}", i)) + request("POST /echo", "Content-Length: 3\r\n", "abc");
  client.say(all + request("GET /hello?name=last", "Connection: close\r\n"));
  const std::string answer = client.to_end();
  std::size_t at = 0;
  for (int i = 0; i < 50; ++i) {
    at = answer.find(fmt::format("\r\n\r\nhello {}HTTP/1.1", i), at);
    REQUIRE(at != std::string::npos);
    at = answer.find("\r\n\r\nabcHTTP/1.1", at);
    REQUIRE(at != std::string::npos);
  }
  CHECK(answer.ends_with("hello last"));
}

TEST_CASE("bodies: by length, in chunks, after 100-continue, up to the cap") {
  TestServer server({.max_body = 1000});
  CHECK(body_of(ask(server, "POST /echo", "Content-Length: 4\r\n", "abcd")) == "abcd");
  CHECK(body_of(ask(server, "POST /echo", "Transfer-Encoding: chunked\r\n",
                    "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")) == "abcde");
  CHECK(body_of(ask(server, "POST /echo", "Content-Length: 1000\r\n", std::string(1000, 'a'))).size() ==
        1000);
  CHECK(status_of(ask(server, "POST /echo", "Content-Length: 1001\r\n", std::string(1001, 'a'))) == 413);
  CHECK(status_of(ask(server, "POST /echo", "Transfer-Encoding: chunked\r\n",
                      "3e9\r\n" + std::string(1001, 'a') + "\r\n0\r\n\r\n")) == 413);
  {
    Client client(server.endpoint);
    client.say(request("POST /echo", "Content-Length: 2\r\nExpect: 100-continue\r\nConnection: close\r\n"));
    CHECK(client.until("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
    client.say("ok");
    CHECK(body_of(client.to_end()) == "ok");
  }
  CHECK(status_of(ask(server, "POST /echo", "Content-Length: 2\r\nExpect: tea\r\n", "ok")) == 417);
  // A client that sends a great deal more than it may still hears why.
  Client client(server.endpoint);
  client.say(request("POST /echo", "Content-Length: 1000000\r\n", std::string(1'000'000, 'a')));
  CHECK(status_of(client.to_end()) == 413);
}

TEST_CASE("nonsense gets 400 and the end of the connection") {
  TestServer server;
  for (const std::string_view bad :
       {"\x16\x03\x01\x02\x01\x01\xfc\x03\x03 a TLS hello\r\n\r\n", "GET\r\n\r\n", "GET /hello\r\n\r\n",
        "GET /hello HTTP/1.1\r\nHost localhost\r\n\r\n", "GET /hello HTTP/1.1\r\n\r\n",
        "GET /hello HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "GET  /hello HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcd",
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"}) {
    Client client(server.endpoint);
    client.say(bad);
    client.shut();
    const std::string answer = client.to_end();
    CHECK_MESSAGE(status_of(answer) == 400, bad);
    CHECK(answer.find("application/problem+json") != std::string::npos);
    CHECK(client.ended());
  }
  Client client(server.endpoint);
  client.say("GET /hello HTTP/2.0\r\nHost: a\r\n\r\n");
  CHECK(status_of(client.to_end()) == 505);
  CHECK(status_of(ask(server, "GET /hello", fmt::format("X: {}\r\n", std::string(20'000, 'x')))) == 431);
  CHECK(status_of(ask(server, fmt::format("GET /{}", std::string(20'000, 'x')))) == 431);
  CHECK(status_of(ask(server, "GET /a%2fb")) == 400);
  CHECK(ask(server, "GET /hello").ends_with("hello nobody")); // and it lives
}

TEST_CASE("an answer may come later, or never") {
  TestServer server;
  {
    Client client(server.endpoint);
    client.say(request("GET /later", "Connection: close\r\n"));
    REQUIRE(comes_true([&] { return server.arrived_.load(); }));
    server.answer_later(Response::text(200, "text/plain", "at last"));
    CHECK(body_of(client.to_end()) == "at last");
  }
  CHECK(status_of(ask(server, "GET /never")) == 500);
  {
    server.arrived_ = false;
    Client client(server.endpoint);
    client.say(request("GET /later"));
    REQUIRE(comes_true([&] { return server.arrived_.load(); }));
  } // gone before the answer
  server.answer_later(Response::text(200, "text/plain", "nobody hears this"));
  CHECK(ask(server, "GET /hello").ends_with("hello nobody"));
}

TEST_CASE("a field with a line end does not leave the server") {
  TestServer server;
  const std::string answer = ask(server, "GET /evil");
  CHECK(answer.find("Evil") == std::string::npos);
  CHECK(answer.find("Cookie") == std::string::npos);
  CHECK(body_of(answer) == "fine");
}

TEST_CASE("files: whole, ranges, conditions") {
  TestServer server;
  server.file("a.wav", "0123456789");
  const std::string whole = ask(server, "GET /file/a.wav");
  CHECK(body_of(whole) == "0123456789");
  CHECK(whole.find("Accept-Ranges: bytes\r\n") != std::string::npos);
  const auto field = [&](const std::string& name) {
    const std::size_t at = whole.find(name + ": ") + name.size() + 2;
    return whole.substr(at, whole.find("\r\n", at) - at);
  };
  const std::string etag = field("ETag");
  const std::string changed = field("Last-Modified");
  const std::string part = ask(server, "GET /file/a.wav", "Range: bytes=2-4\r\n");
  CHECK(status_of(part) == 206);
  CHECK(part.find("Content-Range: bytes 2-4/10\r\n") != std::string::npos);
  CHECK(body_of(part) == "234");
  CHECK(body_of(ask(server, "GET /file/a.wav", "Range: bytes=-3\r\n")) == "789");
  CHECK(body_of(ask(server, "GET /file/a.wav", "Range: bytes=0-1,4-5\r\n")) == "0123456789");
  const std::string beyond = ask(server, "GET /file/a.wav", "Range: bytes=10-\r\n");
  CHECK(status_of(beyond) == 416);
  CHECK(beyond.find("Content-Range: bytes */10\r\n") != std::string::npos);
  CHECK(body_of(ask(server, "GET /file/a.wav", fmt::format("Range: bytes=2-4\r\nIf-Range: {}\r\n", etag))) ==
        "234");
  CHECK(body_of(ask(server, "GET /file/a.wav", "Range: bytes=2-4\r\nIf-Range: \"old\"\r\n")) == "0123456789");
  CHECK(status_of(ask(server, "GET /file/a.wav", fmt::format("If-None-Match: {}\r\n", etag))) == 304);
  CHECK(status_of(ask(server, "GET /file/a.wav", fmt::format("If-Modified-Since: {}\r\n", changed))) == 304);
  CHECK(status_of(ask(server, "GET /file/a.wav", "If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT\r\n")) ==
        200);
  const std::string same =
      ask(server, "GET /file/a.wav", fmt::format("If-None-Match: {}\r\nRange: bytes=0-1\r\n", etag));
  CHECK(status_of(same) == 304);
  CHECK(body_of(same).empty());
  const std::string head = ask(server, "HEAD /file/a.wav");
  CHECK(head.find("Content-Length: 10\r\n") != std::string::npos);
  CHECK(body_of(head).empty());
  CHECK(status_of(ask(server, "GET /file/none.wav")) == 404);
  CHECK(status_of(ask(server, "GET /file/%2e%2e")) == 400);
  CHECK(status_of(ask(server, "GET /tagged", "If-None-Match: \"1\"\r\n")) == 304);
  CHECK(body_of(ask(server, "GET /tagged", "If-None-Match: \"2\"\r\n")) == "tagged");
  server.file("empty.wav", "");
  CHECK(status_of(ask(server, "GET /file/empty.wav")) == 200);
  std::string large;
  for (int i = 0; i < 100'000; ++i)
    large += fmt::format("{:07}\n", i);
  server.file("large", large);
  CHECK(body_of(ask(server, "GET /file/large")) == large);
  CHECK(body_of(ask(server, "GET /file/large", "Range: bytes=65530-200000\r\n")) ==
        large.substr(65530, 200000 - 65530 + 1));
}

TEST_CASE("a stream goes out as it comes, and both sides may end it") {
  TestServer server;
  {
    Client client(server.endpoint);
    client.say(request("GET /stream"));
    CHECK(client.until("data: 1\n\n\r\n").find("Transfer-Encoding: chunked") != std::string::npos);
    server.on_loop([&] {
      CHECK(server.stream()->write("data: 2\n\n"));
      CHECK(server.stream()->write(""));
    });
    CHECK(client.until("data: 2\n\n\r\n") == "9\r\ndata: 2\n\n\r\n");
    server.on_loop([&] {
      server.stream()->finish();
      CHECK_FALSE(server.stream()->write("data: 3\n\n"));
    });
    CHECK(client.to_end() == "0\r\n\r\n");
  }
  CHECK(comes_true([&] { return server.stream_closed_.load(); }));
  server.stream_closed_ = false;
  {
    Client client(server.endpoint);
    client.say(request("GET /stream"));
    client.until("data: 1\n\n\r\n");
  } // the client goes
  CHECK(comes_true([&] { return server.stream_closed_.load(); }));
  server.stream_closed_ = false;
  // One that does not read: the queue fills up to its cap and no further, and then it is cut off.
  Client client(server.endpoint, 4096);
  client.say(request("GET /stream"));
  client.until("data: 1\n\n\r\n");
  std::size_t taken = 0;
  server.on_loop([&] {
    while (server.stream()->write(std::string(10'000, 'x')))
      ++taken;
  });
  CHECK(taken * 10'000 < 30'000'000);
  server.on_loop([&] { server.stream()->abort(); });
  CHECK(server.stream_closed_.load());
}

TEST_CASE("an end in good order: answers are finished, streams and WebSockets closed") {
  TestServer server;
  Client idle(server.endpoint), waiting(server.endpoint), listening(server.endpoint),
      talking(server.endpoint);
  idle.say(request("GET /hello"));
  idle.until("hello nobody");
  waiting.say(request("GET /later"));
  listening.say(request("GET /stream"));
  listening.until("data: 1\n\n\r\n");
  talking.say(request("GET /socket",
                      "Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"));
  const std::string accepted = talking.until("welcome");
  CHECK(accepted.starts_with("HTTP/1.1 101 "));
  CHECK(accepted.find("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") != std::string::npos); // of RFC 6455 1.3
  REQUIRE(comes_true([&] { return server.arrived_.load(); }));
  std::atomic<bool> stopped = false;
  server.on_loop([&] { server.server().stop(now() + kPlenty, [&] { stopped = true; }); });
  CHECK(idle.to_end().empty());
  CHECK(listening.to_end() == "0\r\n\r\n");
  CHECK(talking.until("\x03\xe9").find('\x88') != std::string::npos); // a close frame with 1001
  CHECK_FALSE(stopped);
  server.answer_later(Response::text(200, "text/plain", "at last"));
  CHECK(waiting.to_end().ends_with("at last"));
  talking.say(std::string_view("\x88\x82\0\0\0\0\x03\xe9", 8)); // the answer to it
  CHECK(comes_true([&] { return stopped.load(); }));
}

TEST_CASE("WebSockets: who does not ask properly is told so") {
  TestServer server;
  CHECK(status_of(ask(server, "GET /socket")) == 426);
  CHECK(status_of(ask(server, "GET /socket",
                      "Upgrade: websocket\r\nSec-WebSocket-Version: 8\r\nSec-WebSocket-Key: x\r\n")) == 426);
  { // A frame that is not masked breaks the protocol: 1002.
    Client client(server.endpoint);
    client.say(request("GET /socket",
                       "Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"));
    client.until("welcome");
    client.say("\x81\x02hi");
    CHECK(client.to_end().find("\x03\xea") != std::string::npos);
  }
  CHECK(comes_true([&] { return server.connections() == 0; }));
}

} // namespace
} // namespace talky::http::test
