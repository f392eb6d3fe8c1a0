#include "sip/framer.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <string>
#include <utility>
#include <vector>

#include "fixtures.hpp"

using namespace talky;
using namespace talky::sip;
using namespace talky::sip::test;

namespace {

using Items = std::vector<std::pair<Framer::Kind, std::string>>;

struct Run {
  Items items;
  bool failed = false;
  Errc code{};
  std::string broken;
};

void drain(Framer& framer, Run& run) {
  for (;;) {
    const auto item = framer.next();
    if (!item) {
      run.failed = true;
      run.code = item.error().code;
      run.broken = framer.broken();
      return;
    }
    if (!*item) return;
    run.items.emplace_back((*item)->kind, (*item)->bytes);
  }
}

// The stream cut into reads of these sizes, over and over.
Run frame(std::string_view stream, const std::vector<std::size_t>& sizes = {1'000'000},
          const Framer::Limits& limits = Framer::Limits()) {
  Framer framer(limits);
  Run run;
  for (std::size_t at = 0, i = 0; at < stream.size() && !run.failed; ++i) {
    const std::size_t size = std::min(sizes[i % sizes.size()], stream.size() - at);
    framer.feed(stream.substr(at, size));
    at += size;
    drain(framer, run);
  }
  return run;
}

std::string message(std::string body = {}) {
  Request r;
  r.method = "MESSAGE";
  r.type = body.empty() ? "" : "text/plain";
  r.body = std::move(body);
  return r.text();
}

} // namespace

TEST_CASE("messages, bodies and keep-alives, in whatever pieces they come") {
  const std::string stream = message("hello\r\n\r\nINVITE") + message() + "\r\n\r\n" + message("x") + "\r\n" +
                             "OPTIONS sip:a SIP/2.0\nl : 2\n\nab" + message();
  const Items expected = {{Framer::Kind::message, message("hello\r\n\r\nINVITE")},
                          {Framer::Kind::message, message()},
                          {Framer::Kind::pong, "\r\n"},
                          {Framer::Kind::ping, "\r\n"},
                          {Framer::Kind::message, message("x")},
                          {Framer::Kind::pong, "\r\n"},
                          {Framer::Kind::message, "OPTIONS sip:a SIP/2.0\nl : 2\n\nab"},
                          {Framer::Kind::message, message()}};
  for (std::size_t size = 1; size < 40; ++size) {
    CAPTURE(size);
    const Run run = frame(stream, {size});
    CHECK_FALSE(run.failed);
    CHECK(run.items == expected);
  }
  CHECK(rc::check([&] {
    const auto sizes = *rc::gen::nonEmpty(
        rc::gen::container<std::vector<std::size_t>>(rc::gen::inRange<std::size_t>(1, 300)));
    RC_ASSERT(frame(stream, sizes).items == expected);
  }));
}

TEST_CASE("a message comes out as soon as its last byte is in, not before") {
  Framer framer;
  const std::string text = message("body");
  framer.feed(std::string_view(text).substr(0, text.size() - 1));
  CHECK_FALSE(framer.next()->has_value());
  CHECK(framer.buffered() == text.size() - 1);
  framer.feed(std::string_view(text).substr(text.size() - 1));
  CHECK(framer.next()->value().bytes == text);
  CHECK(framer.buffered() == 0);
}

TEST_CASE("keep-alives: each CRLF at once, a pair is a ping") {
  using Kind = Framer::Kind;
  const auto kinds = [](std::string_view stream) {
    std::vector<Kind> out;
    for (const auto& [kind, bytes] : frame(stream, {1}).items)
      out.push_back(kind);
    return out;
  };
  CHECK(kinds("\r\n") == std::vector{Kind::pong});
  CHECK(kinds("\r\n\r\n") == std::vector{Kind::pong, Kind::ping});
  CHECK(kinds("\r\n\r\n\r\n\r\n") == std::vector{Kind::pong, Kind::ping, Kind::pong, Kind::ping});
  CHECK(kinds("\r").empty());
  CHECK(kinds("\n\n").empty());
}

TEST_CASE("where the stream cannot be followed any more") {
  const std::string head = "INVITE sip:a SIP/2.0\r\nVia: x\r\n";
  for (const std::string& fields :
       {std::string("Content-Length: 2\r\nl: 2\r\n\r\n"), std::string("Content-Length: x\r\n\r\n"),
        std::string("Content-Length: -1\r\n\r\n"), std::string("Content-Type: application/sdp\r\n\r\n")}) {
    CAPTURE(fields);
    for (const std::size_t size : {std::size_t{1}, std::size_t{1000}}) {
      const Run run = frame(head + fields + "abc", {size});
      CHECK(run.failed);
      CHECK(run.code == Errc::malformed);
      CHECK(run.broken == head + fields);
      CHECK(run.items.empty());
    }
  }
  Framer framer;
  framer.feed(head + "l: x\r\n\r\n");
  CHECK_FALSE(framer.next().has_value());
  framer.feed(message());
  CHECK_FALSE(framer.next().has_value()); // for good
}

TEST_CASE("no Content-Length and no Content-Type: no body") {
  const Run run = frame("OPTIONS sip:a SIP/2.0\r\nVia: x\r\n\r\n" + message());
  REQUIRE(run.items.size() == 2);
  CHECK(run.items[1].second == message());
}

TEST_CASE("limits of head and body") {
  const Framer::Limits limits{.head = 400, .body = 10};
  CHECK_FALSE(frame(message("0123456789"), {1000}, limits).failed);
  const Run body = frame(message("0123456789a"), {7}, limits);
  CHECK(body.failed);
  CHECK(body.code == Errc::too_large);
  CHECK_FALSE(body.broken.empty());
  for (const std::size_t size : {std::size_t{1}, std::size_t{100}, std::size_t{10'000}}) {
    const Run head =
        frame("INVITE sip:a SIP/2.0\r\nX: " + std::string(500, 'x') + "\r\n\r\n", {size}, limits);
    CHECK(head.failed);
    CHECK(head.code == Errc::too_large);
  }
  // A block that has grown too long while its last line is still open; found by fuzzing.
  CHECK(frame("INVITE sip:a SIP/2.0\r\nX: " + std::string(500, 'x') + "\r\n", {10'000}, limits).failed);
  const Run endless = frame(std::string(2000, 'x'), {100}, limits);
  CHECK(endless.failed);
}

TEST_CASE("a long-lived stream does not grow") {
  Framer framer;
  const std::string text = message(std::string(300, 'x'));
  const std::string three = text + text + text;
  std::size_t seen = 0;
  for (int i = 0; i < 10'000; ++i) {
    framer.feed(std::string_view(three).substr(0, three.size() - 5));
    while (framer.next()->has_value())
      ++seen;
    framer.feed(std::string_view(three).substr(three.size() - 5));
    while (framer.next()->has_value())
      ++seen;
    REQUIRE(framer.buffered() == 0);
  }
  CHECK(seen == 30'000);
}
