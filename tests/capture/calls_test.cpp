#include "capture/calls.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>
#include <vector>

namespace talky::capture {

namespace {

constexpr std::int64_t kMs = 1'000'000;

Endpoint endpoint(const char* text) {
  return *Endpoint::parse(text);
}

// A capture of one call as it is told step by step.
struct Talk {
  Announcements announcements;
  CallTable table{announcements};
  Endpoint a = endpoint("10.0.0.1:5060"), b = endpoint("10.0.0.2:5060");
  std::uint32_t sequence_a = 100, sequence_b = 500; // of TCP

  void udp(int ms, bool from_a, const std::string& text) {
    file::Segment segment;
    segment.time_ns = ms * kMs;
    segment.from = from_a ? a : b;
    segment.to = from_a ? b : a;
    segment.payload = as_bytes(text);
    CHECK(table.add(segment));
  }
  void tcp(int ms, bool from_a, std::uint32_t offset, std::string_view text, bool syn = false) {
    file::Segment segment;
    segment.transport = file::Transport::tcp;
    segment.time_ns = ms * kMs;
    segment.from = from_a ? a : b;
    segment.to = from_a ? b : a;
    segment.tcp_sequence = (from_a ? sequence_a : sequence_b) + offset;
    segment.tcp_syn = syn;
    segment.payload = as_bytes(text);
    CHECK(table.add(segment));
  }
  const Call& call() const {
    REQUIRE(table.calls().size() == 1);
    return table.calls().front();
  }
};

std::string sdp(const char* ip, int port, const char* more = "") {
  return fmt::format(
      "v=0\r\no=- 1 1 IN IP4 {}\r\ns=-\r\nc=IN IP4 {}\r\nt=0 0\r\nm=audio {} RTP/AVP 0 101\r\n"
      "a=rtpmap:101 telephone-event/8000\r\n{}",
      ip, ip, port, more);
}

// `by_callee`: the tags change places.
std::string message(const std::string& first, const std::string& cseq, const std::string& body = "",
                    const std::string& to_tag = "", bool by_callee = false, const std::string& more = "",
                    const std::string& type = "application/sdp") {
  const std::string alice = "<sip:alice@a>;tag=ta";
  const std::string bob = "<sip:bob@b>" + (to_tag.empty() ? "" : ";tag=" + to_tag);
  return fmt::format(
      "{}\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK{}\r\nFrom: {}\r\nTo: {}\r\nCall-ID: c1\r\n"
      "CSeq: {}\r\n{}{}Content-Length: {}\r\n\r\n{}",
      first, cseq.substr(0, 1), by_callee ? bob : alice, by_callee ? alice : bob, cseq, more,
      body.empty() ? "" : "Content-Type: " + type + "\r\n", body.size(), body);
}

const std::string kInvite = "INVITE sip:bob@b SIP/2.0";

} // namespace

TEST_CASE("calls: the times and the end of one that went well") {
  Talk talk;
  talk.udp(0, true, message(kInvite, "1 INVITE", sdp("10.0.0.1", 4000)));
  talk.udp(500, true, message(kInvite, "1 INVITE", sdp("10.0.0.1", 4000))); // again
  talk.udp(510, false, message("SIP/2.0 100 Trying", "1 INVITE"));
  talk.udp(700, false, message("SIP/2.0 183 Session Progress", "1 INVITE", sdp("10.0.0.2", 5000), "tb"));
  talk.udp(900, false, message("SIP/2.0 180 Ringing", "1 INVITE", "", "tb"));
  talk.udp(3000, false, message("SIP/2.0 200 OK", "1 INVITE", sdp("10.0.0.2", 5000), "tb"));
  talk.udp(3010, true, message("ACK sip:bob@b SIP/2.0", "1 ACK", "", "tb"));
  talk.udp(9000, false,
           message("BYE sip:alice@a SIP/2.0", "9 BYE", "", "tb", true, "Reason: Q.850;cause=16\r\n"));
  const Call& call = talk.call();
  CHECK(call.from == "sip:alice@a");
  CHECK(call.state() == Call::State::ended);
  CHECK(call.ended_by == Call::Side::callee);
  CHECK(call.cause == "Q.850;cause=16");
  CHECK(call.retransmissions == 1);
  CHECK(*call.trying_ns == 510 * kMs);
  CHECK(*call.early_media_ns == 700 * kMs);
  CHECK(*call.post_dial_delay_ns() == 700 * kMs);
  CHECK(*call.ringing_for_ns() == 2100 * kMs);
  CHECK(*call.answered_ns == 3000 * kMs);
  CHECK(*call.acknowledged_ns == 3010 * kMs);
  CHECK(*call.talked_ns() == 6000 * kMs);
  CHECK(call.final_code == 200);
  REQUIRE(call.branches.size() == 1);
  CHECK(call.ladder.size() == 8);
  CHECK(call.ladder[1].text == "INVITE sip:bob@b (SDP) (again)");
}

TEST_CASE("calls: a challenge is not the end, a redirection neither") {
  Talk talk;
  talk.udp(0, true, message(kInvite, "1 INVITE", sdp("10.0.0.1", 4000)));
  talk.udp(10, false, message("SIP/2.0 401 Unauthorized", "1 INVITE", "", "x"));
  talk.udp(20, true, message(kInvite, "2 INVITE", sdp("10.0.0.1", 4000)));
  talk.udp(30, false, message("SIP/2.0 302 Moved", "2 INVITE", "", "y"));
  CHECK(talk.call().state() == Call::State::redirected);
  talk.udp(40, true, message("INVITE sip:bob@c SIP/2.0", "3 INVITE", sdp("10.0.0.1", 4000)));
  CHECK(talk.call().final_code == 0);
  talk.udp(50, false, message("SIP/2.0 486 Busy Here", "3 INVITE", "", "z"));
  CHECK(talk.call().state() == Call::State::busy);
  CHECK(talk.call().challenges == 1);
  CHECK(talk.call().redirects == 1);
  CHECK(*talk.call().ended_ns == 50 * kMs);
  CHECK(talk.call().ended_by == Call::Side::callee);
}

TEST_CASE("calls: cancelled, timed out, refused") {
  Talk cancelled;
  cancelled.udp(0, true, message(kInvite, "1 INVITE"));
  cancelled.udp(100, false, message("SIP/2.0 180 Ringing", "1 INVITE", "", "tb"));
  cancelled.udp(5000, true, message("CANCEL sip:bob@b SIP/2.0", "1 CANCEL"));
  CHECK(cancelled.call().state() == Call::State::cancelled);
  cancelled.udp(5010, false, message("SIP/2.0 200 OK", "1 CANCEL", "", "tb"));
  cancelled.udp(5020, false, message("SIP/2.0 487 Request Terminated", "1 INVITE", "", "tb"));
  CHECK(cancelled.call().state() == Call::State::cancelled);
  CHECK(cancelled.call().ended_by == Call::Side::caller);
  CHECK_FALSE(cancelled.call().answered_ns);
  CHECK(*cancelled.call().ringing_for_ns() == 4920 * kMs);

  Talk failed;
  failed.udp(0, true, message(kInvite, "1 INVITE"));
  failed.udp(32'000, false, message("SIP/2.0 408 Request Timeout", "1 INVITE", "", "tb"));
  CHECK(failed.call().state() == Call::State::failed);
  Talk refused;
  refused.udp(0, true, message(kInvite, "1 INVITE"));
  refused.udp(10, false, message("SIP/2.0 404 Not Found", "1 INVITE", "", "tb"));
  CHECK(refused.call().state() == Call::State::refused);
  CHECK(refused.call().final_reason == "Not Found");
}

TEST_CASE("calls: a forked INVITE; the first 2xx makes the call") {
  Talk talk;
  talk.udp(0, true, message(kInvite, "1 INVITE", sdp("10.0.0.1", 4000)));
  talk.udp(100, false, message("SIP/2.0 180 Ringing", "1 INVITE", "", "t1"));
  talk.udp(200, false, message("SIP/2.0 180 Ringing", "1 INVITE", "", "t2"));
  talk.udp(300, false, message("SIP/2.0 486 Busy Here", "1 INVITE", "", "t3"));
  talk.udp(1000, false, message("SIP/2.0 200 OK", "1 INVITE", sdp("10.0.0.3", 6000), "t2"));
  talk.udp(1100, false, message("SIP/2.0 200 OK", "1 INVITE", sdp("10.0.0.4", 6002), "t1"));
  const Call& call = talk.call();
  REQUIRE(call.branches.size() == 3);
  CHECK(call.branches[0].tag == "t1");
  CHECK(*call.branches[0].answered_ns == 1100 * kMs);
  CHECK(*call.branches[1].answered_ns == 1000 * kMs);
  CHECK(call.branches[2].code == 486);
  CHECK(*call.answered_ns == 1000 * kMs);
  CHECK(call.callee_media.size() == 2);
}

TEST_CASE("calls: hold and re-INVITE by either side, UPDATE, and media that was refused") {
  Talk talk;
  talk.udp(0, true, message(kInvite, "1 INVITE", sdp("10.0.0.1", 4000)));
  talk.udp(10, false, message("SIP/2.0 200 OK", "1 INVITE", sdp("10.0.0.2", 5000), "tb"));
  talk.udp(1000, true, message(kInvite, "2 INVITE", sdp("10.0.0.1", 4000, "a=sendonly\r\n"), "tb"));
  talk.udp(1010, false, message("SIP/2.0 200 OK", "2 INVITE", sdp("10.0.0.2", 5000, "a=recvonly\r\n"), "tb"));
  talk.udp(3000, true, message(kInvite, "3 INVITE", sdp("10.0.0.1", 4002), "tb"));
  talk.udp(3010, false, message("SIP/2.0 200 OK", "3 INVITE", sdp("10.0.0.2", 5000), "tb"));
  talk.udp(
      4000, false,
      message("UPDATE sip:alice@a SIP/2.0", "7 UPDATE", sdp("10.0.0.2", 5000, "a=inactive\r\n"), "tb", true));
  const Call& call = talk.call();
  CHECK(call.reinvites == 2);
  CHECK(call.updates == 1);
  CHECK(call.final_code == 200);
  CHECK(*call.answered_ns == 10 * kMs);
  REQUIRE(call.holds.size() == 2);
  CHECK(call.holds[0].by == Call::Side::caller);
  CHECK(call.holds[0].from_ns == 1000 * kMs);
  CHECK(*call.holds[0].to_ns == 3000 * kMs);
  CHECK(call.holds[1].by == Call::Side::callee);
  CHECK_FALSE(call.holds[1].to_ns);
  CHECK(call.caller_media.size() == 2); // it moved to another port
  const Endpoint nobody = endpoint("192.0.2.1:1");
  CHECK(talk.announcements.expects(nobody, endpoint("10.0.0.1:4002"), 0));
  CHECK_FALSE(talk.announcements.expects(nobody, endpoint("10.0.0.1:4004"), 0));
  CHECK(talk.announcements.format(nobody, endpoint("10.0.0.1:4002"), 101).telephone_event);

  Talk refused;
  refused.udp(0, true, message(kInvite, "1 INVITE", sdp("10.0.0.1", 4000)));
  refused.udp(10, false, message("SIP/2.0 200 OK", "1 INVITE", sdp("10.0.0.2", 0), "tb"));
  CHECK_FALSE(refused.announcements.expects(nobody, endpoint("10.0.0.1:4000"), 11 * kMs));
}

TEST_CASE("calls: what is announced ends with the call, and ports are used again") {
  Talk talk;
  const Endpoint nobody = endpoint("192.0.2.1:1");
  const Endpoint media = endpoint("10.0.0.1:4000");
  talk.udp(0, true, message(kInvite, "1 INVITE", sdp("10.0.0.1", 4000)));
  talk.udp(10, false, message("SIP/2.0 200 OK", "1 INVITE", sdp("10.0.0.2", 5000), "tb"));
  talk.udp(1000, true, message("BYE sip:bob@b SIP/2.0", "2 BYE", "", "tb"));
  CHECK(talk.announcements.expects(nobody, media, 2000 * kMs));
  CHECK_FALSE(talk.announcements.expects(nobody, media, 60'000 * kMs));
  std::string again = message(kInvite, "1 INVITE", sdp("10.0.0.1", 4000));
  again.replace(again.find("Call-ID: c1"), 11, "Call-ID: c2");
  talk.udp(70'000, true, again);
  CHECK(talk.announcements.expects(nobody, media, 80'000 * kMs));
  // Each stream belongs to the call that had begun when it did.
  Stream first, second;
  for (auto* stream : {&first, &second}) {
    stream->from = endpoint("10.0.0.2:5000");
    stream->to = media;
    stream->set_format(0, {"PCMU", 8000, false, 1}, 1);
  }
  first.add(500 * kMs, {0, false, 1, 1, 1}, {});
  second.add(71'000 * kMs, {0, false, 1, 1, 1}, {});
  REQUIRE(talk.table.call_of(first) != nullptr);
  CHECK(talk.table.call_of(first)->call_id == "c1");
  CHECK(talk.table.call_of(second)->call_id == "c2");
  CHECK(talk.table.calls()[0].leg_of(first) == Call::Leg::from_callee);
}

TEST_CASE("calls: two hops of one call are one call, with the times of the first") {
  Talk talk;
  const Endpoint proxy = endpoint("10.0.0.9:5060");
  const Endpoint callee = talk.b;
  talk.b = proxy;
  talk.udp(0, true, message(kInvite, "1 INVITE", sdp("10.0.0.1", 4000)));
  const Endpoint caller = talk.a;
  talk.a = proxy;
  talk.b = callee;
  talk.udp(5, true, message(kInvite, "1 INVITE", sdp("10.0.0.1", 4000)));
  talk.udp(20, false, message("SIP/2.0 200 OK", "1 INVITE", sdp("10.0.0.2", 5000), "tb"));
  talk.a = caller;
  talk.b = proxy;
  talk.udp(25, false, message("SIP/2.0 200 OK", "1 INVITE", sdp("10.0.0.2", 5000), "tb"));
  talk.udp(99, false, message("BYE sip:alice@a SIP/2.0", "4 BYE", "", "tb", true));
  CHECK(talk.call().retransmissions == 0);
  CHECK(*talk.call().answered_ns == 20 * kMs);
  CHECK(talk.call().ended_by == Call::Side::callee);
}

TEST_CASE("calls: over TCP, in pieces, out of order, twice, from the middle") {
  const std::string invite = message(kInvite, "1 INVITE", sdp("10.0.0.1", 4000));
  const std::string bye = message("BYE sip:bob@b SIP/2.0", "2 BYE", "", "tb");
  const std::string both = invite + "\r\n\r\n" + bye;
  const auto at = [](std::size_t n) { return static_cast<std::uint32_t>(n + 1); };
  for (std::size_t cut = 1; cut + 40 < both.size(); cut += 37) {
    Talk talk;
    talk.tcp(0, true, 0, "", true);
    const std::string_view text = both;
    talk.tcp(1, true, at(0), text.substr(0, cut));
    talk.tcp(2, true, at(cut + 20), text.substr(cut + 20)); // before its turn
    talk.tcp(3, true, at(cut), text.substr(cut, 30));       // overlaps
    talk.tcp(4, true, at(0), text.substr(0, cut));          // again
    CHECK(talk.call().over_tcp);
    CHECK(talk.call().ended_by == Call::Side::caller);
    CHECK(talk.table.messages() == 2);
  }
  Talk middle;
  middle.tcp(0, true, 77, "ption: of a message that began before\r\n\r\n");
  middle.tcp(1, true, 200, invite);
  CHECK(middle.call().call_id == "c1");
  Talk web;
  web.tcp(0, true, 0, "", true);
  web.tcp(1, true, 1, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(web.table.messages() == 0);
}

TEST_CASE("calls: a description inside a multipart body") {
  Talk talk;
  const std::string body = "--x\r\nContent-Type: application/sdp\r\n\r\n" + sdp("10.0.0.1", 4000) +
                           "\r\n--x\r\nContent-Type: text/plain\r\n\r\nhello\r\n--x--\r\n";
  talk.udp(0, true, message(kInvite, "1 INVITE", body, "", false, "", "multipart/mixed;boundary=x"));
  CHECK(talk.call().caller_media.size() == 1);
}

TEST_CASE("calls: keys by INFO") {
  Talk talk;
  talk.udp(0, true, message(kInvite, "1 INVITE"));
  const auto info = [&](int ms, const std::string& type, const std::string& body, bool by_callee = false) {
    talk.udp(ms, !by_callee,
             message("INFO sip:x SIP/2.0", fmt::format("{} INFO", ms), body, "tb", by_callee, "", type));
  };
  info(1, "application/dtmf-relay", "Signal=5\r\nDuration=160\r\n");
  info(2, "application/dtmf-relay", "Signal= *\r\nDuration= 250\r\n", true);
  info(3, "application/dtmf", "9");
  info(4, "application/dtmf-relay", "Signal=11\r\n");
  info(5, "application/dtmf-relay", "Signal=%\r\n");
  info(6, "text/plain", "5");
  const auto& digits = talk.call().digits;
  REQUIRE(digits.size() == 4);
  CHECK(digits[0].digit == '5');
  CHECK(digits[0].duration_ms == 160);
  CHECK(digits[0].by == Call::Side::caller);
  CHECK(digits[1].digit == '*');
  CHECK(digits[1].by == Call::Side::callee);
  CHECK(digits[2].digit == '9');
  CHECK(digits[3].digit == '#');
}

TEST_CASE("calls: one that began before the capture is up, and ends by who says BYE") {
  for (const bool caller_ends : {true, false}) {
    Talk talk;
    talk.udp(400, true, message("INVITE sip:bob@b SIP/2.0", "7 INVITE", sdp("10.0.0.1", 4000), "tb"));
    talk.udp(500, false, message("SIP/2.0 200 OK", "7 INVITE", sdp("10.0.0.2", 5000), "tb"));
    talk.udp(600, true, message("ACK sip:bob@b SIP/2.0", "7 ACK", "", "tb"));
    CHECK(talk.call().state() == Call::State::up);
    CHECK(talk.call().begun_before);
    CHECK(talk.call().reinvites == 1);
    CHECK(!talk.call().talked_ns()); // for how long nobody knows
    talk.udp(3400, caller_ends, message("BYE sip:x@x SIP/2.0", "8 BYE", "", "tb", !caller_ends));
    CHECK(talk.call().state() == Call::State::ended);
    CHECK(talk.call().ended_by == (caller_ends ? Call::Side::caller : Call::Side::callee));
    CHECK(talk.call().caller_media.size() == 1);
    CHECK(talk.call().callee_media.size() == 1);
  }
  Talk bye; // all that is left of a call
  bye.udp(0, true, message("BYE sip:bob@b SIP/2.0", "8 BYE", "", "tb"));
  CHECK(bye.call().state() == Call::State::ended);
  CHECK(bye.call().ended_by == Call::Side::caller);
}

TEST_CASE("calls: a capture that begins between an INVITE and its answer; what says nothing makes no call") {
  Talk talk;
  talk.udp(0, false, message("SIP/2.0 180 Ringing", "3 INVITE", "", "tb"));
  CHECK(talk.call().state() == Call::State::ringing);
  CHECK(talk.call().from == "sip:alice@a");
  CHECK(talk.call().caller == talk.a);
  talk.udp(100, true, message("UPDATE sip:bob@b SIP/2.0", "4 UPDATE", "", "tb"));
  CHECK(talk.call().state() == Call::State::ringing);
  talk.udp(900, false, message("SIP/2.0 486 Busy Here", "3 INVITE", "", "tb"));
  CHECK(talk.call().state() == Call::State::busy);
  CHECK(talk.call().ended_by == Call::Side::callee);

  Talk early; // an UPDATE of an early dialog is no sign that the call is up
  early.udp(0, true, message("UPDATE sip:bob@b SIP/2.0", "4 UPDATE", "", "tb"));
  CHECK(early.call().state() == Call::State::trying);
  early.udp(500, false, message("SIP/2.0 200 OK", "3 INVITE", sdp("10.0.0.2", 5000), "tb"));
  CHECK(early.call().state() == Call::State::up);

  Talk nothing;
  nothing.udp(0, true, message("ACK sip:bob@b SIP/2.0", "1 ACK", "", "tb")); // of a refusal, perhaps
  nothing.udp(1, true, message("CANCEL sip:bob@b SIP/2.0", "1 CANCEL"));
  nothing.udp(2, false, message("SIP/2.0 200 OK", "1 BYE", "", "tb"));
  nothing.udp(3, true, message("BYE sip:bob@b SIP/2.0", "1 BYE")); // of no dialog
  CHECK(nothing.table.calls().empty());
}

TEST_CASE("calls: an INVITE that comes again with another From tag is the caller's all the same") {
  Talk talk;
  const auto changed = [](std::string text) {
    text.replace(text.find("tag=ta"), 6, "tag=t2");
    return text;
  };
  talk.udp(0, true, message(kInvite, "1 INVITE", sdp("10.0.0.1", 4000)));
  talk.udp(10, false, message("SIP/2.0 407 Proxy Authentication Required", "1 INVITE", "", "x"));
  talk.udp(20, true, changed(message(kInvite, "2 INVITE", sdp("10.0.0.1", 4000))));
  talk.udp(30, false, changed(message("SIP/2.0 180 Ringing", "2 INVITE", "", "tb")));
  talk.udp(40, false, changed(message("SIP/2.0 200 OK", "2 INVITE", sdp("10.0.0.2", 5000), "tb")));
  talk.udp(50, true, changed(message("BYE sip:bob@b SIP/2.0", "3 BYE", "", "tb")));
  CHECK(talk.call().state() == Call::State::ended);
  CHECK(talk.call().ended_by == Call::Side::caller);
  CHECK(talk.call().challenges == 1);
  CHECK(talk.call().callee_media == std::vector{endpoint("10.0.0.2:5000")});
}

TEST_CASE("calls: forks, PRACK, UPDATE and glare are of one call") {
  Talk talk;
  talk.udp(0, true, message(kInvite, "1 INVITE", sdp("10.0.0.1", 4000)));
  talk.udp(100, false, message("SIP/2.0 183 Session Progress", "1 INVITE", sdp("10.0.0.2", 5000), "b1"));
  talk.udp(110, true, message("PRACK sip:bob@b SIP/2.0", "2 PRACK", "", "b1"));
  talk.udp(120, false, message("SIP/2.0 200 OK", "2 PRACK", "", "b1"));
  talk.udp(130, false, message("SIP/2.0 180 Ringing", "1 INVITE", "", "b2"));
  talk.udp(140, true, message("UPDATE sip:bob@b SIP/2.0", "3 UPDATE", sdp("10.0.0.1", 4002), "b1"));
  talk.udp(150, false, message("SIP/2.0 200 OK", "3 UPDATE", sdp("10.0.0.2", 5002), "b1"));
  CHECK(talk.call().state() == Call::State::ringing);
  talk.udp(200, false, message("SIP/2.0 200 OK", "1 INVITE", sdp("10.0.0.2", 5004), "b2"));
  talk.udp(210, true, message("ACK sip:bob@b SIP/2.0", "1 ACK", "", "b2"));
  talk.udp(220, false, message("SIP/2.0 487 Request Terminated", "1 INVITE", "", "b1"));
  // Both ask at once, and both are told 491.
  talk.udp(300, true, message("INVITE sip:bob@b SIP/2.0", "4 INVITE", sdp("10.0.0.1", 4000), "b2"));
  talk.udp(301, false, message("INVITE sip:alice@a SIP/2.0", "1 INVITE", sdp("10.0.0.2", 5004), "b2", true));
  talk.udp(310, false, message("SIP/2.0 491 Request Pending", "4 INVITE", "", "b2"));
  talk.udp(311, true, message("SIP/2.0 491 Request Pending", "1 INVITE", "", "b2", true));
  CHECK(talk.call().state() == Call::State::up);
  CHECK(talk.call().final_code == 200);
  CHECK(talk.call().branches.size() == 2);
  CHECK(talk.call().reinvites == 2);
  CHECK(talk.call().updates == 1);
  CHECK(*talk.call().early_media_ns == 100 * kMs);
  talk.udp(900, true, message("BYE sip:bob@b SIP/2.0", "5 BYE", "", "b2"));
  CHECK(talk.call().state() == Call::State::ended);
}

TEST_CASE("calls: registrations and OPTIONS are told beside them") {
  Talk talk;
  const auto request = [](const char* method, int cseq, const std::string& id) {
    std::string text = message(fmt::format("{} sip:b SIP/2.0", method), fmt::format("{} {}", cseq, method));
    return text.replace(text.find("Call-ID: c1"), 11, "Call-ID: " + id);
  };
  const auto answer = [](const char* first, const char* method, int cseq, const std::string& id) {
    std::string text = message(first, fmt::format("{} {}", cseq, method), "", "x");
    return text.replace(text.find("Call-ID: c1"), 11, "Call-ID: " + id);
  };
  talk.udp(0, true, request("REGISTER", 1, "r1"));
  talk.udp(5, false, answer("SIP/2.0 401 Unauthorized", "REGISTER", 1, "r1"));
  talk.udp(10, true, request("REGISTER", 2, "r1"));
  talk.udp(510, true, request("REGISTER", 2, "r1")); // again
  talk.udp(530, false, answer("SIP/2.0 200 OK", "REGISTER", 2, "r1"));
  talk.udp(531, false, answer("SIP/2.0 200 OK", "REGISTER", 2, "r1"));
  talk.udp(600, false, request("OPTIONS", 1, "o1"));
  talk.udp(700, true, request("SUBSCRIBE", 1, "r1")); // of the same Call-ID
  talk.udp(800, true, message(kInvite, "1 INVITE", sdp("10.0.0.1", 4000)));
  talk.udp(810, true, message("OPTIONS sip:bob@b SIP/2.0", "2 OPTIONS", "", "tb")); // of the call
  CHECK(talk.call().messages == 2);
  const auto& requests = talk.table.requests().requests();
  REQUIRE(requests.size() == 3);
  CHECK(requests[0].method == "REGISTER");
  CHECK(requests[0].from == "sip:alice@a");
  CHECK(requests[0].requests == 2);
  CHECK(requests[0].retransmissions == 1);
  CHECK(requests[0].challenges == 1);
  CHECK(requests[0].final_code == 200);
  CHECK(requests[0].took_ns() == 520 * kMs);
  CHECK(requests[0].source == talk.a);
  CHECK(requests[1].method == "OPTIONS");
  CHECK(requests[1].final_code == 0);
  CHECK(requests[1].source == talk.b);
  CHECK(requests[2].method == "SUBSCRIBE");
}

TEST_CASE("calls: the flash of a hook is a key") {
  Talk talk;
  talk.udp(0, true, message(kInvite, "1 INVITE", sdp("10.0.0.1", 4000)));
  talk.udp(1, false, message("SIP/2.0 200 OK", "1 INVITE", sdp("10.0.0.2", 5000), "tb"));
  int cseq = 2;
  for (const char* body :
       {"Signal=16\r\nDuration=250\r\n", "Signal=hf\r\n", "Signal=17\r\n", "Signal=5\r\n"}) {
    talk.udp(cseq * 100, true,
             message("INFO sip:bob@b SIP/2.0", fmt::format("{} INFO", cseq), body, "tb", false, "",
                     "application/dtmf-relay"));
    ++cseq;
  }
  std::string keys;
  for (const Call::Digit& digit : talk.call().digits)
    keys += digit.digit;
  CHECK(keys == "!!5");
}

} // namespace talky::capture
