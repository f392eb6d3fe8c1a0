// 3xx to a call of ours, and the places that are tried after it (RFC 3261 8.1.3.4).
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "call/rig.hpp"

namespace talky::call::test {
namespace {

const Endpoint kBobAddress{IpAddress::v4(127, 0, 0, 1), 5080};
using Targets = std::vector<std::string>;

struct Redirect {
  Rig rig;
  CallKey call = 0;

  explicit Redirect(unsigned most, std::optional<Credentials> credentials = std::nullopt) {
    InviteOptions options;
    options.target = "sip:bob@127.0.0.1:5080";
    options.flow = udp(kBobAddress);
    options.media = {IpAddress::v4(127, 0, 0, 1), 20100, 0};
    options.max_redirects = most;
    options.credentials = std::move(credentials);
    call = *rig.agent.invite(options, rig.now);
    rig.drain();
  }
  // What the last place says.
  void answer(int status, std::string_view extra = "") {
    rig.receive(Phone::response(*rig.find("INVITE "), status, extra), udp(kBobAddress));
  }
  Result<> go(const std::string& target, std::optional<Credentials> credentials = std::nullopt) {
    const auto done =
        rig.agent.redirect(call, {target, "", udp(kBobAddress), std::move(credentials)}, rig.now);
    rig.drain();
    return done;
  }
  Targets offered() const {
    return rig.last<CallRedirected>() ? rig.last<CallRedirected>()->targets : Targets();
  }
};

TEST_CASE("3xx: the targets are offered, and the call goes on elsewhere with the same Call-ID") {
  Redirect r(2);
  const std::string call_id = r.rig.header("Call-ID");
  r.answer(302,
           "Contact: <sip:low@127.0.0.1:5091>;q=0.1, <sip:high@127.0.0.1:5090?X=1>;q=0.9, <tel:+49>\r\n"
           "Contact: <sip:bob@127.0.0.1:5080>\r\n");
  CHECK(r.rig.count("ACK") == 1);
  CHECK(r.offered() == Targets{"sip:high@127.0.0.1:5090", "sip:low@127.0.0.1:5091"});
  CHECK(r.rig.count<CallEnded>() == 0);
  const Endpoint high{IpAddress::v4(127, 0, 0, 1), 5090};
  REQUIRE(r.rig.agent.redirect(r.call, {"sip:high@127.0.0.1:5090", "sip:there@127.0.0.1:5099", udp(high), {}},
                               r.rig.now));
  r.rig.drain();
  CHECK(r.rig.sent.back().bytes.starts_with("INVITE sip:there@127.0.0.1:5099 ")); // where it is registered
  CHECK(r.rig.sent.back().flow.remote == high);
  CHECK(r.rig.header("Call-ID") == call_id);
  CHECK(r.rig.header("CSeq") == "2 INVITE");
  CHECK(r.rig.header("To") == "<sip:bob@127.0.0.1:5080>");
  CHECK(r.go("sip:low@127.0.0.1:5091").error().code == Errc::closed);
}

TEST_CASE("3xx: a place that fails makes room for the next one, in the order of q") {
  for (const int status : {404, 486, 503}) {
    Redirect r(5);
    r.answer(
        300,
        "Contact: <sip:a@127.0.0.1:5090>;q=0.9, <sip:b@127.0.0.1:5091>;q=0.5, <sip:c@127.0.0.1:5092>\r\n");
    CHECK(r.offered() == Targets{"sip:c@127.0.0.1:5092", "sip:a@127.0.0.1:5090", "sip:b@127.0.0.1:5091"});
    REQUIRE(r.go("sip:c@127.0.0.1:5092"));
    r.answer(status);
    CHECK(r.rig.last<CallRedirected>()->status == status);
    CHECK(r.offered() == Targets{"sip:a@127.0.0.1:5090", "sip:b@127.0.0.1:5091"});
    // One that names another adds it, where its q says.
    REQUIRE(r.go("sip:a@127.0.0.1:5090"));
    r.answer(301, "Contact: <sip:d@127.0.0.1:5093>;q=0.7\r\n");
    CHECK(r.offered() == Targets{"sip:d@127.0.0.1:5093", "sip:b@127.0.0.1:5091"});
    REQUIRE(r.go("sip:d@127.0.0.1:5093"));
    r.answer(404);
    REQUIRE(r.go("sip:b@127.0.0.1:5091"));
    r.answer(404); // the last one
    REQUIRE(r.rig.last<CallEnded>() != nullptr);
    CHECK(r.rig.last<CallEnded>()->status == 404);
    CHECK(r.rig.clean());
  }
}

TEST_CASE("3xx: a place that does not answer makes room for the next one") {
  Redirect r(5);
  r.answer(302, "Contact: <sip:a@127.0.0.1:5090>, <sip:b@127.0.0.1:5091>\r\n");
  REQUIRE(r.go("sip:a@127.0.0.1:5090"));
  r.rig.advance(40s); // Timer B
  CHECK(r.rig.last<CallRedirected>()->status == 408);
  CHECK(r.offered() == Targets{"sip:b@127.0.0.1:5091"});
  // All of them together may ring no longer than the one was to.
  REQUIRE(r.go("sip:b@127.0.0.1:5091"));
  r.rig.advance(60s);
  REQUIRE(r.rig.last<CallEnded>() != nullptr);
  CHECK(r.rig.last<CallEnded>()->cause == EndCause::no_answer);
  CHECK(r.rig.clean());
}

TEST_CASE("3xx: a 6xx speaks for the person, wherever it comes from") {
  Redirect r(5);
  r.answer(302, "Contact: <sip:a@127.0.0.1:5090>, <sip:b@127.0.0.1:5091>\r\n");
  REQUIRE(r.go("sip:a@127.0.0.1:5090"));
  r.answer(603);
  REQUIRE(r.rig.last<CallEnded>() != nullptr);
  CHECK(r.rig.last<CallEnded>()->status == 603);
}

TEST_CASE("3xx: round and round it does not go, nor further than allowed, nor through endless lists") {
  Redirect round(100);
  round.answer(302, "Contact: <sip:a@127.0.0.1:5090>\r\n");
  REQUIRE(round.go("sip:a@127.0.0.1:5090"));
  round.answer(302,
               "Contact: <sip:BOB@127.0.0.1:5080>, <sip:bob@127.0.0.1:5080>, <sip:a@127.0.0.1:5090>\r\n");
  CHECK(round.offered() == Targets{"sip:BOB@127.0.0.1:5080"}); // the user part is told apart by case
  REQUIRE(round.go("sip:BOB@127.0.0.1:5080"));
  round.answer(302, "Contact: <sip:bob@127.0.0.1:5080>\r\n");
  CHECK(round.rig.last<CallEnded>()->status == 302);

  Redirect far(2);
  for (int i = 0; far.rig.count<CallEnded>() == 0; ++i) {
    REQUIRE(i < 10);
    const std::string next = fmt::format("sip:x{}@127.0.0.1:5090", i);
    far.answer(302, fmt::format("Contact: <{}>\r\n", next));
    if (far.rig.count<CallEnded>() == 0) REQUIRE(far.go(next));
  }
  CHECK(far.rig.count("INVITE ") == 3);

  Redirect broad(100);
  for (int batch = 0; batch < 4; ++batch) {
    std::string many;
    for (int i = 0; i < 20; ++i)
      many += fmt::format("Contact: <sip:y{}@127.0.0.1:5090>\r\n", 20 * batch + i);
    broad.answer(302, many);
    CHECK(broad.offered().size() < 40);
    REQUIRE(broad.go(broad.offered().front()));
  }
}

TEST_CASE("3xx: none is followed where none may be, and hangup() ends it") {
  Redirect none(0);
  none.answer(302, "Contact: <sip:x@127.0.0.1:5090>\r\n");
  CHECK(none.rig.count<CallRedirected>() == 0);
  CHECK(none.rig.last<CallEnded>()->status == 302);
  Redirect r(5);
  r.answer(302, "Contact: <sip:x@127.0.0.1:5090>\r\n");
  CHECK(r.go("sip:elsewhere@127.0.0.1:5090").error().code == Errc::closed); // it is not one of them
  REQUIRE(r.rig.agent.hangup(r.call, "not allowed", false, r.rig.now));
  r.rig.drain();
  REQUIRE(r.rig.last<CallEnded>() != nullptr);
  CHECK(r.rig.last<CallEnded>()->status == 302);
  CHECK(r.rig.last<CallEnded>()->cause == EndCause::rejected);
  CHECK(r.rig.clean());
}

TEST_CASE("3xx: the password of the first place is not shown to the next one") {
  constexpr std::string_view kChallenge =
      "WWW-Authenticate: Digest realm=\"x\", nonce=\"n\", algorithm=MD5, qop=\"auth\"\r\n";
  Redirect r(5, Credentials{"bob", "geheim"});
  r.answer(302, "Contact: <sip:a@127.0.0.1:5090>, <sip:b@127.0.0.1:5091>\r\n");
  REQUIRE(r.go("sip:a@127.0.0.1:5090"));
  r.answer(401, kChallenge);
  CHECK(r.rig.find("INVITE ")->find("Authorization:") == std::string::npos);
  CHECK(r.offered() == Targets{"sip:b@127.0.0.1:5091"}); // it has failed
  REQUIRE(r.go("sip:b@127.0.0.1:5091", Credentials{"carol", "anders"}));
  r.answer(401, kChallenge);
  CHECK(r.rig.header("Authorization").find("username=\"carol\"") != std::string::npos);
}

} // namespace
} // namespace talky::call::test
