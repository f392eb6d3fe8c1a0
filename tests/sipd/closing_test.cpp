// How a worker ends.
#include "sipd/worker/closing.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>

namespace {

using namespace talky;

struct Fixture {
  net::Loop loop;
  sipd::Closing closing{loop};
  int ends = 0;
};

std::string bye(std::string_view call_id) {
  return fmt::format(
      "BYE sip:100@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1\r\nFrom: "
      "<sip:a@b>;tag=1\r\n"
      "To: <sip:c@d>;tag=2\r\nCall-ID: {}\r\nCSeq: 1 BYE\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
      call_id);
}

std::string answer(std::string_view call_id) {
  return fmt::format(
      "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n"
      "To: <sip:c@d>;tag=2\r\nCall-ID: {}\r\nCSeq: 1 BYE\r\nContent-Length: 0\r\n\r\n",
      call_id);
}

} // namespace

TEST_CASE_FIXTURE(Fixture, "who drains takes no calls until the SIP side is started again") {
  CHECK(closing.takes_calls());
  closing.drain([this] { ++ends; });
  CHECK(closing.refuses());
  CHECK_FALSE(closing.takes_calls());
  CHECK(closing.draining());
  closing.drain(nullptr); // asked again by somebody who does not wait
  CHECK(closing.draining());
  closing.drained();
  CHECK(ends == 1);
  CHECK_FALSE(closing.draining());
  CHECK(closing.refuses());
  closing.reopen();
  CHECK(closing.takes_calls());
}

TEST_CASE_FIXTURE(Fixture, "a shutdown waits for the calls, and for the answer to each BYE") {
  closing.sent(bye("before")); // of a call that ended by itself: nobody waits for that
  closing.shut_down([this] { ++ends; });
  CHECK_FALSE(closing.takes_calls());
  CHECK_FALSE(closing.refuses()); // the UserAgent says no to what comes now
  closing.sent(bye("one"));
  closing.sent(bye("two"));
  closing.look(false);
  closing.received(answer("one"));
  closing.look(true);
  CHECK(ends == 0);
  closing.received(answer("two"));
  closing.look(false);
  CHECK(ends == 0);
  closing.look(true);
  CHECK(ends == 1);
  CHECK_FALSE(closing.shutting_down());
  closing.look(true);
  CHECK(ends == 1);
}
