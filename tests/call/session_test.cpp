// What happens inside a call: hold, re-INVITE, UPDATE, session timers, and what is refused there.
#include <doctest/doctest.h>

#include <algorithm>

#include "call/rig.hpp"

namespace talky::call::test {
namespace {

TEST_CASE("hold and resume by re-INVITE, in all forms") {
  Rig rig;
  Phone phone;
  establish(rig, phone);
  int cseq = 1;
  const auto reinvite = [&](std::string_view sdp) {
    rig.receive(phone.invite(++cseq, sdp));
    const int status = rig.status();
    rig.receive(phone.ack(cseq));
    return status;
  };
  std::string zero(kOffer);
  zero.replace(zero.find("c=IN IP4 127.0.0.1"), 18, "c=IN IP4 0.0.0.0");
  for (const std::string& held : {offer_with("sendonly"), offer_with("inactive"), zero}) {
    const std::size_t before = rig.count<Held>();
    CHECK(reinvite(held) == 200);
    CHECK(rig.count<Held>() == before + 1);
    CHECK(reinvite(held) == 200); // the same again is told once
    CHECK(rig.count<Held>() == before + 1);
    CHECK(reinvite(kOffer) == 200);
    CHECK(rig.count<Resumed>() == before + 1);
  }
  CHECK(rig.agent.calls() == 1);
  rig.receive(phone.request("BYE", ++cseq));
  CHECK(rig.clean());
}

TEST_CASE("a held call is not ended for silence, and a resumed one gets its time") {
  Rig rig;
  Phone phone;
  establish(rig, phone);
  rig.receive(phone.invite(2, offer_with("sendonly")));
  rig.receive(phone.ack(2));
  rig.advance(100s);
  CHECK(rig.agent.calls() == 1);
  rig.receive(phone.invite(3, kOffer));
  rig.receive(phone.ack(3));
  rig.advance(29s);
  CHECK(rig.agent.calls() == 1);
  SUBCASE("silence goes on") {
    rig.advance(2s);
    REQUIRE(rig.last<CallEnded>() != nullptr);
    CHECK(rig.last<CallEnded>()->cause == EndCause::rtp_timeout);
    CHECK(rig.method() == "BYE");
  }
  SUBCASE("the peer is heard again") {
    for (std::uint16_t i = 0; i < 400; ++i) {
      rig.receive_rtp(rig.call(), i);
      rig.advance(20ms);
    }
    CHECK(rig.agent.calls() == 1);
  }
}

TEST_CASE("no RTP at all ends a call") {
  Rig rig;
  Phone phone;
  establish(rig, phone);
  rig.advance(31s);
  CHECK(rig.last<CallEnded>()->cause == EndCause::rtp_timeout);
  CHECK_FALSE(rig.last<CallEnded>()->by_peer);
}

TEST_CASE("a re-INVITE that cannot be met gets 488 and keeps the old session") {
  Rig rig;
  Phone phone;
  establish(rig, phone);
  rig.receive(phone.invite(2, "v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 4000 RTP/AVP 18\r\n"));
  CHECK(rig.status() == 488);
  rig.receive(phone.invite(3, "nonsense"));
  CHECK(rig.status() == 400);
  CHECK(rig.count<MediaChanged>() == 0);
  CHECK(rig.agent.calls() == 1);
  const std::string again = phone.invite(4, kOffer);
  rig.receive(again);
  CHECK(rig.status() == 200);
  rig.receive(phone.ack(4));
  CHECK(rig.count<MediaChanged>() == 0);
}

TEST_CASE("a re-INVITE moves the media and the codec") {
  Rig rig;
  Phone phone;
  establish(rig, phone);
  std::string moved(kOffer);
  moved.replace(moved.find("4000 RTP/AVP 8 0"), 16, "6000 RTP/AVP 0  ");
  rig.receive(phone.invite(2, moved));
  CHECK(rig.status() == 200);
  rig.receive(phone.ack(2));
  REQUIRE(rig.last<MediaChanged>() != nullptr);
  CHECK(rig.last<MediaChanged>()->plan.codec == "PCMU");
  CHECK(rig.last<MediaChanged>()->plan.remote_rtp.port == 6000);
}

TEST_CASE("a re-INVITE without an offer gets ours, with what is in use first") {
  Rig rig;
  Phone phone;
  establish(rig, phone);
  rig.receive(phone.invite(2, ""));
  CHECK(rig.status() == 200);
  CHECK(rig.body().find("RTP/AVP 8 0 101") != std::string::npos);
  SUBCASE("answered") {
    rig.receive(phone.ack(2, offer_with("inactive")));
    CHECK(rig.count<Held>() == 1);
  }
  SUBCASE("not answered: the session stays as it was") {
    rig.receive(phone.ack(2));
    CHECK(rig.count<Held>() == 0);
    CHECK(rig.agent.calls() == 1);
  }
  SUBCASE("a re-INVITE before the ACK is glare") {
    rig.receive(phone.invite(3, kOffer));
    CHECK(rig.status() == 491);
  }
}

TEST_CASE("UPDATE with and without an offer") {
  Rig rig;
  Phone phone;
  establish(rig, phone);
  rig.receive(phone.request("UPDATE", 2));
  CHECK(rig.status() == 200);
  CHECK(rig.body().empty());
  rig.receive(phone.request("UPDATE", 3, "", offer_with("sendonly")));
  CHECK(rig.status() == 200);
  CHECK(rig.body().find("a=recvonly") != std::string::npos);
  CHECK(rig.count<Held>() == 1);
  rig.receive(phone.request("UPDATE", 4, "", "v=0\r\nm=audio 1 RTP/AVP 18\r\n"));
  CHECK(rig.status() == 488);
  rig.receive(phone.request("UPDATE", 5, "Session-Expires: 10\r\nSupported: timer\r\n"));
  CHECK(rig.status() == 422);
}

TEST_CASE("an old CSeq gets 500, another dialog 481") {
  Rig rig;
  Phone phone;
  establish(rig, phone);
  rig.receive(phone.request("OPTIONS", 10));
  CHECK(rig.status() == 200);
  rig.receive(phone.request("OPTIONS", 9));
  CHECK(rig.status() == 500);
  Phone stranger("stranger");
  stranger.to_tag = phone.to_tag;
  rig.receive(stranger.request("BYE", 11));
  CHECK(rig.status() == 481);
  stranger.to_tag = "unknown";
  rig.receive(stranger.request("BYE", 12));
  CHECK(rig.status() == 481);
  CHECK(rig.agent.calls() == 1);
}

TEST_CASE("inside a call: OPTIONS, MESSAGE, REFER, NOTIFY, SUBSCRIBE") {
  Rig rig;
  Phone phone;
  establish(rig, phone);
  rig.receive(phone.request("OPTIONS", 2));
  CHECK(rig.status() == 200);
  CHECK(rig.header("Accept").find("application/sdp") != std::string::npos);
  rig.receive(phone.request("MESSAGE", 3, "", "hello", "text/plain"));
  CHECK(rig.status() == 200);
  rig.receive(phone.request("REFER", 4, "Refer-To: <sip:bob@example.com>\r\n"));
  CHECK(rig.status() == 603);
  rig.receive(phone.request("NOTIFY", 5, "Event: refer\r\nSubscription-State: active\r\n"));
  CHECK(rig.status() == 489);
  rig.receive(phone.request("SUBSCRIBE", 6, "Event: conference\r\n"));
  CHECK(rig.status() == 489);
  CHECK(rig.agent.calls() == 1);
}

TEST_CASE("our hold and resume") {
  Rig rig;
  Phone phone;
  const CallKey call = establish(rig, phone);
  REQUIRE(rig.agent.hold(call, rig.now));
  rig.drain();
  REQUIRE(rig.method() == "INVITE");
  CHECK(rig.body().find("a=sendonly") != std::string::npos);
  CHECK(rig.header("CSeq") == "1 INVITE");
  const std::string reinvite = rig.sent.back().bytes;
  const std::string ok =
      Phone::response(reinvite, 200, "Contact: <sip:alice@127.0.0.1:5070;ob>\r\n", offer_with("recvonly"));
  rig.receive(ok);
  CHECK(rig.method() == "ACK");
  REQUIRE(rig.last<MediaChanged>() != nullptr);
  CHECK(rig.last<MediaChanged>()->plan.direction == sdp::Direction::sendonly);
  CHECK(rig.count<Held>() == 0); // that is the peer's hold
  const std::size_t acks = rig.count("ACK");
  rig.receive(ok); // the ACK was lost
  CHECK(rig.count("ACK") == acks + 1);
  REQUIRE(rig.agent.resume(call, rig.now));
  rig.drain();
  CHECK(rig.body().find("a=sendrecv") != std::string::npos);
}

TEST_CASE("a hold that is refused leaves the session as it was") {
  Rig rig;
  Phone phone;
  const CallKey call = establish(rig, phone);
  REQUIRE(rig.agent.hold(call, rig.now));
  rig.drain();
  rig.receive(Phone::response(rig.sent.back().bytes, 488));
  CHECK(rig.method() == "ACK");
  CHECK(rig.agent.calls() == 1);
  rig.receive(phone.invite(2, kOffer));
  CHECK(rig.status() == 200);
  CHECK(rig.body().find("a=sendrecv") != std::string::npos);
}

TEST_CASE("glare: 491 to theirs while ours is out, and ours again later") {
  Rig rig;
  Phone phone;
  const CallKey call = establish(rig, phone);
  REQUIRE(rig.agent.hold(call, rig.now));
  rig.drain();
  const std::string ours = rig.sent.back().bytes;
  rig.receive(phone.invite(2, kOffer));
  CHECK(rig.status() == 491);
  rig.receive(Phone::response(ours, 491));
  const std::size_t before = rig.count("INVITE");
  rig.advance(2100ms); // we did not make the Call-ID: within 2 s
  CHECK(rig.count("INVITE") >= before + 1);
  rig.receive(Phone::response(*rig.find("INVITE"), 200, "", offer_with("recvonly")));
  CHECK(rig.last<MediaChanged>()->plan.direction == sdp::Direction::sendonly);
}

TEST_CASE("a request of ours without an answer ends the call") {
  Rig rig;
  Phone phone;
  const CallKey call = establish(rig, phone);
  REQUIRE(rig.agent.hold(call, rig.now));
  rig.drain();
  SUBCASE("481") {
    rig.receive(Phone::response(rig.sent.back().bytes, 481));
    CHECK(rig.last<CallEnded>()->cause == EndCause::lost);
  }
  SUBCASE("nothing") {
    for (std::uint16_t i = 0; i < 1700; ++i) {
      rig.receive_rtp(call, i);
      rig.advance(20ms);
    }
    CHECK(rig.last<CallEnded>()->cause == EndCause::lost);
  }
  CHECK(rig.clean());
}

TEST_CASE("session timer: a peer that is to refresh and does not is hung up on") {
  Config config;
  config.rtp_timeout = 0s;
  Rig rig(config);
  Phone phone;
  establish(rig, phone, kOffer, "Session-Expires: 90\r\nMin-SE: 90\r\n");
  rig.advance(50s);
  rig.receive(phone.request("UPDATE", 2, "Session-Expires: 90;refresher=uac\r\nSupported: timer\r\n"));
  CHECK(rig.status() == 200);
  CHECK(rig.header("Session-Expires") == "90;refresher=uac");
  rig.advance(50s);
  CHECK(rig.agent.calls() == 1);
  rig.advance(45s);
  CHECK(rig.last<CallEnded>()->cause == EndCause::session_timer);
  CHECK(rig.method() == "BYE");
}

TEST_CASE("session timer: we refresh by UPDATE where the peer has it, and by re-INVITE where it has not") {
  Config config;
  config.rtp_timeout = 0s;
  Rig rig(config);
  Phone phone;
  establish(rig, phone, kOffer, "Session-Expires: 90;refresher=uas\r\n");
  rig.advance(46s);
  REQUIRE(rig.method() == "UPDATE");
  CHECK(rig.body().empty());
  CHECK(rig.header("Session-Expires") == "90;refresher=uac");
  rig.receive(Phone::response(*rig.find("UPDATE"), 501));
  REQUIRE(rig.method() == "INVITE");
  const std::string body = rig.body();
  CHECK(body.find("a=sendrecv") != std::string::npos);
  rig.receive(Phone::response(*rig.find("INVITE"), 200, "Session-Expires: 90;refresher=uac\r\n", kOffer));
  CHECK(rig.method() == "ACK");
  rig.advance(46s);
  CHECK(rig.method() == "INVITE");
  CHECK(rig.agent.calls() == 1);
}

TEST_CASE("a session timer refresh waits for a re-INVITE that is under way") {
  Config config;
  config.rtp_timeout = 0s;
  Rig rig(config);
  Phone phone;
  const CallKey call = establish(rig, phone, kOffer, "Session-Expires: 90;refresher=uas\r\n");
  rig.advance(44900ms);
  REQUIRE(rig.agent.hold(call, rig.now));
  rig.drain();
  rig.advance(200ms);
  CHECK(rig.count("UPDATE") == 0);
  rig.receive(Phone::response(*rig.find("INVITE"), 200, "Session-Expires: 90;refresher=uac\r\n",
                              offer_with("recvonly")));
  rig.advance(1s);
  CHECK(rig.agent.calls() == 1);
}

TEST_CASE("BYEs that cross") {
  Rig rig;
  Phone phone;
  const CallKey call = establish(rig, phone);
  REQUIRE(rig.agent.hangup(call, "", false, rig.now));
  rig.drain();
  const std::string bye = rig.sent.back().bytes;
  rig.receive(phone.request("BYE", 2));
  CHECK(rig.status() == 200);
  rig.receive(Phone::response(bye, 200));
  CHECK(rig.count<CallEnded>() == 1);
  CHECK(rig.clean());
}

TEST_CASE("transfer: REFER, and the call ends when the target has answered") {
  Rig rig;
  Phone phone;
  const CallKey call = establish(rig, phone);
  CHECK(rig.agent.transfer(call, "http://x", rig.now).error().code == Errc::malformed);
  REQUIRE(rig.agent.transfer(call, "sip:200@127.0.0.1", rig.now));
  CHECK(rig.agent.transfer(call, "sip:201@127.0.0.1", rig.now).error().code == Errc::closed);
  rig.drain();
  REQUIRE(rig.method() == "REFER");
  CHECK(rig.header("Refer-To") == "<sip:200@127.0.0.1>");
  const auto notify = [&](int cseq, std::string_view state, std::string_view fragment) {
    rig.receive(phone.request("NOTIFY", cseq,
                              fmt::format("Event: refer\r\nSubscription-State: {}\r\n", state), fragment,
                              "message/sipfrag;version=2.0"));
  };
  SUBCASE("refused") {
    rig.receive(Phone::response(*rig.find("REFER"), 603));
    REQUIRE(rig.last<TransferFailed>() != nullptr);
    CHECK(rig.last<TransferFailed>()->status == 603);
    CHECK(rig.agent.calls() == 1);
    CHECK(rig.agent.transfer(call, "sip:201@127.0.0.1", rig.now));
  }
  SUBCASE("done") {
    rig.receive(Phone::response(*rig.find("REFER"), 202));
    notify(2, "active;expires=60", "SIP/2.0 100 Trying\r\n");
    CHECK(rig.status() == 200);
    CHECK(rig.agent.calls() == 1);
    notify(3, "terminated;reason=noresource", "SIP/2.0 200 OK\r\n");
    CHECK(rig.count("BYE") == 1);
    CHECK(rig.last<CallEnded>()->cause == EndCause::transferred);
  }
  SUBCASE("the target is busy") {
    rig.receive(Phone::response(*rig.find("REFER"), 202));
    notify(2, "terminated;reason=noresource", "SIP/2.0 486 Busy Here\r\n");
    CHECK(rig.last<TransferFailed>()->status == 486);
    CHECK(rig.agent.calls() == 1);
  }
  SUBCASE("the phone hangs up by itself") {
    rig.receive(Phone::response(*rig.find("REFER"), 202));
    rig.receive(phone.request("BYE", 2));
    CHECK(rig.last<CallEnded>()->cause == EndCause::transferred);
    CHECK(rig.last<CallEnded>()->by_peer);
  }
}

TEST_CASE("commands for a call that is not there") {
  Rig rig;
  CHECK(rig.agent.hangup(1, "", false, rig.now).error().code == Errc::not_found);
  CHECK(rig.agent.play(1, {}).error().code == Errc::not_found);
  CHECK(rig.agent.mark(1, "x").error().code == Errc::not_found);
  Phone phone;
  rig.receive(phone.invite());
  CHECK(rig.agent.play(rig.call(), {}).error().code == Errc::closed);
  CHECK(rig.agent.hold(rig.call(), rig.now).error().code == Errc::closed);
  CHECK(rig.agent.dtmf(rig.call(), "1", 100ms, rig.now).error().code == Errc::closed);
}

} // namespace
} // namespace talky::call::test
