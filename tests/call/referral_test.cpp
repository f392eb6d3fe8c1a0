// Calls that take the place of others: a REFER that we follow (RFC 3515, 3891, 3892), Replaces in an INVITE.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "call/rig.hpp"

namespace talky::call::test {
namespace {

constexpr std::string_view kAnswer =
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio 4100 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n";
constexpr std::string_view kBobContact = "Contact: <sip:bob@127.0.0.1:5080>\r\n";
const Endpoint kBobAddress{IpAddress::v4(127, 0, 0, 1), 5080};

Config following() {
  Config config;
  config.follow_refer = true;
  return config;
}

InviteOptions to_bob(CallKey refer) {
  InviteOptions options;
  options.target = "sip:bob@127.0.0.1:5080";
  options.flow = udp(kBobAddress);
  options.media = {IpAddress::v4(127, 0, 0, 1), 20100, 0};
  options.refer = refer;
  return options;
}

// A call that stands, with a REFER that has been accepted and an INVITE that is under way.
struct Transfer {
  Rig rig{following()};
  Phone phone;
  CallKey old_call = establish(rig, phone);
  CallKey new_call = 0;
  int cseq = 2;

  void refer(std::string_view extra = "Refer-To: <sip:bob@127.0.0.1:5080>\r\n") {
    rig.receive(phone.request("REFER", cseq++, extra));
  }
  void follow() {
    REQUIRE(rig.agent.answer_refer(old_call, 202, rig.now));
    rig.drain();
    const auto placed = rig.agent.invite(to_bob(old_call), rig.now);
    REQUIRE(placed);
    new_call = *placed;
    rig.drain();
  }
  // Answers all NOTIFYs that have not been, and gives their fragments.
  std::vector<std::string> notified() {
    std::vector<std::string> out;
    for (std::size_t i = answered; i < rig.sent.size(); ++i) {
      const std::string bytes = rig.sent[i].bytes; // more may be sent meanwhile
      if (!bytes.starts_with("NOTIFY ")) continue;
      out.emplace_back(sip::MessageView::parse(bytes)->body().substr(8, 3));
      last_state = std::string(*sip::MessageView::parse(bytes)->find("Subscription-State"));
      last_event = std::string(*sip::MessageView::parse(bytes)->find("Event"));
      answered = i + 1;
      rig.receive(Phone::response(bytes, 200));
    }
    return out;
  }
  void bob(int status, std::string_view extra = kBobContact, std::string_view body = {}) {
    rig.receive(Phone::response(*rig.find("INVITE sip:bob"), status, extra, body), udp(kBobAddress));
  }
  std::size_t answered = 0;
  std::string last_state, last_event;
};
using Said = std::vector<std::string>;

TEST_CASE("a REFER is followed: 202, NOTIFYs, and a BYE once the new call stands") {
  Transfer t;
  t.refer("Refer-To: \"Bob\" <sip:bob@127.0.0.1:5080>\r\nReferred-By: <sip:alice@127.0.0.1>\r\n");
  REQUIRE(t.rig.last<TransferRequested>() != nullptr);
  CHECK(t.rig.last<TransferRequested>()->target == "sip:bob@127.0.0.1:5080");
  CHECK(t.rig.last<TransferRequested>()->referred_by == "<sip:alice@127.0.0.1>");
  CHECK(t.rig.count("SIP/2.0 202") == 0); // the rim decides
  t.follow();
  CHECK(t.rig.find("SIP/2.0 202")->find("Contact: <sip:") != std::string::npos);
  CHECK(t.notified() == Said{"100"});
  CHECK(t.last_event == "refer");
  CHECK(t.last_state == "active;expires=300");
  t.bob(180);
  CHECK(t.notified() == Said{"180"});
  t.bob(180);
  CHECK(t.notified().empty()); // nothing new
  CHECK(t.rig.agent.calls() == 2);
  t.bob(200, kBobContact, kAnswer);
  CHECK(t.rig.last<CallAnswered>()->call == t.new_call);
  CHECK(t.rig.count("BYE") == 0); // not before the peer knows
  CHECK(t.notified() == Said{"200"});
  CHECK(t.last_state == "terminated;reason=noresource");
  CHECK(t.rig.count("BYE sip:alice@") == 1);
  REQUIRE(t.rig.last<CallEnded>() != nullptr);
  CHECK(t.rig.last<CallEnded>()->call == t.old_call);
  CHECK(t.rig.last<CallEnded>()->cause == EndCause::transferred);
  CHECK(t.rig.agent.calls() == 1);
  t.rig.receive(Phone::response(*t.rig.find("BYE"), 200));
  REQUIRE(t.rig.agent.hangup(t.new_call, "", false, t.rig.now));
  t.rig.drain();
  CHECK(t.rig.clean());
}

TEST_CASE("a REFER whose target fails: the peer is told, and the call goes on untouched") {
  for (const int status : {302, 404, 486, 603}) {
    Transfer t;
    t.refer();
    t.follow();
    t.bob(180);
    t.bob(status, "");
    CHECK(t.notified() == Said{"100", std::to_string(status)}); // one at a time: 180 was overtaken
    CHECK(t.last_state == "terminated;reason=noresource");
    CHECK(t.rig.agent.calls() == 1);
    CHECK(t.rig.count("BYE") == 0);
    // Another try gets an id, as the first one had none.
    t.refer();
    t.follow();
    CHECK(t.notified() == Said{"100"});
    CHECK(t.last_event == "refer;id=3");
  }
}

TEST_CASE("a target that never answers is given up, and the call goes on") {
  Transfer t;
  t.refer();
  t.follow();
  CHECK(t.notified() == Said{"100"});
  t.bob(180);
  CHECK(t.notified() == Said{"180"});
  for (int i = 0; i < 60; ++i) { // the caller keeps talking meanwhile
    t.rig.advance(1s);
    t.rig.receive_rtp(t.old_call, static_cast<std::uint16_t>(i));
  }
  CHECK(t.rig.count("CANCEL sip:bob") >= 1);
  t.bob(487, "");
  CHECK(t.notified() == Said{"487"});
  CHECK(t.rig.agent.calls() == 1);
}

TEST_CASE("the peer may leave before the new call stands") {
  Transfer t;
  t.refer();
  t.follow();
  t.notified();
  t.rig.receive(t.phone.request("BYE", t.cseq++));
  CHECK(t.rig.status() == 200);
  CHECK(t.rig.last<CallEnded>()->cause == EndCause::transferred);
  CHECK(t.rig.last<CallEnded>()->by_peer);
  t.bob(200, kBobContact, kAnswer);
  CHECK(t.rig.last<CallAnswered>()->call == t.new_call);
  CHECK(t.notified() == Said{"200"}); // the subscription outlives the call
  CHECK(t.rig.count("BYE") == 0);     // it has said it itself
  REQUIRE(t.rig.agent.hangup(t.new_call, "", false, t.rig.now));
  t.rig.drain();
  CHECK(t.rig.clean());
}

TEST_CASE("a peer that does not answer the last NOTIFY still gets its BYE, once") {
  Transfer t;
  t.refer();
  t.follow();
  t.notified();
  t.bob(200, kBobContact, kAnswer);
  CHECK(t.rig.count("BYE sip:alice@") == 0);
  t.rig.advance(2s);
  CHECK(t.rig.count("BYE sip:alice@") == 1);
  t.rig.receive(Phone::response(*t.rig.find("BYE"), 200));
  REQUIRE(t.rig.agent.hangup(t.new_call, "", false, t.rig.now));
  t.rig.drain();
  CHECK(t.rig.clean());
}

TEST_CASE("Refer-Sub: false wants no NOTIFY (RFC 4488)") {
  Transfer t;
  t.refer("Refer-To: <sip:bob@127.0.0.1:5080>\r\nRefer-Sub: false\r\n");
  t.follow();
  CHECK(t.rig.find("SIP/2.0 202")->find("Refer-Sub: false\r\n") != std::string::npos);
  t.bob(200, kBobContact, kAnswer);
  CHECK(t.rig.count("NOTIFY") == 0);
  CHECK(t.rig.count("BYE sip:alice@") == 1);
}

TEST_CASE("an attended transfer hands on what is to be replaced") {
  Transfer t;
  t.refer(
      "Refer-To: <sip:bob@127.0.0.1:5080?Replaces=c1%40x%3Bto-tag%3Da%3Bfrom-tag%3Db&Require=replaces>\r\n");
  REQUIRE(t.rig.last<TransferRequested>() != nullptr);
  CHECK(t.rig.last<TransferRequested>()->target == "sip:bob@127.0.0.1:5080");
  CHECK(t.rig.last<TransferRequested>()->replaces == "c1@x;to-tag=a;from-tag=b");
  CHECK(t.rig.last<TransferRequested>()->require_replaces);
  REQUIRE(t.rig.agent.answer_refer(t.old_call, 202, t.rig.now));
  InviteOptions options = to_bob(t.old_call);
  options.headers = {{"Replaces", "c1@x;to-tag=a;from-tag=b"}, {"Require", "replaces"}};
  REQUIRE(t.rig.agent.invite(options, t.rig.now));
  t.rig.drain();
  const auto invite = sip::MessageView::parse(*t.rig.find("INVITE sip:bob"));
  CHECK(invite->find("Replaces").value_or("") == "c1@x;to-tag=a;from-tag=b");
  CHECK(invite->find("Require").value_or("") == "replaces");
}

TEST_CASE("a REFER that is not followed") {
  Transfer t;
  const auto refused = [&t](std::string_view extra) {
    t.refer(extra);
    return t.rig.status();
  };
  CHECK(refused("") == 400);
  CHECK(refused("Refer-To: <sip:a@x>\r\nRefer-To: <sip:b@x>\r\n") == 400);
  CHECK(refused("Refer-To: <sip:>\r\n") == 400);
  CHECK(refused("Refer-To: <http://example.com>\r\n") == 416);
  CHECK(refused("Refer-To: <sip:bob@x;method=BYE>\r\n") == 603);
  CHECK(t.rig.count<TransferRequested>() == 0);
  // The rim says no.
  t.refer();
  REQUIRE(t.rig.agent.answer_refer(t.old_call, 403, t.rig.now));
  t.rig.drain();
  CHECK(t.rig.status() == 403);
  CHECK(t.rig.agent.invite(to_bob(t.old_call), t.rig.now).error().code == Errc::not_found);
  CHECK(t.rig.agent.answer_refer(t.old_call, 202, t.rig.now).error().code == Errc::closed);
  // The new call cannot be placed.
  t.refer();
  REQUIRE(t.rig.agent.answer_refer(t.old_call, 202, t.rig.now));
  REQUIRE(t.rig.agent.end_refer(t.old_call, 404, t.rig.now));
  t.rig.drain();
  CHECK(t.notified() == Said{"100", "404"});
  // One at a time.
  t.refer();
  t.refer();
  CHECK(t.rig.status() == 491);
  CHECK(t.rig.agent.calls() == 1);
  // A call that ends with a REFER in the air answers it.
  REQUIRE(t.rig.agent.hangup(t.old_call, "", false, t.rig.now));
  t.rig.drain();
  CHECK(t.rig.count("SIP/2.0 481") == 1);
  t.rig.receive(Phone::response(*t.rig.find("BYE"), 200));
  CHECK(t.rig.clean());
}

TEST_CASE("Allow names REFER only where it is followed, and REGISTER outside of calls") {
  for (const bool follow : {false, true}) {
    Config config;
    config.follow_refer = follow;
    Rig rig(config);
    Phone phone;
    rig.receive(phone.request("OPTIONS", 1, "Accept: application/sdp\r\n"));
    CHECK((rig.header("Allow").find("REFER") != std::string::npos) == follow);
    CHECK(rig.header("Allow").find("REGISTER") != std::string::npos);
    CHECK((rig.header("Supported").find("norefersub") != std::string::npos) == follow);
    rig.receive(phone.request("FROBNICATE", 2));
    CHECK(rig.status() == 501);
    CHECK((rig.header("Allow").find("REFER") != std::string::npos) == follow);
    Phone caller("with-dialog");
    establish(rig, caller);
    CHECK((rig.find("SIP/2.0 200")->find("REFER") != std::string::npos) == follow);
    CHECK(rig.find("SIP/2.0 200")->find("REGISTER") == std::string::npos);
  }
}

TEST_CASE("the subscription of a REFER may be refreshed and ended") {
  Transfer t;
  t.refer();
  t.follow();
  CHECK(t.notified() == Said{"100"});
  t.rig.receive(t.phone.request("SUBSCRIBE", t.cseq++, "Event: refer\r\nExpires: 60\r\n"));
  CHECK(t.rig.find("SIP/2.0 200")->find("Expires: 60\r\n") != std::string::npos);
  CHECK(t.notified() == Said{"100"});
  CHECK(t.last_state == "active;expires=60");
  t.rig.receive(t.phone.request("SUBSCRIBE", t.cseq++, "Event: refer\r\nExpires: 0\r\n"));
  CHECK(t.notified() == Said{"100"});
  CHECK(t.last_state == "terminated;reason=timeout");
  t.bob(200, kBobContact, kAnswer);
  CHECK(t.notified().empty());
  CHECK(t.rig.count("BYE sip:alice@") == 1); // the transfer itself went on
}

// ---- Replaces

struct Replaced {
  Rig rig;
  Phone alice{"first"};
  Phone carol{"second"};
  CallKey old_call = establish(rig, alice);

