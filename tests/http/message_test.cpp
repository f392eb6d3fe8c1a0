#include "http/message.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <string>
#include <vector>

#include "http/router.hpp"

using namespace talky;
using namespace talky::http;

namespace {

Request get(std::string path, std::string query = "") {
  Request request;
  request.path = std::move(path);
  request.query = std::move(query);
  return request;
}

// What the router answers, and which handler it was.
struct Asked {
  int status = 0;
  std::string allow;
  std::string by;
};
class TestRouter {
 public:
  void serve(Method method, const std::string& pattern) {
    router_.add(method, pattern, [this, pattern](const Request& request, const Reply& reply) {
      asked_.by = pattern;
      for (const auto& [name, value] : request.parameters)
        asked_.by += fmt_pair(name, value);
      reply(Response::text(200, "text/plain", ""));
    });
  }
  Asked ask(Method method, const std::string& path) {
    asked_ = {};
    Request request = get(path);
    request.method = method;
    router_(std::move(request), Reply([this](const Response& response) {
              asked_.status = response.status;
              asked_.allow = std::string(response.headers.get("allow"));
            }));
    return asked_;
  }

 private:
  static std::string fmt_pair(const std::string& name, const std::string& value) {
    return std::string(" ").append(name).append("=").append(value);
  }
  Router router_;
  Asked asked_;
};

} // namespace

TEST_CASE("fields compare without regard to case") {
  Headers headers;
  headers.add("Content-Type", "text/plain");
  headers.add("X-A", "1");
  headers.add("x-a", "2");
  CHECK(headers.get("content-TYPE") == "text/plain");
  CHECK(headers.get("X-a") == "1");
  CHECK(headers.count("X-A") == 2);
  CHECK_FALSE(headers.has("host"));
  CHECK(headers.get("host").empty());
}

TEST_CASE("values of a query") {
  const Request request = get("/", "now&port=5062&text=a+b%21&&x=%zz&empty=&port=1&n%61me=v");
  CHECK(request.query_value("now") == "");
  CHECK(request.query_value("port") == "5062");
  CHECK(request.query_value("text") == "a b!");
  CHECK_FALSE(request.query_value("x").has_value());
  CHECK(request.query_value("empty") == "");
  CHECK(request.query_value("name") == "v");
  CHECK_FALSE(request.query_value("nothing").has_value());
  CHECK_FALSE(get("/").query_value("now").has_value());
}

TEST_CASE("a WebSocket is asked for by five things at once") {
  const std::vector<std::pair<std::string, std::string>> fields = {{"Connection", "keep-alive, Upgrade"},
                                                                   {"Upgrade", "WebSocket"},
                                                                   {"Sec-WebSocket-Version", "13"},
                                                                   {"Sec-WebSocket-Key", "x"}};
  for (std::size_t without = 0; without <= fields.size(); ++without) {
    Request request = get("/");
    for (std::size_t i = 0; i < fields.size(); ++i) {
      if (i != without) request.headers.add(fields[i].first, fields[i].second);
    }
    CHECK(request.wants_websocket() == (without == fields.size()));
    request.method = Method::post;
    CHECK_FALSE(request.wants_websocket());
  }
}

TEST_CASE("a reply is given once, and if nobody gives it, it is 500") {
  std::vector<int> statuses;
  {
    const Reply reply([&](const Response& response) { statuses.push_back(response.status); });
    const Reply copy = reply; // NOLINT(performance-unnecessary-copy-initialization)
    copy(Response::text(200, "text/plain", ""));
    reply(Response::text(201, "text/plain", ""));
  }
  CHECK(statuses == std::vector{200});
  {
    const Reply forgotten([&](const Response& response) { statuses.push_back(response.status); });
  }
  CHECK(statuses == std::vector{200, 500});
}

TEST_CASE("problems are RFC 9457 documents") {
  const Response response = problem(404, "no call \"x\"\n\xff");
  CHECK(response.status == 404);
  CHECK(response.headers.get("content-type") == "application/problem+json");
  CHECK(response.body ==
        "{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404,"
        "\"detail\":\"no call \\\"x\\\"\\n\xef\xbf\xbd\"}\n");
}

