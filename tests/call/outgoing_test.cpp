// Calls that we place.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "call/rig.hpp"

namespace talky::call::test {
namespace {

constexpr std::string_view kAnswer =
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio 4000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\n";
constexpr std::string_view kContact = "Contact: <sip:bob@127.0.0.1:5070>\r\n";

InviteOptions to_bob() {
  InviteOptions options;
  options.target = "sip:bob@127.0.0.1:5070";
  options.flow = udp();
  options.media = kServerMedia;
  return options;
}

CallKey place(Rig& rig, const InviteOptions& options = to_bob()) {
  const auto call = rig.agent.invite(options, rig.now);
  REQUIRE(call);
  rig.drain();
  return *call;
}

TEST_CASE("INVITE, 180, 200, ACK, BYE") {
  Rig rig;
  InviteOptions options = to_bob();
  options.from_display = "Talky \"1\"";
  options.headers = {{"X-Test", "yes"}};
  const CallKey call = place(rig, options);
  REQUIRE(rig.sent.size() == 1);
  const std::string invite = rig.sent[0].bytes;
  CHECK(rig.sent[0].flow == udp());
  CHECK(invite.starts_with("INVITE sip:bob@127.0.0.1:5070 SIP/2.0\r\n"));
  CHECK(rig.header("From").starts_with("\"Talky \\\"1\\\"\" <sip:talky@127.0.0.1:5060>;tag="));
  CHECK(rig.header("X-Test") == "yes");
  CHECK(rig.header("Session-Expires") == "1800");
  CHECK(rig.body().find("m=audio 20000 RTP/AVP 0 8 101") != std::string::npos);
  rig.receive(Phone::response(invite, 180, kContact));
  CHECK(rig.last<CallRinging>()->status == 180);
  CHECK_FALSE(rig.last<CallRinging>()->early_media);
  rig.receive(Phone::response(invite, 180, kContact));
  CHECK(rig.count<CallRinging>() == 1);
  const std::string ok = Phone::response(invite, 200, kContact, kAnswer);
  rig.receive(ok);
  CHECK(rig.method() == "ACK");
  REQUIRE(rig.last<CallAnswered>() != nullptr);
  CHECK(rig.last<CallAnswered>()->plan.codec == "PCMA");
  rig.receive(ok);
  CHECK(rig.count("ACK") == 2);
  REQUIRE(rig.agent.hangup(call, "", false, rig.now));
  rig.drain();
  CHECK(rig.method() == "BYE");
  CHECK(rig.header("CSeq") == "2 BYE");
  rig.receive(Phone::response(*rig.find("BYE"), 200));
  rig.receive(ok); // late copies of the 200 still get their ACK
  CHECK(rig.count("ACK") == 3);
  CHECK(rig.last<CallEnded>()->status == 200);
  CHECK(rig.clean());
}

TEST_CASE("an answer that the offer does not allow, or none, ends the call after the ACK") {
  for (const std::string_view sdp :
       {std::string_view(), std::string_view("v=0\r\nm=audio 0 RTP/AVP 0\r\n")}) {
    Rig rig;
    place(rig);
    rig.receive(Phone::response(rig.sent[0].bytes, 200, kContact, sdp));
    CHECK(rig.count("ACK") == 1);
    CHECK(rig.count("BYE") == 1);
    CHECK(rig.last<CallEnded>()->cause == EndCause::media_failed);
  }
}

TEST_CASE("early media is heard before the answer, and nothing is sent into it") {
  Rig rig;
  const CallKey call = place(rig);
  REQUIRE(rig.agent.attach_bridge(call));
  REQUIRE(rig.agent.play(call, std::vector<std::int16_t>(1600, 1000)));
  const std::string invite = rig.sent[0].bytes;
  rig.receive(Phone::response(invite, 183, kContact, kAnswer));
  CHECK(rig.last<CallRinging>()->early_media);
  for (std::uint16_t i = 0; i < 25; ++i) {
    rig.receive_rtp(call, i);
    rig.advance(20ms);
  }
  CHECK(rig.heard.size() > 6000);
  CHECK(rig.rtp.empty());
  rig.receive(Phone::response(invite, 200, kContact)); // the answer was in the 183
  CHECK(rig.count<CallAnswered>() == 1);
  rig.advance(120ms);
  CHECK(rig.rtp.size() >= 5);
}

TEST_CASE("refusals are acknowledged and end the call with their status") {
  for (const int status : {302, 404, 486, 503, 603}) {
    Rig rig;
    place(rig);
    rig.receive(Phone::response(rig.sent[0].bytes, status));
    CHECK(rig.method() == "ACK");
    REQUIRE(rig.last<CallEnded>() != nullptr);
    CHECK(rig.last<CallEnded>()->cause == EndCause::rejected);
    CHECK(rig.last<CallEnded>()->status == status);
    CHECK(rig.last<CallEnded>()->by_peer);
    CHECK(rig.clean());
  }
}

TEST_CASE("a challenge is answered once, and a second one ends the call") {
  Rig rig;
  InviteOptions options = to_bob();
  options.credentials = Credentials{"bob", "secret"};
  place(rig, options);
  const std::string challenge =
      "WWW-Authenticate: Digest realm=\"t\", nonce=\"n1\", qop=\"auth\", algorithm=MD5\r\n";
  rig.receive(Phone::response(rig.sent[0].bytes, 401, challenge));
  REQUIRE(rig.method() == "INVITE");
  CHECK(rig.header("CSeq") == "2 INVITE");
  CHECK(rig.header("Authorization").find("username=\"bob\"") != std::string::npos);
  const std::string second = rig.sent.back().bytes;
  SUBCASE("accepted") {
    rig.receive(Phone::response(second, 200, kContact, kAnswer));
    CHECK(rig.method() == "ACK");
    CHECK(rig.header("CSeq") == "2 ACK");
    CHECK(rig.header("Authorization").find("username=\"bob\"") != std::string::npos);
    CHECK(rig.count<CallAnswered>() == 1);
  }
  SUBCASE("refused") {
    rig.receive(Phone::response(second, 401, challenge));
    CHECK(rig.last<CallEnded>()->status == 401);
  }
}

TEST_CASE("422 raises the session interval") {
  Rig rig;
  place(rig);
  rig.receive(Phone::response(rig.sent[0].bytes, 422, "Min-SE: 3600\r\n"));
  REQUIRE(rig.method() == "INVITE");
  CHECK(rig.header("Session-Expires") == "3600");
  CHECK(rig.header("Min-SE") == "3600");
}

TEST_CASE("hangup before the answer: CANCEL when a provisional response has come") {
  Rig rig;
  const CallKey call = place(rig);
  const std::string invite = rig.sent[0].bytes;
  REQUIRE(rig.agent.hangup(call, "changed my mind", false, rig.now));
  rig.drain();
  CHECK(rig.count("CANCEL") == 0);
  rig.receive(Phone::response(invite, 180, kContact));
  REQUIRE(rig.count("CANCEL") == 1);
  rig.receive(Phone::response(*rig.find("CANCEL"), 200));
  SUBCASE("487") {
    rig.receive(Phone::response(invite, 487));
    CHECK(rig.method() == "ACK");
    CHECK(rig.last<CallEnded>()->cause == EndCause::cancelled);
    CHECK_FALSE(rig.last<CallEnded>()->by_peer);
  }
  SUBCASE("a 200 that crossed is acknowledged and ended with BYE") {
    rig.receive(Phone::response(invite, 200, kContact, kAnswer));
    CHECK(rig.count("ACK") == 1);
    CHECK(rig.count("BYE") == 1);
    CHECK(rig.count<CallAnswered>() == 0);
  }
  CHECK(rig.clean());
}

TEST_CASE("nobody answers") {
  Rig rig;
  InviteOptions options = to_bob();
  options.answer_timeout = 10s;
  place(rig, options);
  SUBCASE("it rings for ever") {
    rig.receive(Phone::response(rig.sent[0].bytes, 180, kContact));
    rig.advance(10s);
    CHECK(rig.count("CANCEL") == 1);
    rig.receive(Phone::response(rig.sent[0].bytes, 487));
    CHECK(rig.last<CallEnded>()->cause == EndCause::no_answer);
  }
  SUBCASE("nothing comes at all") {
    rig.advance(33s);
    CHECK(rig.count<CallEnded>() == 1);
  }
  CHECK(rig.clean());
}

TEST_CASE("a second branch that answers is acknowledged and ended") {
  Rig rig;
  place(rig);
  const std::string invite = rig.sent[0].bytes;
  rig.receive(Phone::response(invite, 180, kContact, {}, "one"));
  rig.receive(Phone::response(invite, 180, kContact, {}, "two"));
  rig.receive(Phone::response(invite, 200, kContact, kAnswer, "two"));
  CHECK(rig.count<CallAnswered>() == 1);
  rig.receive(Phone::response(invite, 200, kContact, kAnswer, "one"));
  CHECK(rig.count("ACK") == 2);
  REQUIRE(rig.count("BYE") == 1);
  CHECK(rig.find("BYE")->find(";tag=one") != std::string::npos);
  CHECK(rig.count<CallAnswered>() == 1);
  CHECK(rig.count<CallEnded>() == 0);
}

TEST_CASE("reliable provisional responses get their PRACK, once and in order") {
  Rig rig;
  place(rig);
  const std::string invite = rig.sent[0].bytes;
  const std::string ringing =
      Phone::response(invite, 180, fmt::format("{}Require: 100rel\r\nRSeq: 7\r\n", kContact));
  rig.receive(ringing);
  REQUIRE(rig.method() == "PRACK");
  CHECK(rig.header("RAck") == "7 1 INVITE");
  rig.receive(Phone::response(*rig.find("PRACK"), 200));
  rig.receive(ringing);
  CHECK(rig.count("PRACK") == 1);
  rig.receive(
      Phone::response(invite, 183, fmt::format("{}Require: 100rel\r\nRSeq: 9\r\n", kContact), kAnswer));
  CHECK(rig.count("PRACK") == 1); // 8 is missing
}

TEST_CASE("a late offer of ours: theirs in the 200, our answer in the ACK") {
  Rig rig;
  InviteOptions options = to_bob();
  options.late_offer = true;
  place(rig, options);
  CHECK(rig.body().empty());
  CHECK(rig.header("Supported") == "timer, replaces");
  rig.receive(Phone::response(rig.sent[0].bytes, 200, kContact, kAnswer));
  CHECK(rig.method() == "ACK");
  CHECK(rig.body().find("m=audio 20000 RTP/AVP 8 101") != std::string::npos);
  CHECK(rig.last<CallAnswered>()->plan.codec == "PCMA");
}

TEST_CASE("over TCP the rim is asked to connect, and the call goes on over what it opened") {
  Rig rig;
  InviteOptions options = to_bob();
  options.flow = {sip::Transport::tcp, kServerAddress, kPhoneAddress, 0};
  place(rig, options);
  CHECK(rig.sent[0].flow.connection == 0);
  CHECK(rig.header("Contact") == "<sip:talky@127.0.0.1:5060;transport=tcp>");
  sip::Flow opened = options.flow;
  opened.connection = 9;
  rig.agent.flow_opened(opened, rig.now);
  rig.drain();
  rig.receive(Phone::response(rig.sent[0].bytes, 200, kContact, kAnswer), opened);
  CHECK(rig.method() == "ACK");
  CHECK(rig.sent.back().flow.connection == 9);
}

TEST_CASE("a connection that cannot be opened ends the call") {
  Rig rig;
  InviteOptions options = to_bob();
  options.flow = {sip::Transport::tcp, kServerAddress, kPhoneAddress, 0};
  place(rig, options);
  rig.agent.flow_closed(options.flow, rig.now);
  rig.drain();
  REQUIRE(rig.last<CallEnded>() != nullptr);
  CHECK(rig.last<CallEnded>()->cause == EndCause::lost);
}

TEST_CASE("what cannot be sent is refused at once") {
  Rig rig;
  InviteOptions options = to_bob();
  options.target = "bob";
  CHECK(rig.agent.invite(options, rig.now).error().code == Errc::malformed);
  options = to_bob();
  options.headers = {{"Via", "x"}};
  CHECK(rig.agent.invite(options, rig.now).error().code == Errc::malformed);
  options.headers = {{"X Y", "x"}};
  CHECK(rig.agent.invite(options, rig.now).error().code == Errc::malformed);
  rig.agent.shutdown(rig.now);
  CHECK(rig.agent.invite(to_bob(), rig.now).error().code == Errc::closed);
  CHECK(rig.agent.calls() == 0);
}

} // namespace
} // namespace talky::call::test
