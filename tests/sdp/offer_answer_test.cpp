#include "sdp/offer_answer.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <algorithm>

#include "sdp/offers.hpp"

namespace talky::sdp {
namespace {

Capabilities g711() {
  Capabilities capabilities;
  capabilities.codecs = {{"PCMU", 8000, 0, "", 1}, {"PCMA", 8000, 8, "", 1}, {"L16", 16000, 96, "", 1}};
  return capabilities;
}

const LocalMedia kLocal{IpAddress::v4(127, 0, 0, 1), 20000, 0};

OfferAnswer engine(const Capabilities& capabilities = g711()) {
  return {capabilities, kLocal, 42};
}

std::string version_of(const std::string& description) {
  return std::string(Session::parse(description)->origin.version);
}

TEST_CASE("a MicroSIP offer gets one codec and one telephone-event") {
  OfferAnswer side = engine();
  const auto answer = side.accept_offer(test::kMicrosip);
  REQUIRE(answer);
  const auto session = Session::parse(*answer);
  REQUIRE(session);
  REQUIRE(session->media.size() == 1);
  CHECK(session->media[0].formats ==
        std::vector<std::string_view>{"8", "101"}); // the order of the offer decides
  CHECK(session->media[0].port == 20000);
  CHECK(session->connection->ip == IpAddress::v4(127, 0, 0, 1));
  CHECK(session->direction_of(session->media[0]) == Direction::sendrecv);
  const MediaPlan& plan = *side.plan();
  CHECK(plan.codec == "PCMA");
  CHECK(plan.send_payload_type == 8);
  CHECK(plan.remote_rtp == Endpoint{IpAddress::v4(192, 0, 2, 10), 4000});
  CHECK(plan.remote_rtcp == Endpoint{IpAddress::v4(192, 0, 2, 10), 4001});
  CHECK(plan.dtmf_send_payload_type == 101);
  CHECK(plan.ptime == 20);
  CHECK_FALSE(plan.remote_hold);
}

TEST_CASE("our order decides if we say so") {
  Capabilities capabilities = g711();
  capabilities.prefer_our_order = true;
  OfferAnswer side = engine(capabilities);
  REQUIRE(side.accept_offer(test::kMicrosip));
  CHECK(side.plan()->codec == "PCMU");
}

TEST_CASE(
    "a Linphone offer: AVPF mirrored, the telephone-event of the codec's clock, video refused in its place") {
  OfferAnswer side = engine();
  const auto answer = side.accept_offer(test::kLinphone);
  REQUIRE(answer);
  const auto session = Session::parse(*answer);
  REQUIRE(session->media.size() == 2);
  CHECK(session->media[0].protocol == "RTP/AVPF");
  CHECK(session->media[0].formats == std::vector<std::string_view>{"0", "100"});
  CHECK(session->media[1].type == "video");
  CHECK(session->media[1].port == 0);
  CHECK(session->media[1].protocol == "RTP/AVPF");
  CHECK(session->media[1].formats == std::vector<std::string_view>{"96", "97"});
  CHECK(session->media[1].find("mid")->value == "v");
}

TEST_CASE("refused streams keep their place, also before the audio, and SAVP is one of them") {
  OfferAnswer side = engine();
  const auto answer = side.accept_offer(
      "v=0\r\nc=IN IP4 192.0.2.10\r\n"
      "m=video 5000 RTP/AVP 34\r\n"
      "m=audio 5002 RTP/SAVP 0\r\n"
      "m=audio 5004 UDP/TLS/RTP/SAVPF 0\r\n"
      "m=audio 5006 RTP/AVP 18\r\n"
      "m=audio 5008 RTP/AVP 0\r\n"
      "m=audio 5010 RTP/AVP 0\r\n"
      "m=application 5012 TCP/MSRP *\r\n");
  REQUIRE(answer);
  const auto session = Session::parse(*answer);
  REQUIRE(session->media.size() == 7);
  for (std::size_t i = 0; i < 7; ++i) {
    CAPTURE(i);
    CHECK((session->media[i].port != 0) == (i == 4));
  }
  CHECK(session->media[1].protocol == "RTP/SAVP");
  CHECK(session->media[6].formats == std::vector<std::string_view>{"*"});
  CHECK(side.plan()->remote_rtp.port == 5008);
}

TEST_CASE("what cannot be done is unsupported, what is no SDP malformed, and nothing changes") {
  OfferAnswer side = engine();
  CHECK(side.accept_offer(test::offer("", "18")).error().code == Errc::unsupported);
  CHECK(side.accept_offer("v=0\r\nm=video 1 RTP/AVP 34\r\n").error().code == Errc::unsupported);
  CHECK(side.accept_offer("v=0\r\n").error().code == Errc::unsupported);
  CHECK(side.accept_offer("v=0\r\nm=audio 0 RTP/AVP 0\r\n").error().code == Errc::unsupported);
  CHECK(side.accept_offer("garbage").error().code == Errc::malformed);
  CHECK_FALSE(side.plan());
  REQUIRE(side.accept_offer(test::kMicrosip));
  const MediaPlan before = *side.plan();
  const std::string sent = side.local_description();
  CHECK_FALSE(side.check_offer(test::offer("", "18")));
  CHECK_FALSE(side.accept_offer(test::offer("", "18")));
  CHECK(*side.plan() == before);
  CHECK(side.local_description() == sent);
}

TEST_CASE("hold in all its forms") {
  struct Form {
    const char* name;
    std::string text;
    Direction ours;
  };
  const std::string media_c = "c=IN IP4 0.0.0.0\r\n";
  const Form forms[] = {
      {"sendonly", test::offer("a=sendonly\r\n"), Direction::recvonly},
      {"inactive", test::offer("a=inactive\r\n"), Direction::inactive},
      {"0.0.0.0 of the session", test::offer("", "0 101", "0.0.0.0"), Direction::recvonly},
      {"0.0.0.0 of the media", test::offer(media_c), Direction::recvonly},
      {"0.0.0.0 and inactive", test::offer(media_c + "a=inactive\r\n"), Direction::inactive},
      {"0.0.0.0 and sendonly", test::offer(media_c + "a=sendonly\r\n"), Direction::recvonly},
      {"sendonly of the session",
       "v=0\r\nc=IN IP4 192.0.2.10\r\na=sendonly\r\nm=audio 4000 RTP/AVP 0 101\r\na=rtpmap:101 "
       "telephone-event/8000\r\n",
       Direction::recvonly},
      {"port 0", "v=0\r\nc=IN IP4 192.0.2.10\r\nm=audio 0 RTP/AVP 0\r\n", Direction::inactive},
  };
  for (const Form& form : forms) {
    CAPTURE(form.name);
    OfferAnswer side = engine();
    REQUIRE(side.accept_offer(test::offer("")));
    REQUIRE_FALSE(side.plan()->remote_hold);
    const auto answer = side.accept_offer(form.text);
    REQUIRE(answer);
    CHECK(side.plan()->remote_hold);
    CHECK(side.plan()->direction == form.ours);
    CHECK(side.plan()->codec == "PCMU");
    const auto session = Session::parse(*answer);
    if (session->media[0].port != 0) CHECK(session->direction_of(session->media[0]) == form.ours);
    REQUIRE(side.accept_offer(test::offer(""))); // resume
    CHECK_FALSE(side.plan()->remote_hold);
    CHECK(side.plan()->direction == Direction::sendrecv);
    CHECK(side.plan()->remote_rtp.port == 4000);
  }
}

TEST_CASE("a peer that only listens is not on hold") {
  OfferAnswer side = engine();
  REQUIRE(side.accept_offer(test::offer("a=recvonly\r\n")));
  CHECK_FALSE(side.plan()->remote_hold);
  CHECK(side.plan()->direction == Direction::sendonly);
}

TEST_CASE("the version counts up when the description changes, and only then") {
  OfferAnswer side = engine();
  const std::string first = *side.accept_offer(test::offer(""));
  CHECK(*side.accept_offer(test::offer("")) == first);
  CHECK(*side.accept_offer(test::offer("a=X-other:1\r\n")) == first);
  const std::string held = *side.accept_offer(test::offer("a=sendonly\r\n"));
  CHECK(std::stoul(version_of(held)) == std::stoul(version_of(first)) + 1);
  const std::string resumed = *side.accept_offer(test::offer(""));
  CHECK(std::stoul(version_of(resumed)) == std::stoul(version_of(first)) + 2);
  CHECK(Session::parse(resumed)->origin.session_id == Session::parse(first)->origin.session_id);
  side.set_local({IpAddress::v4(127, 0, 0, 1), 20002, 0});
  CHECK(version_of(*side.accept_offer(test::offer(""))) != version_of(resumed));
}

TEST_CASE(
    "a re-offer may move the address and change the codec, and the codec in use is kept while offered") {
  OfferAnswer side = engine();
  REQUIRE(side.accept_offer(test::offer("", "8 0")));
  CHECK(side.plan()->codec == "PCMA");
  REQUIRE(side.accept_offer(test::offer("", "0 8", "192.0.2.99")));
  CHECK(side.plan()->codec == "PCMA");
  CHECK(side.plan()->remote_rtp.ip == IpAddress::v4(192, 0, 2, 99));
  REQUIRE(side.accept_offer(test::offer("", "0")));
  CHECK(side.plan()->codec == "PCMU");
}

TEST_CASE("payload types are the offer's") {
  OfferAnswer side = engine();
  const auto answer = side.accept_offer(
      "v=0\r\nc=IN IP4 192.0.2.10\r\nm=audio 4000 RTP/AVP 111 97\r\n"
      "a=rtpmap:111 l16/16000\r\na=rtpmap:97 telephone-event/16000\r\n");
  REQUIRE(answer);
  CHECK(side.plan()->codec == "L16");
  CHECK(side.plan()->clock_rate == 16000);
  CHECK(side.plan()->send_payload_type == 111);
  CHECK(side.plan()->dtmf_send_payload_type == 97);
  CHECK(answer->find("a=rtpmap:97 telephone-event/16000") != std::string::npos);
}

TEST_CASE("packet times") {
  const auto ptime = [](std::string_view lines) {
    OfferAnswer side = engine();
    REQUIRE(side.accept_offer(test::offer(lines)));
    return side.plan()->ptime;
  };
  CHECK(ptime("") == 20);
  CHECK(ptime("a=ptime:30\r\n") == 30);
  CHECK(ptime("a=ptime:25\r\n") == 20);
  CHECK(ptime("a=ptime:0\r\n") == 20);
  CHECK(ptime("a=ptime:5\r\n") == 10);
  CHECK(ptime("a=ptime:500\r\n") == 60);
  CHECK(ptime("a=maxptime:10\r\n") == 10);
  CHECK(ptime("a=ptime:40\r\na=maxptime:30\r\n") == 30);
}

TEST_CASE("RTCP on the same port if offered, elsewhere if said so") {
  OfferAnswer side = engine();
  const auto answer = side.accept_offer(test::offer("a=rtcp-mux\r\n"));
  CHECK(side.plan()->rtcp_mux);
  CHECK(side.plan()->remote_rtcp.port == 4000);
  CHECK(answer->find("a=rtcp-mux\r\n") != std::string::npos);
  OfferAnswer plain = engine();
  CHECK(plain.accept_offer(test::offer("a=rtcp:5555 IN IP4 192.0.2.77\r\n"))->find("rtcp-mux") ==
        std::string::npos);
  CHECK(plain.plan()->remote_rtcp == Endpoint{IpAddress::v4(192, 0, 2, 77), 5555});
  OfferAnswer apart(g711(), {IpAddress::v4(127, 0, 0, 1), 20000, 30000}, 1);
  CHECK(apart.accept_offer(test::offer(""))->find("a=rtcp:30000\r\n") != std::string::npos);
}

TEST_CASE("names are not looked up: the peer's address stays open") {
  OfferAnswer side = engine();
  REQUIRE(side.accept_offer(test::offer("", "0", "phone.example.com")));
  CHECK(side.plan()->remote_rtp.ip.is_unspecified());
  CHECK(side.plan()->remote_rtp.port == 4000);
  CHECK_FALSE(side.plan()->remote_hold);
}

TEST_CASE("two of our engines agree") {
  OfferAnswer caller = engine();
  OfferAnswer callee = engine();
  const std::string offer = caller.make_offer();
  CHECK(caller.offer_pending());
  CHECK(caller.make_offer() == offer);
  CHECK(caller.accept_offer(test::kMicrosip).error().code == Errc::closed); // glare
  const auto answer = callee.accept_offer(offer);
  REQUIRE(answer);
  REQUIRE(caller.accept_answer(*answer));
  CHECK(caller.plan()->codec == "PCMU");
  CHECK(callee.plan()->codec == "PCMU");
  CHECK(caller.plan()->dtmf_send_payload_type == 101);
  CHECK(caller.plan()->rtcp_mux);
  CHECK(caller.accept_answer(*answer).error().code == Errc::closed);

  caller.set_direction(Direction::sendonly); // hold by the caller
  const auto held = callee.accept_offer(caller.make_offer());
  CHECK(callee.plan()->remote_hold);
  CHECK(callee.plan()->direction == Direction::recvonly);
  REQUIRE(caller.accept_answer(*held));
  CHECK(caller.plan()->direction == Direction::sendonly);
  CHECK_FALSE(caller.plan()->remote_hold);
}

TEST_CASE("our re-offer keeps every m= line and the payload types in use") {
  OfferAnswer side = engine();
  REQUIRE(
      side.accept_offer("v=0\r\nc=IN IP4 192.0.2.10\r\nm=video 1 RTP/AVP 34\r\nm=audio 2 RTP/AVP 111 96\r\n"
                        "a=rtpmap:111 L16/16000\r\na=rtpmap:96 telephone-event/16000\r\na=mid:a1\r\n"));
  const auto offer = Session::parse(side.make_offer());
  REQUIRE(offer);
  REQUIRE(offer->media.size() == 2);
  CHECK(offer->media[0].port == 0);
  CHECK(offer->media[0].type == "video");
  CHECK(offer->media[1].formats.front() == "111");
  CHECK(offer->media[1].rtpmap(96)->name == "telephone-event");
  CHECK(offer->media[1].find("mid")->value == "a1");
  std::vector<std::string_view> formats = offer->media[1].formats;
  std::sort(formats.begin(), formats.end());
  CHECK(std::adjacent_find(formats.begin(), formats.end()) == formats.end());
}

TEST_CASE("answers that refuse, are broken, or pick what was not offered") {
  const auto error = [](std::string_view answer) {
    OfferAnswer side = engine();
    side.make_offer();
    const auto result = side.accept_answer(answer);
    CHECK_FALSE(side.offer_pending());
    CHECK_FALSE(side.plan());
    return result.error().code;
  };
  CHECK(error("v=0\r\nm=audio 0 RTP/AVP 0\r\n") == Errc::unsupported);
  CHECK(error(test::offer("", "18")) == Errc::unsupported);
  CHECK(error("v=0\r\n") == Errc::malformed);
  CHECK(error("") == Errc::truncated);
}

TEST_CASE("an answer with several codecs: the first is sent, the others are understood") {
  OfferAnswer side = engine();
  side.make_offer();
  REQUIRE(side.accept_answer(test::offer("", "8 0 101")));
  CHECK(side.plan()->codec == "PCMA");
  REQUIRE(side.plan()->also_receive.size() == 1);
  CHECK(side.plan()->also_receive[0].name == "PCMU");
}

TEST_CASE("an answer of another fork replaces the first, and an abandoned offer changes nothing") {
  OfferAnswer side = engine();
  side.make_offer();
  REQUIRE(side.accept_answer(test::offer("", "0")));
  REQUIRE(side.replace_answer(test::offer("", "8", "192.0.2.50")));
  CHECK(side.plan()->codec == "PCMA");
  CHECK(side.plan()->remote_rtp.ip == IpAddress::v4(192, 0, 2, 50));
  const MediaPlan before = *side.plan();
  side.set_direction(Direction::sendonly);
  side.make_offer();
  CHECK(side.replace_answer(test::offer("")).error().code == Errc::closed);
  side.abandon_offer();
  CHECK(*side.plan() == before);
  CHECK(side.accept_offer(test::offer("")).has_value());
}

TEST_CASE("exchanges at random: both sides always agree, versions never fall, m= lines never go") {
  const bool ok = rc::check([] {
    OfferAnswer a = engine();
    OfferAnswer b = engine();
    std::uint64_t last_a = 0;
    std::uint64_t last_b = 0;
    const auto steps = *rc::gen::container<std::vector<std::pair<bool, int>>>(
        rc::gen::pair(rc::gen::arbitrary<bool>(), rc::gen::inRange(0, 6)));
    for (const auto& [from_a, what] : steps) {
      OfferAnswer& offerer = from_a ? a : b;
      OfferAnswer& answerer = from_a ? b : a;
      if (what < 4) offerer.set_direction(static_cast<Direction>(what));
      if (what == 5) { // refused
        offerer.make_offer();
        offerer.abandon_offer();
        continue;
      }
      const auto answer = answerer.accept_offer(offerer.make_offer());
      RC_ASSERT(answer.has_value());
      RC_ASSERT(offerer.accept_answer(*answer).has_value());
      RC_ASSERT(offerer.plan()->direction == reversed(answerer.plan()->direction));
      RC_ASSERT(offerer.plan()->codec == answerer.plan()->codec);
      RC_ASSERT(offerer.plan()->send_payload_type == answerer.plan()->receive_payload_type);
      RC_ASSERT(offerer.plan()->receive_payload_type == answerer.plan()->send_payload_type);
      const std::uint64_t va = std::stoull(version_of(a.local_description()));
      const std::uint64_t vb = std::stoull(version_of(b.local_description()));
      RC_ASSERT(va >= last_a);
      RC_ASSERT(vb >= last_b);
      last_a = va;
      last_b = vb;
      RC_ASSERT(Session::parse(a.local_description())->media.size() == 1U);
    }
  });
  CHECK(ok);
}

} // namespace
} // namespace talky::sdp
