#include "http/client.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <optional>
#include <string>

#include "http/server.hpp"
#include "net/stream.hpp"

using namespace talky;
using namespace talky::http;
using namespace talky::net;
using namespace std::chrono_literals;

namespace {

constexpr auto kPatience = 60s;

// One request, driven to its end on a loop of its own.
tl::expected<Answer, std::string> ask(Loop& loop, const std::string& url, const Headers& headers,
                                      std::string body, Duration limit = kPatience) {
  std::optional<tl::expected<Answer, std::string>> out;
  Requesting request(loop, *Url::parse(url), headers, std::move(body), {limit, {}}, [&](auto answer) {
    out = std::move(answer);
    loop.stop();
  });
  Timer guard(loop, [&] { loop.stop(); });
  guard.at(now() + kPatience);
  loop.run();
  return out ? *out : tl::unexpected(std::string("nothing came"));
}

} // namespace

TEST_CASE("URLs of HTTP, and what is none") {
  const auto plain = Url::parse("http://collector:4318/v1/traces?x=1");
  REQUIRE(plain);
  CHECK_FALSE(plain->tls);
  CHECK(plain->host == "collector");
  CHECK(plain->port == 4318);
  CHECK(plain->target == "/v1/traces?x=1");
  CHECK(plain->authority() == "collector:4318");
  const auto secure = Url::parse("https://[2001:db8::1]");
  REQUIRE(secure);
  CHECK(secure->tls);
  CHECK(secure->host == "2001:db8::1");
  CHECK(secure->port == 443);
  CHECK(secure->target == "/");
  CHECK(secure->authority() == "[2001:db8::1]");
  for (const std::string wrong :
       {"", "collector", "collector:4318", "ftp://h/", "http://", "http:///x", "http://u@h/", "http://h/#f",
        "http://h:99999/", "http://h:0/", "http://h h/"}) {
    CAPTURE(wrong);
    CHECK_FALSE(Url::parse(wrong));
  }
}

TEST_CASE("a request reaches the server as it was given, and its answer comes back") {
  Loop loop;
  Server server(
      loop, {},
      [](const Request& request, const Reply& reply) {
        auto response = Response::text(429, "text/plain",
                                       fmt::format("{} {} {} {}", to_string(request.method), request.path,
                                                   request.headers.get("X-Key"), request.body.size()));
        response.headers.add("X-Fields", std::to_string(request.headers.fields().size()));
        response.headers.add("Retry-After", "7");
        reply(std::move(response));
      },
      nullptr);
  const auto bound = server.listen(*Endpoint::parse("127.0.0.1:0"));
  REQUIRE(bound);
  Headers headers;
  headers.add("X-Key", "secret");
  headers.add("X-Forged", "a\r\nX-Key: another"); // would end its line: left out
  const auto answer =
      ask(loop, fmt::format("http://{}/v1/traces", bound->to_string()), headers, std::string(300'000, 'x'));
  REQUIRE(answer);
  CHECK(answer->status == 429);
  CHECK(answer->body == "POST /v1/traces secret 300000");
  CHECK(answer->headers.get("retry-after") == "7");
  CHECK(answer->headers.get("x-fields") == "4"); // Host, Connection, Content-Length and X-Key
}

TEST_CASE("a server that is not there, and one that says nothing, are told apart in words") {
  Loop loop;
  Endpoint silent;
  {
    auto listener = Listener::open(loop, *Endpoint::parse("127.0.0.1:0"), {}, [](const auto&) {}, {});
    REQUIRE(listener);
    silent = std::get<Endpoint>(listener->local());
    std::optional<Requesting> given_up;
    bool called = false;
    given_up.emplace(loop, *Url::parse(fmt::format("http://{}", silent.to_string())), Headers{}, "",
                     Requesting::Options{kPatience, {}}, [&](const auto&) { called = true; });
    given_up.reset(); // takes the question back
    const auto answer = ask(loop, fmt::format("http://{}", silent.to_string()), {}, "x", 50ms);
    REQUIRE_FALSE(answer);
    CHECK_FALSE(called);
    CHECK(answer.error().find(": ") != std::string::npos);
  }
  const auto refused = ask(loop, fmt::format("http://{}", silent.to_string()), {}, "x");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().starts_with("connect: "));
}

TEST_CASE("an answer that is none, too long, or cut off is an error") {
  Loop loop;
  std::string said;
  std::shared_ptr<Connection> held;
  auto listener = Listener::open(loop, *Endpoint::parse("127.0.0.1:0"), {},
                                 [&](std::shared_ptr<Connection> connection) {
                                   held = std::move(connection);
                                   held->start({.data =
                                                    [&](Bytes) {
                                                      held->write(as_bytes(said));
                                                      held->close_when_drained(now() + kPatience);
                                                    },
                                                .closed = {},
                                                .drained = {}});
                                 },
                                 {});
  REQUIRE(listener);
  const std::string url = fmt::format("http://{}", std::get<Endpoint>(listener->local()).to_string());
  for (const std::string& wrong :
       {std::string("nonsense\r\n\r\n"), std::string("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"),
        fmt::format("HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n{}", std::string(200'000, 'x'))}) {
    said = wrong;
    const auto answer = ask(loop, url, {}, "x");
    REQUIRE_FALSE(answer);
    CHECK(answer.error().starts_with("answer: "));
  }
}
