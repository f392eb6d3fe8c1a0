// What a UserAgent does as one of several of the same server, and for whom it answers at all.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "call/rig.hpp"

namespace talky::call::test {
namespace {

TEST_CASE("sips: asks for TLS on every hop: 416") {
  Rig rig;
  Phone phone;
  phone.uri = "sips:100@127.0.0.1:5060";
  rig.receive(phone.invite());
  CHECK(rig.status() == 416);
  CHECK(rig.count<IncomingCall>() == 0);
}

TEST_CASE("no hop left: what is ours is served, what is somebody else's gets 483") {
  const auto status = [](std::string_view uri, int hops) {
    Config config;
    config.hosts = {"localhost", "pbx.example"};
    Rig rig(config);
    Phone phone;
    phone.uri = uri;
    std::string text = phone.request("OPTIONS", 1);
    text.replace(text.find("Max-Forwards: 70"), 16, fmt::format("Max-Forwards: {}", hops));
    rig.receive(text);
    return rig.status();
  };
  for (const char* ours :
       {"sip:100@127.0.0.1:5060", "sip:127.0.0.1", "sip:100@LOCALHOST", "sip:1@pbx.example:5080"}) {
    CAPTURE(ours);
    CHECK(status(ours, 0) == 200);
  }
  for (const char* other : {"sip:user@example.com", "sip:100@192.0.2.1", "sip:[2001:db8::1]"}) {
    CAPTURE(other);
    CHECK(status(other, 0) == 483);
    CHECK(status(other, 1) == 200); // by courtesy: phones behind NAT know no name of ours
  }
}

TEST_CASE("a TCP peer that stops inside a message is closed, and one that is only silent is not") {
  Rig rig;
  Phone phone("slow", "TCP");
  const std::string options = phone.request("OPTIONS", 1);
  rig.receive(options, tcp(1));
  CHECK(rig.status() == 200);
  rig.receive(options.substr(0, 100), tcp(2, 40002));
  rig.advance(31s);
  CHECK(rig.count<CloseFlow>() == 0);
  rig.receive(options.substr(100, 20), tcp(2, 40002)); // dripping does not help
  rig.advance(2s);
  REQUIRE(rig.count<CloseFlow>() == 1);
  CHECK(rig.last<CloseFlow>()->flow.connection == 2);
  rig.advance(100s);
  CHECK(rig.count<CloseFlow>() == 1);
}

// Two of one server: each tells the other who is registered, and they count their calls together.
struct Pair {
  CallCounter counter;
  Rig a, b;

  explicit Pair(std::size_t most = 100, std::size_t most_per_source = 100)
      : counter(most, most_per_source), a(config()), b(config()) {}
  Config config() {
    Config config;
    config.admit = [this](const IpAddress& source) { return counter.enter(source); };
    config.release = [this](const IpAddress& source) { counter.leave(source); };
    config.find_user = [](std::string_view user, std::string_view realm, sip::DigestAlgorithm algorithm) {
      return std::optional(sip::digest_ha1(algorithm, user, realm, "secret"));
    };
    config.digest_key = "0123456789abcdef";
    return config;
  }
};

// REGISTER with the right answer to the challenge.
void register_alice(Rig& rig, Phone& phone, int expires) {
  phone.uri = "sip:127.0.0.1:5060";
  phone.to = "<sip:alice@127.0.0.1>";
  const std::string extra = fmt::format("Expires: {}\r\n", expires);
  static int cseq = 0;
  rig.receive(phone.request("REGISTER", ++cseq, extra));
  REQUIRE(rig.status() == 401);
  sip::DigestClient digest("alice", "secret");
  REQUIRE(digest.receive(*sip::MessageView::parse(rig.sent.back().bytes), false));
  const std::string answer = digest.authorization("REGISTER", phone.uri, "0a4f113b");
  rig.receive(phone.request("REGISTER", ++cseq, extra + "Authorization: " + answer + "\r\n"));
  REQUIRE(rig.status() == 200);
}

TEST_CASE("a phone that has registered with one is known to the other") {
  Pair pair;
  Phone stranger("s1");
  pair.b.receive(stranger.invite());
  CHECK(pair.b.status() == 401);
  Phone phone("r1");
  register_alice(pair.a, phone, 60);
  REQUIRE(pair.a.last<RegistrationChanged>() != nullptr);
  pair.b.agent.learn(*pair.a.last<RegistrationChanged>(), pair.b.now);
  pair.b.drain();
  CHECK(pair.b.count<RegistrationChanged>() == 0); // it has been told once
  Phone caller("c1");
  pair.b.receive(caller.invite());
  CHECK(pair.b.status() == 100);
  CHECK(pair.b.last<IncomingCall>()->registered);
  const auto uri = sip::Uri::parse("sip:alice@127.0.0.1");
  REQUIRE(pair.b.agent.locate(*uri, false));
  CHECK(pair.b.agent.locate(*uri, false)->contact == "sip:alice@127.0.0.1:5070;ob");
  CHECK_FALSE(pair.b.agent.locate(*sip::Uri::parse("sip:alice@elsewhere"), false));
  CHECK(pair.b.agent.locate(*sip::Uri::parse("sip:alice@elsewhere"), true));
  CHECK_FALSE(pair.b.agent.locate(*sip::Uri::parse("sip:alic@127.0.0.1"), true));
  // It goes as it came: told by the first, or by itself when its time is over.
  register_alice(pair.a, phone, 0);
  pair.b.agent.learn(*pair.a.last<RegistrationChanged>(), pair.b.now);
  CHECK_FALSE(pair.b.agent.locate(*uri, true));
  register_alice(pair.a, phone, 60);
  pair.b.agent.learn(*pair.a.last<RegistrationChanged>(), pair.b.now);
  pair.b.advance(61s);
  CHECK_FALSE(pair.b.agent.locate(*uri, true));
  CHECK(pair.b.count<RegistrationChanged>() == 0);
}

TEST_CASE("the caps hold for both together") {
  const auto known = [](Rig& rig) {
    RegistrationChanged change;
    change.aor = "sip:alice@127.0.0.1";
    change.contact = "sip:alice@127.0.0.1:5070";
    change.flow = udp();
    change.expires_s = 3600;
    rig.agent.learn(change, rig.now);
  };
  const auto call = [](Rig& rig, const char* id) {
    Phone phone(id);
    rig.receive(phone.invite());
    return rig.status();
  };
  Pair total(3, 100);
  known(total.a);
  known(total.b);
  CHECK(call(total.a, "1") == 100);
  CHECK(call(total.b, "2") == 100);
  CHECK(call(total.a, "3") == 100);
  CHECK(call(total.b, "4") == 503);
  REQUIRE(total.a.agent.reject(total.a.call(), 486, "", total.a.now));
  total.a.drain();
  CHECK(call(total.b, "5") == 100);
  InviteOptions out;
  out.target = "sip:bob@127.0.0.1:5090";
  out.flow = udp();
  out.media = kServerMedia;
  CHECK(total.a.agent.invite(out, total.a.now).error().code == Errc::too_large);

  Pair source(100, 2);
  known(source.a);
  known(source.b);
  CHECK(call(source.a, "1") == 100);
  CHECK(call(source.b, "2") == 100);
  CHECK(call(source.a, "3") == 486);
  // What is refused is not counted.
  CHECK(call(source.b, "4") == 486);
  REQUIRE(source.a.agent.reject(source.a.call(), 486, "", source.a.now));
  source.a.drain();
  CHECK(call(source.b, "5") == 100);
}

} // namespace
} // namespace talky::call::test