  int replace(std::string_view call_id, std::string_view to_tag, std::string_view from_tag,
              std::string_view more = "") {
    carol.to_tag.clear();
    rig.receive(carol.invite(++cseq, kOffer,
                             fmt::format("Replaces: {};to-tag={};from-tag={}{}\r\nRequire: replaces\r\n",
                                         call_id, to_tag, from_tag, more)));
    return rig.status();
  }
  int cseq = 0;
};

TEST_CASE("an INVITE with Replaces takes the place of the call that it names") {
  Replaced r;
  r.replace("first", r.alice.to_tag, "9fxced76sl");
  REQUIRE(r.rig.call() != r.old_call);
  CHECK(r.rig.last<IncomingCall>()->replaces == r.old_call);
  CHECK(r.rig.count("BYE") == 0);
  r.rig.accept();
  r.carol.learn_tag(r.rig);
  CHECK(r.rig.last<CallAnswered>()->call == r.rig.call());
  CHECK(r.rig.count("BYE sip:alice@") == 1);
  REQUIRE(r.rig.last<CallEnded>() != nullptr);
  CHECK(r.rig.last<CallEnded>()->call == r.old_call);
  CHECK(r.rig.last<CallEnded>()->cause == EndCause::transferred);
  CHECK(r.rig.agent.calls() == 1);
  // Once more: the call is over.
  r.rig.receive(Phone::response(*r.rig.find("BYE"), 200));
}

TEST_CASE("Replaces that names no call: 481; the wrong state: 486, 603; unreadable: 400") {
  Replaced r;
  CHECK(r.replace("other", r.alice.to_tag, "9fxced76sl") == 481);
  CHECK(r.replace("first", "guess", "9fxced76sl") == 481);
  CHECK(r.replace("first", r.alice.to_tag, "guess") == 481);
  CHECK(r.replace("first", r.alice.to_tag, "9fxced76sl", ";early-only") == 486);
  r.rig.receive(r.carol.invite(++r.cseq, kOffer, "Replaces: first\r\n"));
  CHECK(r.rig.status() == 400);
  r.rig.receive(
      r.alice.request("OPTIONS", 2, fmt::format("Replaces: first;to-tag={};from-tag=x\r\n", r.alice.to_tag)));
  CHECK(r.rig.status() == 400);
  // A call of theirs that we have not answered cannot be taken away.
  Phone ringing("third");
  r.rig.receive(ringing.invite());
  REQUIRE(r.rig.agent.ring(r.rig.call(), r.rig.now));
  r.rig.drain();
  ringing.learn_tag(r.rig);
  CHECK(r.replace("third", ringing.to_tag, "9fxced76sl") == 481);
  REQUIRE(r.rig.agent.hangup(r.old_call, "", false, r.rig.now));
  r.rig.drain();
  CHECK(r.replace("first", r.alice.to_tag, "9fxced76sl") == 603);
}

} // namespace
} // namespace talky::call::test
