// Which worker a SIP message goes to.
#include "sipd/worker/message_router.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>
#include <vector>

namespace {

using namespace talky;
using sipd::MessageRouter;

constexpr std::size_t kWorkers = 4;

struct Delivered {
  std::size_t worker;
  std::string bytes;
};

struct Fixture {
  std::vector<Delivered> delivered;
  int pings = 0;
  MessageRouter router{1,
                       kWorkers,
                       {.deliver =
                            [this](std::size_t worker, const sip::Flow&, std::string_view bytes) {
                              delivered.push_back({worker, std::string(bytes)});
                            },
                        .ping = [this](const sip::Flow&) { ++pings; }}};
  const sip::Flow udp{sip::Transport::udp, {}, {}, 0};
  const sip::Flow tcp{sip::Transport::tcp, {}, {}, 7};

  std::size_t owner_of(const std::string& message) {
    delivered.clear();
    router.received(udp, message, Time{});
    REQUIRE(delivered.size() == 1);
    CHECK(delivered[0].bytes == message);
    return delivered[0].worker;
  }
};

std::string request(std::string_view method, std::string_view call_id, std::string_view more = "") {
  return fmt::format(
      "{0} sip:100@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5062;branch=z9hG4bK1\r\n"
      "From: <sip:a@127.0.0.1>;tag=1\r\nTo: <sip:100@127.0.0.1>\r\nCall-ID: {1}\r\nCSeq: 1 {0}\r\n"
      "Max-Forwards: 70\r\n{2}Content-Length: 0\r\n\r\n",
      method, call_id, more);
}

} // namespace

TEST_CASE_FIXTURE(Fixture, "all messages of a call go to one worker, and calls are spread over all") {
  std::vector<int> calls(kWorkers);
  for (int i = 0; i < 100; ++i) {
    const std::string id = fmt::format("call-{}@host", i);
    const std::size_t owner = owner_of(request("INVITE", id));
    REQUIRE(owner < kWorkers);
    ++calls[owner];
    CHECK(owner == router.hashed(id));
    CHECK(owner_of(request("BYE", id)) == owner);
  }
  for (const int count : calls)
    CHECK(count > 0);
}

TEST_CASE_FIXTURE(Fixture, "REGISTER goes by the address-of-record, whatever its Call-ID is") {
  const std::size_t owner = owner_of(request("REGISTER", "a"));
  for (int i = 0; i < 20; ++i)
    CHECK(owner_of(request("REGISTER", fmt::format("r{}", i))) == owner);
}

TEST_CASE_FIXTURE(Fixture, "an INVITE that replaces a call goes to where that call is") {
  const std::size_t owner = router.hashed("old");
  const std::string replaces = "Replaces: old;to-tag=1;from-tag=2\r\n";
  for (int i = 0; i < 20; ++i)
    CHECK(owner_of(request("INVITE", fmt::format("n{}", i), replaces)) == owner);
}

TEST_CASE_FIXTURE(Fixture, "a call that has moved is found where it is, until it is over") {
  const std::size_t elsewhere = (router.hashed("x") + 1) % kWorkers;
  router.moved("x", elsewhere);
  CHECK(router.has_moved("x"));
  CHECK(owner_of(request("BYE", "x")) == elsewhere);
  router.moved("x", std::nullopt);
  CHECK_FALSE(router.has_moved("x"));
  CHECK(owner_of(request("BYE", "x")) == router.hashed("x"));
}

TEST_CASE_FIXTURE(Fixture, "what is no message stays with the worker that it came to") {
  CHECK(owner_of("hello") == 1);
}

TEST_CASE_FIXTURE(Fixture, "bytes of a connection are cut into messages, however they come") {
  const std::string first = request("INVITE", "one"), second = request("BYE", "two");
  const std::string bytes = first + "\r\n\r\n" + second;
  for (const char c : bytes)
    router.received(tcp, std::string_view(&c, 1), Time{});
  REQUIRE(delivered.size() == 2);
  CHECK(delivered[0].bytes == first);
  CHECK(delivered[0].worker == router.hashed("one"));
  CHECK(delivered[1].bytes == second);
  CHECK(delivered[1].worker == router.hashed("two"));
  CHECK(pings == 1);
}

TEST_CASE_FIXTURE(Fixture, "a connection whose message does not end is named when its time is over") {
  router.received(tcp, "INVITE sip:100@127.0.0.1 SIP/2.0\r\n", Time{});
  const auto due = router.deadline();
  REQUIRE(due);
  CHECK(router.expire(*due - std::chrono::milliseconds(1)).empty());
  CHECK(router.expire(*due) == std::vector<std::uint64_t>{7});
}
