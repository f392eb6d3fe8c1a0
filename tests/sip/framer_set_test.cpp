// Connections that stop inside a message.
#include "sip/framer_set.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace std::chrono_literals;

namespace talky::sip {
namespace {

// Feeds and drains; gives how many messages came out.
int feed(FramerSet& set, std::uint64_t connection, std::string_view bytes, Time now) {
  Framer& framer = set.feed(connection, bytes);
  int messages = 0;
  for (auto item = framer.next(); item && *item; item = framer.next())
    messages += (*item)->kind == Framer::Kind::message ? 1 : 0;
  set.drained(connection, messages > 0, now);
  return messages;
}

constexpr std::string_view kWhole = "OPTIONS sip:a SIP/2.0\r\nContent-Length: 0\r\n\r\n";

TEST_CASE("a message that never ends is told once, however slowly it grows") {
  FramerSet set(32s);
  Time now{1s};
  CHECK(feed(set, 1, "OPTIONS sip:a SIP/2.0\r\n", now) == 0);
  CHECK(set.deadline() == now + 32s);
  for (int i = 0; i < 31; ++i) { // a byte a second keeps nothing alive
    now += 1s;
    feed(set, 1, "x", now);
  }
  CHECK(set.expire(now).empty());
  CHECK(set.expire(now + 1s) == std::vector<std::uint64_t>{1});
  CHECK(set.expire(now + 2s).empty());
  CHECK_FALSE(set.contains(1));
  CHECK_FALSE(set.deadline());
}

TEST_CASE("whole messages and silence between them are no stall") {
  FramerSet set(32s);
  Time now{1s};
  CHECK(feed(set, 1, kWhole, now) == 1);
  CHECK_FALSE(set.deadline());
  // Half a message, its other half with half of the next: the clock starts anew.
  CHECK(feed(set, 1, kWhole.substr(0, 20), now) == 0);
  now += 30s;
  CHECK(feed(set, 1, fmt::format("{}OPT", kWhole.substr(20)), now) == 1);
  CHECK(set.expire(now + 3s).empty());
  CHECK(set.deadline() == now + 32s);
  CHECK(feed(set, 2, "INV", now + 10s) == 0);
  CHECK(set.expire(now + 32s) == std::vector<std::uint64_t>{1});
  CHECK(set.deadline() == now + 42s);
  set.erase(2);
  CHECK(set.expire(now + 60s).empty());
  CHECK(set.size() == 0);
}

} // namespace
} // namespace talky::sip
