// Calls that come in: answer, ringing, refusal, CANCEL, lost ACKs, limits.
#include <doctest/doctest.h>

#include "call/rig.hpp"

namespace talky::call::test {
namespace {

TEST_CASE("an INVITE is answered: 100 at once, then 200 with one codec and one telephone-event") {
  Rig rig;
  Phone phone;
  rig.receive(phone.invite(1, kOffer, "X-Ticket: 4711\r\nCall-Info: <sip:x>;answer-after=0\r\n"));
  REQUIRE(rig.sent.size() == 1);
  CHECK(rig.status() == 100);
  const auto* const call = rig.last<IncomingCall>();
  REQUIRE(call != nullptr);
  CHECK(call->dialled == "100");
  CHECK(call->from == "sip:alice@127.0.0.1");
  CHECK(call->from_display == "Alice");
  CHECK(call->user_agent == "MicroSIP/3.21.3");
  CHECK(call->headers == Headers{{"X-Ticket", "4711"}, {"Call-Info", "<sip:x>;answer-after=0"}});
  CHECK(call->preview->codec == "PCMA");
  CHECK_FALSE(call->registered);
  rig.accept();
  CHECK(rig.status() == 200);
  CHECK(rig.body().find("m=audio 20000 RTP/AVP 8 101\r\n") != std::string::npos);
  CHECK(rig.header("Contact") == "<sip:100@127.0.0.1:5060>");
  CHECK(rig.header("Allow").find("UPDATE") != std::string::npos);
  CHECK(rig.header("Session-Expires") == "1800;refresher=uac");
  REQUIRE(rig.count<CallAnswered>() == 1);
  phone.learn_tag(rig);
  rig.receive(phone.ack());
  rig.receive(phone.request("BYE", 2));
  CHECK(rig.status() == 200);
  const auto* const ended = rig.last<CallEnded>();
  REQUIRE(ended != nullptr);
  CHECK(ended->cause == EndCause::hangup);
  CHECK(ended->by_peer);
  CHECK(ended->status == 200);
  CHECK(ended->codec == "PCMA");
  CHECK(ended->quality);
  CHECK(rig.agent.calls() == 0);
  CHECK(rig.clean());
}

TEST_CASE("ring time: 180, and the 200 after it") {
  Rig rig;
  Phone phone;
  rig.receive(phone.invite());
  AcceptOptions options;
  options.ring_time = 2s;
  rig.accept(options);
  CHECK(rig.status() == 180);
  CHECK(rig.body().empty());
  rig.advance(1999ms);
  CHECK(rig.status() == 180);
  rig.advance(1ms);
  CHECK(rig.status() == 200);
}

TEST_CASE("the 200 is sent again until the ACK comes") {
  Rig rig;
  Phone phone;
  rig.receive(phone.invite());
  rig.accept();
  phone.learn_tag(rig);
  rig.advance(3600ms); // 0.5, 1.5 and 3.5 s
  CHECK(rig.count("SIP/2.0 200") == 4);
  rig.receive(phone.ack());
  rig.advance(20s);
  CHECK(rig.count("SIP/2.0 200") == 4);
  CHECK(rig.agent.calls() == 1);
}

TEST_CASE("no ACK: BYE after 64 T1, and the call is over") {
  Rig rig;
  Phone phone;
  rig.receive(phone.invite());
  rig.accept();
  rig.advance(29s); // the RTP time-out comes later, as media starts later
  rig.receive_rtp(rig.call(), 1);
  rig.advance(4s);
  REQUIRE(rig.last<CallEnded>() != nullptr);
  CHECK(rig.last<CallEnded>()->cause == EndCause::no_ack);
  CHECK(rig.method() == "BYE");
  CHECK(rig.clean());
}

TEST_CASE("CANCEL before the answer") {
  Rig rig;
  Phone phone;
  rig.receive(phone.invite());
  AcceptOptions options;
  options.ring_time = 5s;
  rig.accept(options);
  rig.receive(phone.cancel());
  CHECK(rig.count("SIP/2.0 200") == 1);
  CHECK(rig.count("SIP/2.0 487") == 1);
  CHECK(rig.last<CallEnded>()->cause == EndCause::cancelled);
  CHECK(rig.last<CallEnded>()->by_peer);
  CHECK(rig.last<CallEnded>()->status == 487);
  CHECK(rig.count<CallAnswered>() == 0);
  CHECK(rig.clean());
}

TEST_CASE("a CANCEL that is too late changes nothing") {
  Rig rig;
  Phone phone;
  rig.receive(phone.invite());
  rig.accept();
  rig.receive(phone.cancel());
  CHECK(rig.count("SIP/2.0 487") == 0);
  CHECK(rig.agent.calls() == 1);
}

TEST_CASE("a late offer: ours in the 200, the answer in the ACK") {
  Rig rig;
  Phone phone;
  rig.receive(phone.invite(1, ""));
  CHECK(rig.last<IncomingCall>()->late_offer);
  rig.accept();
  CHECK(rig.body().find("m=audio 20000 RTP/AVP 0 8 101") != std::string::npos);
  phone.learn_tag(rig);
  CHECK(rig.last<CallAnswered>()->plan.codec.empty());
  SUBCASE("with an answer") {
    rig.receive(phone.ack(1, kOffer));
    REQUIRE(rig.last<MediaChanged>() != nullptr);
    CHECK(rig.last<MediaChanged>()->plan.codec == "PCMA");
    rig.advance(1s);
    CHECK(rig.agent.calls() == 1);
  }
  SUBCASE("without one") {
    rig.receive(phone.ack(1));
    CHECK(rig.method() == "BYE");
    CHECK(rig.last<CallEnded>()->cause == EndCause::media_failed);
  }
}

TEST_CASE("a peer that requires 100rel gets its 180 reliably, and its PRACK is answered") {
  Rig rig;
  Phone phone;
  rig.receive(phone.invite(1, kOffer, "Require: 100rel\r\n"));
  AcceptOptions options;
  options.ring_time = 3s;
  rig.accept(options);
  CHECK(rig.status() == 180);
  CHECK(rig.header("Require") == "100rel");
  const std::string rseq = rig.header("RSeq");
  REQUIRE_FALSE(rseq.empty());
  phone.learn_tag(rig);
  rig.advance(600ms);
  CHECK(rig.count("SIP/2.0 180") == 2);
  rig.receive(phone.request("PRACK", 2, "RAck: 999 1 INVITE\r\n"));
  CHECK(rig.status() == 481);
  rig.receive(phone.request("PRACK", 3, "RAck: " + rseq + " 1 INVITE\r\n"));
  CHECK(rig.status() == 200);
  rig.advance(3s);
  CHECK(rig.count("SIP/2.0 180") == 2);
  CHECK(rig.status() == 200);
  CHECK(rig.body().find("m=audio") != std::string::npos);
}

TEST_CASE("offers that cannot be met") {
  Rig rig;
  const auto answer_to = [&rig](std::string_view sdp) {
    static int n = 0;
    Phone phone("refused" + std::to_string(++n));
    rig.receive(phone.invite(1, sdp));
    return rig.status();
  };
  CHECK(answer_to("v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 4000 RTP/AVP 18\r\n") == 488);
  CHECK(rig.header("Warning").starts_with("304 "));
  CHECK(answer_to("v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 4000 RTP/SAVP 0\r\n") == 488);
  CHECK(answer_to("v=0\r\nc=IN IP4 127.0.0.1\r\nm=video 4000 RTP/AVP 34\r\n") == 488);
  CHECK(answer_to("this is not SDP") == 400);
  CHECK(rig.count<IncomingCall>() == 0);
}

TEST_CASE("a call that nobody decides on ends with 480") {
  Rig rig;
  Phone phone;
  rig.receive(phone.invite());
  rig.advance(181s);
  CHECK(rig.status() == 480);
  CHECK(rig.last<CallEnded>()->cause == EndCause::no_answer);
}

TEST_CASE("reject") {
  Rig rig;
  Phone phone;
  rig.receive(phone.invite());
  CHECK(rig.agent.reject(rig.call(), 200, "", rig.now).error().code == Errc::malformed);
  REQUIRE(rig.agent.reject(rig.call(), 404, "No Route", rig.now));
  rig.drain();
  CHECK(rig.sent.back().bytes.starts_with("SIP/2.0 404 No Route\r\n"));
  CHECK(rig.last<CallEnded>()->cause == EndCause::rejected);
  CHECK_FALSE(rig.last<CallEnded>()->by_peer);
  CHECK(rig.agent.accept(1, {}, rig.now).error().code == Errc::not_found);
}

TEST_CASE("limits: 486 for one source, 503 in all") {
  Config config;
  config.max_calls = 3;
  config.max_calls_per_source = 2;
  Rig rig(config);
  std::vector<Phone> phones{Phone("limit0"), Phone("limit1"), Phone("limit2")};
  rig.receive(phones[0].invite());
  rig.receive(phones[1].invite());
  rig.receive(phones[2].invite());
  CHECK(rig.status() == 486);
  Phone other("other");
  rig.receive(other.invite(), udp({IpAddress::v4(127, 0, 0, 2), 5060}));
  CHECK(rig.status() == 100);
  Phone more("more");
  rig.receive(more.invite(), udp({IpAddress::v4(127, 0, 0, 3), 5060}));
  CHECK(rig.status() == 503);
  CHECK_FALSE(rig.header("Retry-After").empty());
  rig.receive(phones[0].cancel());
  rig.receive(more.invite(2), udp({IpAddress::v4(127, 0, 0, 3), 5060}));
  CHECK(rig.status() == 100);
}

TEST_CASE("an INVITE in a dialog whose first INVITE waits: 500 with Retry-After") {
  Rig rig;
  Phone phone;
  rig.receive(phone.invite());
  AcceptOptions options;
  options.ring_time = 5s;
  rig.accept(options);
  phone.learn_tag(rig);
  const std::string first_branch = phone.invite_branch;
  rig.receive(phone.invite(2));
  CHECK(rig.status() == 500);
  CHECK_FALSE(rig.header("Retry-After").empty());
  CHECK(rig.agent.calls() == 1);
}

TEST_CASE("the same INVITE over two paths: 482") {
  Rig rig;
  Phone phone;
  rig.receive(phone.invite());
  rig.receive(phone.invite());
  CHECK(rig.status() == 482);
  CHECK(rig.count<IncomingCall>() == 1);
}

TEST_CASE("a session interval that is too short: 422 with Min-SE") {
  Rig rig;
  Phone phone;
  rig.receive(phone.invite(1, kOffer, "Session-Expires: 60\r\n"));
  CHECK(rig.status() == 422);
  CHECK(rig.header("Min-SE") == "90");
}

TEST_CASE("BYE before the answer ends the INVITE, too") {
  Rig rig;
  Phone phone;
  rig.receive(phone.invite());
  AcceptOptions options;
  options.ring_time = 5s;
  rig.accept(options);
  phone.learn_tag(rig);
  rig.receive(phone.request("BYE", 2));
  CHECK(rig.count("SIP/2.0 487") == 1);
  CHECK(rig.count("SIP/2.0 200") == 1);
  CHECK(rig.last<CallEnded>()->by_peer);
}

TEST_CASE("hangup before the ACK waits for it") {
  Rig rig;
  Phone phone;
  rig.receive(phone.invite());
  rig.accept();
  phone.learn_tag(rig);
  REQUIRE(rig.agent.hangup(rig.call(), "bye", false, rig.now));
  rig.drain();
  CHECK(rig.count("BYE") == 0);
  rig.receive(phone.ack());
  CHECK(rig.count("BYE") == 1);
  CHECK(rig.header("Reason") == "Q.850;cause=16;text=\"bye\"");
  CHECK(rig.last<CallEnded>()->cause == EndCause::hangup);
  CHECK_FALSE(rig.last<CallEnded>()->by_peer);
}

TEST_CASE("shutdown: 503 for those that wait and that come, BYE for those that stand") {
  Rig rig;
  Phone stands("stands");
  establish(rig, stands);
  Phone waits("waits");
  rig.receive(waits.invite());
  rig.agent.shutdown(rig.now);
  rig.drain();
  CHECK(rig.count("BYE") == 1);
  CHECK(rig.count("SIP/2.0 503") == 1);
  CHECK(rig.count<CallEnded>() == 2);
  CHECK(rig.last<CallEnded>()->cause == EndCause::shutdown);
  Phone comes("comes");
  rig.receive(comes.invite());
  CHECK(rig.status() == 503);
  CHECK(rig.agent.calls() == 0);
  CHECK(rig.clean());
}

TEST_CASE(
    "over TCP: framed in here, keep-alives answered, a new connection to the Contact when the old one "
    "broke") {
  Rig rig;
  Phone phone("tcp", "TCP");
  const std::string invite = phone.invite();
  rig.receive("\r\n\r\n", tcp());
  REQUIRE(rig.sent.size() == 1);
  CHECK(rig.sent[0].bytes == "\r\n");
  for (std::size_t at = 0; at < invite.size(); at += 100)
    rig.receive(invite.substr(at, 100), tcp());
  REQUIRE(rig.call() != 0);
  rig.accept();
  CHECK(rig.status() == 200);
  CHECK(rig.sent.back().flow == tcp());
  phone.learn_tag(rig);
  rig.receive(phone.ack(), tcp());
  rig.agent.flow_closed(tcp(), rig.now);
  rig.drain();
  CHECK(rig.agent.calls() == 1);
  REQUIRE(rig.agent.hangup(rig.call(), "", false, rig.now));
  rig.drain();
  CHECK(rig.method() == "BYE");
  CHECK(rig.sent.back().flow.connection == 0);
  CHECK(rig.sent.back().flow.remote == kPhoneAddress);
}

TEST_CASE("a stream that is no SIP is closed") {
  Rig rig;
  rig.receive("INVITE sip:x SIP/2.0\r\nContent-Type: text/plain\r\nContent-Length: zero\r\n\r\n", tcp());
  CHECK(rig.count<CloseFlow>() == 1);
}

TEST_CASE("the connection of a caller that waits closes: the call is lost") {
  Rig rig;
  Phone phone("tcp", "TCP");
  rig.receive(phone.invite(), tcp());
  rig.agent.flow_closed(tcp(), rig.now);
  rig.drain();
  REQUIRE(rig.last<CallEnded>() != nullptr);
  CHECK(rig.last<CallEnded>()->cause == EndCause::lost);
  CHECK(rig.clean());
}

} // namespace
} // namespace talky::call::test
