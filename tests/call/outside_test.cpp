// Requests outside of calls: REGISTER, OPTIONS, SUBSCRIBE and so on, and what bad ones get.
#include <doctest/doctest.h>

#include "call/rig.hpp"
#include "sip/digest.hpp"

namespace talky::call::test {
namespace {

Config guarded() {
  Config config;
  config.digest_key = "0123456789abcdef";
  config.find_user = [](std::string_view user, std::string_view realm,
                        sip::DigestAlgorithm algorithm) -> std::optional<std::string> {
    if (user != "alice") return std::nullopt;
    return sip::digest_ha1(algorithm, user, realm, "secret");
  };
  return config;
}

std::string authorization(const Rig& rig, std::string_view method, std::string_view uri,
                          std::string password = "secret") {
  sip::DigestClient client("alice", std::move(password));
  REQUIRE(client.receive(*sip::MessageView::parse(rig.sent.back().bytes), false));
  return "Authorization: " + client.authorization(method, uri, "0a4f113b") + "\r\n";
}

Phone registering() {
  Phone phone("reg");
  phone.uri = "sip:127.0.0.1";
  phone.to = "<sip:alice@127.0.0.1>";
  return phone;
}

TEST_CASE("open registration") {
  Rig rig;
  Phone phone = registering();
  rig.receive(phone.request("REGISTER", 1, "Expires: 300\r\n"));
  CHECK(rig.status() == 200);
  REQUIRE(rig.last<RegistrationChanged>() != nullptr);
  CHECK(rig.last<RegistrationChanged>()->aor == "sip:alice@127.0.0.1");
  CHECK(rig.last<RegistrationChanged>()->contact == "sip:alice@127.0.0.1:5070;ob");
  CHECK(rig.last<RegistrationChanged>()->expires_s == 300);
  CHECK(rig.agent.registrations() == 1);
  Phone caller;
  rig.receive(caller.invite());
  CHECK(rig.last<IncomingCall>()->registered);
  rig.advance(301s);
  CHECK(rig.last<RegistrationChanged>()->expires_s == 0);
  CHECK(rig.agent.registrations() == 0);
}

TEST_CASE("with users: REGISTER is challenged, the right password registers, a wrong one does not") {
  Rig rig(guarded());
  Phone phone = registering();
  rig.receive(phone.request("REGISTER", 1));
  REQUIRE(rig.status() == 401);
  CHECK(rig.header("WWW-Authenticate").find("realm=\"talky\"") != std::string::npos);
  rig.receive(phone.request("REGISTER", 2, authorization(rig, "REGISTER", "sip:127.0.0.1", "wrong")));
  REQUIRE(rig.status() == 401);
  CHECK(rig.agent.registrations() == 0);
  rig.receive(phone.request("REGISTER", 3, authorization(rig, "REGISTER", "sip:127.0.0.1")));
  CHECK(rig.status() == 200);
  CHECK(rig.agent.registrations() == 1);
}

TEST_CASE("with users: alice cannot register bob") {
  Rig rig(guarded());
  Phone phone = registering();
  phone.to = "<sip:bob@127.0.0.1>";
  rig.receive(phone.request("REGISTER", 1));
  rig.receive(phone.request("REGISTER", 2, authorization(rig, "REGISTER", "sip:127.0.0.1")));
  CHECK(rig.status() == 403);
  CHECK(rig.agent.registrations() == 0);
}

TEST_CASE("with users: a call from an unknown source is challenged, from a registered one not") {
  Rig rig(guarded());
  Phone caller;
  rig.receive(caller.invite());
  REQUIRE(rig.status() == 401);
  CHECK(rig.count<IncomingCall>() == 0);
  rig.receive(caller.invite(2, kOffer, authorization(rig, "INVITE", caller.uri)));
  CHECK(rig.status() == 100);
  CHECK(rig.last<IncomingCall>()->user == "alice");
  Phone phone = registering();
  rig.receive(phone.request("REGISTER", 1));
  rig.receive(phone.request("REGISTER", 2, authorization(rig, "REGISTER", "sip:127.0.0.1")));
  Phone second("second");
  rig.receive(second.invite());
  CHECK(rig.status() == 100);
  CHECK(rig.last<IncomingCall>()->registered);
  CHECK(rig.last<IncomingCall>()->user.empty());
}

// Registers alice over UDP from the phone's address.
void register_alice(Rig& rig) {
  Phone phone = registering();
  rig.receive(phone.request("REGISTER", 1));
  rig.receive(phone.request("REGISTER", 2, authorization(rig, "REGISTER", "sip:127.0.0.1")));
  REQUIRE(rig.status() == 200);
}

TEST_CASE("with users: a registration speaks for its user and its flow, for nobody else") {
  Rig rig(guarded());
  register_alice(rig);
  Phone same("same");
  rig.receive(same.invite());
  CHECK(rig.status() == 100);
  Phone another_port("port");
  rig.receive(another_port.invite(), udp({kPhoneAddress.ip, 5099}));
  CHECK(rig.status() == 401);
  Phone as_bob("bob");
  as_bob.from = "<sip:bob@127.0.0.1>;tag=b1";
  rig.receive(as_bob.invite());
  CHECK(rig.status() == 401);
  CHECK(rig.count<IncomingCall>() == 1);
}

TEST_CASE("with users: who proved to be alice calls as alice") {
  Rig rig(guarded());
  Phone phone;
  phone.from = "<sip:boss@127.0.0.1>;tag=b1";
  rig.receive(phone.invite());
  rig.receive(phone.invite(2, kOffer, authorization(rig, "INVITE", phone.uri)));
  CHECK(rig.status() == 403);
  CHECK(rig.count<IncomingCall>() == 0);
}

TEST_CASE("with users: always_challenge asks those who are registered, too") {
  Config config = guarded();
  config.always_challenge = true;
  Rig rig(config);
  register_alice(rig);
  Phone phone("c");
  rig.receive(phone.invite());
  CHECK(rig.status() == 401);
  rig.receive(phone.invite(2, kOffer, authorization(rig, "INVITE", phone.uri)));
  CHECK(rig.status() == 100);
}

TEST_CASE("with users: a trunk that is trusted calls as anybody, and registers nobody") {
  Config config = guarded();
  config.trusted = [](const IpAddress& source) { return source == kPhoneAddress.ip; };
  Rig rig(config);
  Phone trunk("trunk");
  trunk.from = "<sip:+442079460123@carrier.example>;tag=b1";
  rig.receive(trunk.invite());
  CHECK(rig.status() == 100);
  Phone phone = registering();
  rig.receive(phone.request("REGISTER", 1));
  CHECK(rig.status() == 401);
}

TEST_CASE("whoever guesses is refused for a while, and registered phones of that address are not") {
  Rig rig(guarded());
  register_alice(rig);
  Phone guesser("guess");
  guesser.uri = "sip:127.0.0.1";
  guesser.to = "<sip:alice@127.0.0.1>";
  const sip::Flow flow = udp({kPhoneAddress.ip, 6666});
  int cseq = 0;
  const auto attempt = [&](const char* password) {
    rig.receive(guesser.request("REGISTER", ++cseq), flow);
    if (rig.status() != 401) return rig.status();
    const std::string answer = authorization(rig, "REGISTER", "sip:127.0.0.1", password);
    rig.receive(guesser.request("REGISTER", ++cseq, answer), flow);
    return rig.status();
  };
  for (int i = 0; i < 10; ++i)
    CHECK(attempt("guess") == 401);
  CHECK(rig.count<Log>() <= 2); // one line a second
  for (int i = 0; i < 10; ++i)
    CHECK(attempt("secret") == 403);
  Phone same("same");
  rig.receive(same.invite());
  CHECK(rig.status() == 100);
  rig.advance(61s);
  CHECK(attempt("secret") == 200);
}

TEST_CASE("OPTIONS") {
  Rig rig;
  Phone phone;
  rig.receive(phone.request("OPTIONS", 1));
  CHECK(rig.status() == 200);
  CHECK(rig.header("Allow").find("INVITE") != std::string::npos);
  CHECK(rig.header("Accept").find("application/sdp") != std::string::npos);
  CHECK(rig.header("Supported") == "timer, 100rel, replaces");
  CHECK(rig.body().empty());
}

TEST_CASE("SUBSCRIBE to presence and message-summary: 200, and a NOTIFY each time") {
  Rig rig;
  for (const std::string event : {"presence", "message-summary"}) {
    Phone phone(event);
    rig.sent.clear();
    rig.receive(phone.request("SUBSCRIBE", 1, "Event: " + event + "\r\nExpires: 600\r\n"));
    REQUIRE(rig.sent.size() == 2);
    CHECK(rig.sent[0].bytes.starts_with("SIP/2.0 200"));
    CHECK(rig.sent[0].bytes.find("Expires: 600\r\n") != std::string::npos);
    CHECK(rig.sent[1].bytes.starts_with("NOTIFY sip:alice@127.0.0.1:5070;ob SIP/2.0\r\n"));
    CHECK(rig.header("Subscription-State") == "active;expires=600");
    CHECK(rig.header("Event") == event);
    CHECK(rig.body().find(event == "presence" ? "open" : "Messages-Waiting: no") != std::string::npos);
    const std::string first_cseq = rig.header("CSeq");
    rig.receive(Phone::response(rig.sent[1].bytes, 200));
    phone.to_tag = std::string(sip::MessageView::parse(rig.sent[0].bytes)->to_tag());
    rig.advance(500s);
    rig.receive(phone.request("SUBSCRIBE", 2, "Event: " + event + "\r\nExpires: 0\r\n"));
    CHECK(rig.header("Subscription-State") == "terminated;reason=timeout");
    CHECK(std::stoul(rig.header("CSeq")) > std::stoul(first_cseq));
    CHECK(rig.header("From").find(phone.to_tag) != std::string::npos);
    rig.receive(Phone::response(rig.sent.back().bytes, 200));
  }
  CHECK(rig.clean());
}

TEST_CASE("SUBSCRIBE to anything else: 489") {
  Rig rig;
  Phone phone;
  rig.receive(phone.request("SUBSCRIBE", 1, "Event: conference\r\n"));
  CHECK(rig.status() == 489);
  CHECK(rig.header("Allow-Events") == "presence, message-summary");
  rig.receive(phone.request("SUBSCRIBE", 2));
  CHECK(rig.status() == 489);
}

TEST_CASE("NOTIFY, MESSAGE, REFER and dialog methods outside of one") {
  Rig rig;
  Phone phone;
  const auto status = [&](std::string_view method, std::string_view extra = {}, std::string_view body = {},
                          std::string_view type = "text/plain") {
    static int cseq = 0;
    rig.receive(phone.request(method, ++cseq, extra, body, type));
    return rig.status();
  };
  CHECK(status("NOTIFY", "Event: keep-alive\r\n") == 200);
  CHECK(status("NOTIFY", "Event: message-summary\r\n") == 481);
  CHECK(status("MESSAGE", "", "hello") == 200);
  CHECK(rig.last<Log>()->line.starts_with("sip.message "));
  CHECK(status("REFER", "Refer-To: <sip:x@y>\r\n") == 603);
  CHECK(status("BYE") == 481);
  CHECK(status("INFO") == 481);
  CHECK(status("UPDATE") == 481);
  CHECK(status("PRACK", "RAck: 1 1 INVITE\r\n") == 481);
  CHECK(status("CANCEL") == 481);
  CHECK(status("PUBLISH", "Event: presence\r\n") == 405);
  CHECK(status("FROBNICATE") == 501);
}

TEST_CASE("bad input gets its code") {
  Rig rig;
  const auto status = [&rig](std::string_view from, std::string_view to, std::string_view extra = {}) {
    static int n = 0;
    Phone phone("bad" + std::to_string(++n));
    std::string text = phone.invite(1, kOffer, extra);
    if (const auto at = text.find(from); !from.empty() && at != std::string::npos)
      text.replace(at, from.size(), to);
    rig.receive(text);
    return rig.status();
  };
  CHECK(status("", "", "Require: magic\r\n") == 420);
  CHECK(rig.header("Unsupported") == "magic");
  CHECK(status("application/sdp", "text/html") == 415);
  CHECK(status("INVITE sip:100@", "INVITE ftp:100@") == 416);
  CHECK(status("SIP/2.0\r\n", "SIP/3.0\r\n") == 505);
  CHECK(status("1 INVITE\r\n", "1 BYE\r\n") == 400);
  CHECK(status("Contact: \"Alice\" <sip:alice@127.0.0.1:5070;ob>", "Contact: <http://x>") == 400);
  CHECK(rig.count<IncomingCall>() == 0);
  CHECK(rig.clean());
}

} // namespace
} // namespace talky::call::test