TEST_CASE("percent encoding") {
  CHECK(percent_decoded("a%20b%2Fc") == "a b/c");
  CHECK(percent_decoded("a+b") == "a+b");
  CHECK(percent_decoded("a+b", true) == "a b");
  for (const char* bad : {"%", "%2", "%2g", "%g2", "a%"})
    CHECK_FALSE(percent_decoded(bad).has_value());
  CHECK(percent_encoded("a/b \xc3\xa9~") == "a%2Fb%20%C3%A9~");
  CHECK(rc::check("decoding undoes encoding", [](const std::string& text) {
    RC_ASSERT(percent_decoded(percent_encoded(text)) == text);
    RC_ASSERT(percent_decoded(percent_encoded(text), true) == text);
  }));
}

TEST_CASE("ranges of a body of 100 bytes") {
  const auto choose = [](const char* header) { return choose_range(header, 100); };
  CHECK(choose("bytes=0-9").range == ByteRange{0, 9});
  CHECK(choose("bytes=90-").range == ByteRange{90, 99});
  CHECK(choose("bytes=-10").range == ByteRange{90, 99});
  CHECK(choose("bytes=-1000").range == ByteRange{0, 99});
  CHECK(choose("BYTES= 5-1000 ").range == ByteRange{5, 99});
  CHECK(choose("bytes=0-18446744073709551615").range == ByteRange{0, 99});
  for (const char* unsatisfiable : {"bytes=100-", "bytes=100-200", "bytes=-0"})
    CHECK_MESSAGE(choose(unsatisfiable).unsatisfiable, unsatisfiable);
  for (const char* ignored : {"", "bytes", "bytes=", "bytes=-", "bytes=9-0", "bytes=a-b", "bytes=0-1,5-6",
                              "lines=0-1", "bytes=0-99999999999999999999", "bytes=+1-2"}) {
    CHECK_MESSAGE(!choose(ignored).range, ignored);
    CHECK_MESSAGE(!choose(ignored).unsatisfiable, ignored);
  }
  CHECK(choose_range("bytes=0-", 0).unsatisfiable);
  CHECK(choose_range("bytes=-5", 0).unsatisfiable);
  CHECK(rc::check("a chosen range lies in the body", [](const std::string& tail, std::uint16_t size) {
    const auto choice = choose_range("bytes=" + tail, size);
    if (choice.range) RC_ASSERT(choice.range->first <= choice.range->last && choice.range->last < size);
  }));
}

TEST_CASE("entity tags and dates") {
  CHECK(etag_matches("\"a\", \"b\"", "\"b\""));
  CHECK(etag_matches("W/\"b\"", "\"b\""));
  CHECK(etag_matches("*", "\"b\""));
  CHECK_FALSE(etag_matches("\"bb\"", "\"b\""));
  CHECK_FALSE(etag_matches("", "\"b\""));
  CHECK(http_date(784'111'777) == "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT") == 784'111'777);
  for (const char* bad :
       {"", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun, 31 Feb 1994 08:49:37 GMT",
        "Mon, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 25:49:37 GMT", "Sun, 06 Xxx 1994 08:49:37 GMT"})
    CHECK_FALSE(parse_http_date(bad).has_value());
  CHECK(rc::check("a date survives", [](std::uint32_t seconds) {
    RC_ASSERT(parse_http_date(http_date(seconds)) == static_cast<std::int64_t>(seconds));
  }));
}

TEST_CASE("the host of an authority") {
  CHECK(authority_host("LOCALHOST:8000") == "localhost");
  CHECK(authority_host("127.0.0.1") == "127.0.0.1");
  CHECK(authority_host("[::1]:8000") == "::1");
  CHECK(authority_host("a.example:1") == "a.example");
  for (const char* bad :
       {"", ":8000", "a b", "user@host", "[::1", "[a]:1", "[::1]x", "host:99999", "host:", "::1", "a/b"})
    CHECK_MESSAGE(!authority_host(bad), bad);
}

