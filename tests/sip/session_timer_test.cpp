#include "sip/session_timer.hpp"

#include <doctest/doctest.h>

#include <string>

#include "fixtures.hpp"

using namespace talky;
using namespace talky::sip;
using namespace talky::sip::test;

namespace {

using Action = SessionTimer::Action;

// Keeps the text that the view borrows.
struct Held {
  std::string text;
  MessageView view;
  explicit Held(std::string bytes) : text(std::move(bytes)), view(*MessageView::parse(text)) {}
};

Held invite(const char* session_expires, const char* supported = "timer", const char* min_se = "") {
  Request r;
  if (*session_expires != '\0') r.more.emplace_back("Session-Expires", session_expires);
  if (*supported != '\0') r.more.emplace_back("Supported", supported);
  if (*min_se != '\0') r.more.emplace_back("Min-SE", min_se);
  return Held(r.text());
}

Held response(int status, const char* session_expires, const char* min_se = "") {
  Builder b = Builder::response(status);
  if (*session_expires != '\0') b.header(HeaderId::session_expires, session_expires);
  if (*min_se != '\0') b.header(HeaderId::min_se, min_se);
  return Held(b.build().bytes);
}

Held answer(const SessionTimer& timer) {
  Builder b = Builder::response(200);
  timer.answer_headers(b);
  return Held(b.build().bytes);
}

Held offer(const SessionTimer& timer) {
  Builder b = Builder::request(Method::update, "sip:a@b");
  timer.request_headers(b);
  return Held(b.build().bytes);
}

} // namespace

TEST_CASE("server: as PJSIP asks, and the peer refreshes") {
  SessionTimer timer({});
  REQUIRE(timer.receive_request(invite("1800", "replaces, 100rel, timer", "90").view, kStart));
  CHECK(timer.running());
  CHECK_FALSE(timer.refresher());
  CHECK(answer(timer).view.value(HeaderId::session_expires) == "1800;refresher=uac");
  CHECK(answer(timer).view.value(HeaderId::require) == "timer");
  CHECK(timer.deadline() == kStart + 1768s); // 32 s before the end
  timer.expire(kStart + 1767s);
  CHECK_FALSE(timer.poll().has_value());
  timer.expire(kStart + 1768s);
  CHECK(timer.poll() == Action::hang_up);
  CHECK_FALSE(timer.poll().has_value());
  CHECK_FALSE(timer.running());
}

TEST_CASE("server: the peer may ask us to refresh") {
  SessionTimer timer({});
  REQUIRE(timer.receive_request(invite("600;refresher=uas").view, kStart));
  CHECK(timer.refresher());
  CHECK(answer(timer).view.value(HeaderId::session_expires) == "600;refresher=uas");
  CHECK_FALSE(answer(timer).view.has(HeaderId::require));
  timer.expire(kStart + 300s);
  CHECK(timer.poll() == Action::refresh);
  CHECK(timer.deadline() == kStart + 568s);
  // Our refresh is answered: all begins anew.
  CHECK(offer(timer).view.value(HeaderId::session_expires) == "600;refresher=uac");
  CHECK(timer.receive_response(response(200, "600;refresher=uac").view, kStart + 301s));
  CHECK(timer.deadline() == kStart + 601s);
}

TEST_CASE("server: a peer that knows no timers cannot refresh, nor be told 422") {
  SessionTimer timer({});
  REQUIRE(timer.receive_request(invite("", "").view, kStart));
  CHECK(timer.refresher());
  CHECK(answer(timer).view.value(HeaderId::session_expires) == "1800;refresher=uas");
  CHECK_FALSE(answer(timer).view.has(HeaderId::require));
  REQUIRE(timer.receive_request(invite("30", "").view, kStart));
  CHECK(timer.interval() == 90s);

  SessionTimer none({.session_expires = 0s});
  REQUIRE(none.receive_request(invite("", "timer").view, kStart));
  CHECK_FALSE(none.running());
  CHECK_FALSE(answer(none).view.has(HeaderId::session_expires));
  REQUIRE(none.receive_request(invite("1200", "timer").view, kStart)); // but serves who asks
  CHECK(none.interval() == 1200s);
}

TEST_CASE("server: too short is 422 with Min-SE") {
  SessionTimer timer({.min_se = 120s});
  CHECK_FALSE(timer.receive_request(invite("100").view, kStart));
  Builder b = Builder::response(422);
  timer.reject_headers(b);
  CHECK(b.build().view()->value(HeaderId::min_se) == "120");
  CHECK(timer.receive_request(invite("120").view, kStart));
}

TEST_CASE("server: the interval is shortened to ours, but not below the peer's Min-SE") {
  SessionTimer timer({.session_expires = 600s});
  REQUIRE(timer.receive_request(invite("1800").view, kStart));
  CHECK(timer.interval() == 600s);
  REQUIRE(timer.receive_request(invite("1800", "timer", "900").view, kStart));
  CHECK(timer.interval() == 900s);
}

TEST_CASE("server: a refresh by the peer starts the time anew") {
  SessionTimer timer({});
  REQUIRE(timer.receive_request(invite("90").view, kStart));
  CHECK(timer.deadline() == kStart + 60s); // a third before the end
  REQUIRE(timer.receive_request(invite("90;refresher=uac").view, kStart + 45s));
  CHECK(timer.deadline() == kStart + 105s);
}

TEST_CASE("client: the answer decides") {
  SessionTimer timer({});
  CHECK(offer(timer).view.value(HeaderId::session_expires) == "1800");
  CHECK_FALSE(offer(timer).view.has(HeaderId::min_se));
  CHECK(timer.receive_response(response(180, "").view, kStart));
  CHECK_FALSE(timer.running());
  CHECK(timer.receive_response(response(200, "1800;refresher=uas").view, kStart));
  CHECK_FALSE(timer.refresher());
  CHECK(timer.receive_response(response(200, "1800;refresher=uac").view, kStart));
  CHECK(timer.refresher());
  CHECK(timer.deadline() == kStart + 900s);
  CHECK(timer.receive_response(response(200, "").view, kStart));
  CHECK_FALSE(timer.running());
  CHECK_FALSE(timer.deadline().has_value());
}

TEST_CASE("client: 422 raises the interval for the next try") {
  SessionTimer timer({.session_expires = 100s});
  CHECK_FALSE(timer.receive_response(response(422, "", "300").view, kStart));
  CHECK(offer(timer).view.value(HeaderId::session_expires) == "300");
  CHECK(offer(timer).view.value(HeaderId::min_se) == "300");
}

TEST_CASE("a refresh that fails ends in hanging up") {
  SessionTimer timer({});
  timer.receive_response(response(200, "90;refresher=uac").view, kStart);
  timer.expire(kStart + 45s);
  CHECK(timer.poll() == Action::refresh);
  timer.expire(kStart + 60s);
  CHECK(timer.poll() == Action::hang_up);
  timer.stop();
  CHECK_FALSE(timer.deadline().has_value());
}