TEST_CASE("paths are split and decoded") {
  using Segments = std::vector<std::string>;
  CHECK(split_path("/") == Segments{});
  CHECK(split_path("/a/b") == Segments{"a", "b"});
  CHECK(split_path("/a/b/") == Segments{"a", "b"});
  CHECK(split_path("/a%20b/%C3%A9") == Segments{"a b", "\xc3\xa9"});
  CHECK(split_path("/...") == Segments{"..."});
  for (const char* bad : {"", "a", "//", "/a//b", "/./a", "/a/..", "/%2e%2E/etc", "/a%2fb", "/a%5cb",
                          "/a%00b", "/a%0a", "/a%", "/a%4", "/a%zz", "/a\x7f"})
    CHECK_MESSAGE(!split_path(bad), bad);
  CHECK_FALSE(split_path("/" + std::string(3'000, 'a')).has_value());
  std::string deep;
  for (int i = 0; i < 33; ++i)
    deep += "/a";
  CHECK_FALSE(split_path(deep).has_value());
  CHECK(split_path(deep.substr(2)).has_value());
}

TEST_CASE("no path leads out of its place") {
  const auto harmless = [](const std::string& segment) {
    return !segment.empty() && segment != "." && segment != ".." && segment.find('/') == std::string::npos &&
           segment.find('\0') == std::string::npos;
  };
  // Bytes that paths are made of, so that most of what is tried is nearly a path.
  const auto piece = rc::gen::elementOf(std::vector<std::string>{
      "a", ".", "..", "%2e", "%2F", "%25", "%", "%0", "\\", "%5c", "%00", "b", "~", "+", "\xc3\xa9"});
  CHECK(rc::check("what comes out is harmless and means the same again", [&] {
    std::string path;
    for (int n = *rc::gen::inRange(1, 4); n > 0; --n) {
      path += *rc::gen::weightedElement<std::string>({{20, "/"}, {1, ""}, {1, "//"}});
      for (int m = *rc::gen::inRange(1, 3); m > 0; --m)
        path += *piece;
    }
    const auto segments = split_path(path);
    if (!segments) return;
    std::string again;
    for (const std::string& segment : *segments) {
      RC_ASSERT(harmless(segment));
      again += "/" + percent_encoded(segment);
    }
    if (again.empty()) again = "/";
    RC_ASSERT(split_path(again) == segments);
  }));
  // Any bytes but controls, slashes of both kinds and NUL.
  const auto byte = rc::gen::suchThat(rc::gen::arbitrary<char>(), [](char c) {
    return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f && c != '\\' && c != '/';
  });
  CHECK(rc::check("every harmless segment can be named", [&] {
    const std::string segment = *rc::gen::nonEmpty(rc::gen::container<std::string>(byte));
    RC_PRE(harmless(segment));
    RC_ASSERT(split_path("/x/" + percent_encoded(segment)) == std::vector<std::string>({"x", segment}));
  }));
}

TEST_CASE("routes") {
  TestRouter router;
  router.serve(Method::get, "/");
  router.serve(Method::get, "/calls");
  router.serve(Method::get, "/calls/{id}");
  router.serve(Method::delete_, "/calls/{id}");
  router.serve(Method::get, "/calls/all");
  router.serve(Method::post, "/calls/{id}/hold");
  router.serve(Method::get, "/files/{name...}");
  using enum Method;
  CHECK(router.ask(get, "/").by == "/");
  CHECK(router.ask(get, "/calls").by == "/calls");
  CHECK(router.ask(get, "/calls/").by == "/calls");
  CHECK(router.ask(get, "/calls/a%20b").by == "/calls/{id} id=a b");
  CHECK(router.ask(get, "/calls/all").by == "/calls/all"); // the literal one wins, whatever the order
  CHECK(router.ask(head, "/calls/7").by == "/calls/{id} id=7");
  CHECK(router.ask(delete_, "/calls/7").by == "/calls/{id} id=7");
  CHECK(router.ask(post, "/calls/7/hold").by == "/calls/{id}/hold id=7");
  CHECK(router.ask(get, "/files/a/b.js").by == "/files/{name...} name=a/b.js");
  CHECK(router.ask(get, "/files").status == 404);
  CHECK(router.ask(get, "/nothing").status == 404);
  CHECK(router.ask(get, "/calls/../x").status == 400);
  CHECK(router.ask(put, "/calls/7").status == 405);
  CHECK(router.ask(put, "/calls/7").allow == "GET, HEAD, DELETE, OPTIONS");
  CHECK(router.ask(other, "/calls").status == 405);
  CHECK(router.ask(options, "/calls/7/hold").status == 204);
  CHECK(router.ask(options, "/calls/7/hold").allow == "POST, OPTIONS");
  CHECK(router.ask(options, "/nothing").status == 404);
}
