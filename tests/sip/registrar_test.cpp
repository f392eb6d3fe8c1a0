#include "sip/registrar.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <string>
#include <vector>

#include "fixtures.hpp"

using namespace talky;
using namespace talky::sip;
using namespace talky::sip::test;

namespace {

const std::string kAor = "sip:alice@x";

struct Bench {
  Registrar registrar;
  int cseq = 0;
  std::string call_id = "reg-1";
  Flow flow = udp();

  explicit Bench(const Registrar::Config& config = {}) : registrar(config) {}

  Message send(std::vector<std::pair<std::string, std::string>> fields, Time now = kStart,
               const std::string& key = kAor) {
    Request r = request("REGISTER", std::to_string(++cseq));
    r.contact.clear();
    r.call_id = call_id;
    r.more = std::move(fields);
    return registrar.receive(*r.incoming(flow, now), key, proved, "t1", now);
  }
  bool proved = false; // who it is
  std::vector<RegistrarChange::Kind> changes() {
    std::vector<RegistrarChange::Kind> out;
    while (const auto change = registrar.poll())
      out.push_back(change->kind);
    return out;
  }
};

int status(const Message& m) {
  return m.view()->status();
}

std::vector<std::string> contacts(const Message& m) {
  std::vector<std::string> out;
  const auto view = m.view();
  for (const std::string_view value : view->values(HeaderId::contact))
    out.emplace_back(value);
  return out;
}

using Kind = RegistrarChange::Kind;
using List = std::vector<std::string>;

} // namespace

TEST_CASE("register, query, refresh, remove") {
  Bench b;
  const Message first =
      b.send({{"Contact", "<sip:alice@192.0.2.7:5060;ob>;q=0.5"}, {"Expires", "600"}, {"User-Agent", "X"}});
  CHECK(status(first) == 200);
  CHECK(contacts(first) == List{"<sip:alice@192.0.2.7:5060;ob>;q=0.5;expires=600"});
  CHECK(first.view()->to_tag() == "t1");
  CHECK(b.changes() == std::vector{Kind::added});

  const auto bindings = b.registrar.lookup(kAor);
  REQUIRE(bindings.size() == 1);
  CHECK(bindings[0].contact == "sip:alice@192.0.2.7:5060;ob");
  CHECK(bindings[0].flow == udp());
  CHECK(bindings[0].q == 500);
  CHECK(bindings[0].user_agent == "X");
  CHECK(b.registrar.knows_source(udp().remote.ip));
  CHECK_FALSE(b.registrar.knows_source(*IpAddress::parse("203.0.113.1")));

  CHECK(contacts(b.send({}, kStart + 100s)) == List{"<sip:alice@192.0.2.7:5060;ob>;q=0.5;expires=500"});
  CHECK(b.changes().empty());

  b.flow = udp("192.0.2.7:41234"); // the same contact from another port: NAT has rebound
  b.send({{"Contact", "<sip:alice@192.0.2.7:5060;ob>"}, {"Expires", "600"}}, kStart + 200s);
  CHECK(b.changes() == std::vector{Kind::refreshed});
  CHECK(b.registrar.lookup(kAor)[0].flow.remote.port == 41234);
  CHECK(b.registrar.lookup(kAor)[0].expires == kStart + 800s);

  CHECK(contacts(b.send({{"Contact", "<sip:alice@192.0.2.7:5060;ob>;expires=0"}})).empty());
  CHECK(b.changes() == std::vector{Kind::removed});
  CHECK(b.registrar.size() == 0);
  CHECK_FALSE(b.registrar.knows_source(udp().remote.ip));
}

TEST_CASE("expiry: the parameter, then the field, then the default; between min and max") {
  Bench b;
  CHECK(contacts(b.send({{"Contact", "<sip:a@x>;expires=100, <sip:b@x>"}, {"Expires", "200"}})) ==
        List{"<sip:a@x>;expires=100", "<sip:b@x>;expires=200"});
  Bench d;
  CHECK(contacts(d.send({{"Contact", "<sip:a@x>"}})) == List{"<sip:a@x>;expires=3600"});
  CHECK(contacts(d.send({{"Contact", "<sip:a@x>;expires=x"}})) == List{"<sip:a@x>;expires=3600"});
  CHECK(contacts(d.send({{"Contact", "<sip:a@x>;expires=99999999999999"}})) ==
        List{"<sip:a@x>;expires=7200"});
  const Message brief = d.send({{"Contact", "<sip:a@x>;expires=59"}});
  CHECK(status(brief) == 423);
  CHECK(brief.view()->value(HeaderId::min_expires) == "60");
  CHECK(d.registrar.lookup(kAor).size() == 1);
}

TEST_CASE("bindings expire at their time") {
  Bench b;
  b.send({{"Contact", "<sip:a@x>;expires=100, <sip:b@x>;expires=200"}});
  b.changes();
  CHECK(b.registrar.deadline() == kStart + 100s);
  b.registrar.expire(kStart + 99s);
  CHECK(b.changes().empty());
  b.registrar.expire(kStart + 100s);
  CHECK(b.changes() == std::vector{Kind::expired});
  CHECK(b.registrar.lookup(kAor).size() == 1);
  CHECK(contacts(b.send({}, kStart + 150s)) == List{"<sip:b@x>;expires=50"});
  b.registrar.expire(kStart + 200s);
  CHECK(b.registrar.size() == 0);
  CHECK_FALSE(b.registrar.deadline().has_value());
}

TEST_CASE("a refresh moves the expiry") {
  Bench b;
  b.send({{"Contact", "<sip:a@x>;expires=100"}});
  b.send({{"Contact", "<sip:a@x>;expires=100"}}, kStart + 90s);
  CHECK(b.registrar.deadline() == kStart + 190s);
  b.registrar.expire(kStart + 100s);
  CHECK(b.registrar.lookup(kAor).size() == 1);
  b.registrar.expire(kStart + 190s);
  CHECK(b.registrar.size() == 0);
}

TEST_CASE("Contact: * removes all, and only with Expires: 0 and alone") {
  Bench b;
  b.send({{"Contact", "<sip:a@x>, <sip:b@x>"}});
  b.changes();
  CHECK(status(b.send({{"Contact", "*"}})) == 400);
  CHECK(status(b.send({{"Contact", "*"}, {"Expires", "60"}})) == 400);
  CHECK(status(b.send({{"Contact", "*, <sip:c@x>"}, {"Expires", "0"}})) == 400);
  CHECK(b.registrar.lookup(kAor).size() == 2);
  const Message all = b.send({{"Contact", "*"}, {"Expires", "0"}});
  CHECK(status(all) == 200);
  CHECK(contacts(all).empty());
  CHECK(b.changes() == std::vector{Kind::removed, Kind::removed});
}

TEST_CASE("order within a Call-ID (RFC 3261 10.3)") {
  Bench b;
  b.cseq = 10;
  b.send({{"Contact", "<sip:a@x>"}});
  b.cseq = 5;
  CHECK(status(b.send({{"Contact", "<sip:a@x>;expires=0"}})) == 500);
  CHECK(b.registrar.lookup(kAor).size() == 1);
  b.cseq = 5;
  CHECK(status(b.send({{"Contact", "*"}, {"Expires", "0"}})) == 500);
  // A phone that was started anew has another Call-ID and begins at 1.
  b.call_id = "reg-2";
  b.cseq = 0;
  CHECK(status(b.send({{"Contact", "<sip:a@x>;expires=0"}})) == 200);
  CHECK(b.registrar.size() == 0);
}

TEST_CASE("all or nothing") {
  Bench b;
  b.send({{"Contact", "<sip:a@x>"}});
  CHECK(status(b.send({{"Contact", "<sip:b@x>, <sip:c@x>;expires=5"}})) == 423);
  CHECK(b.registrar.lookup(kAor).size() == 1);
}

TEST_CASE("the same phone at a new address (RFC 5626 instance)") {
  Bench b;
  b.send({{"Contact", "<sip:a@192.0.2.1>;+sip.instance=\"<urn:uuid:1>\";reg-id=1"}});
  b.changes();
  b.send({{"Contact", "<sip:a@192.0.2.2>;+sip.instance=\"<urn:uuid:1>\";reg-id=1"}});
  CHECK(b.registrar.lookup(kAor).size() == 1);
  CHECK(b.registrar.lookup(kAor)[0].contact == "sip:a@192.0.2.2");
  CHECK(b.changes() == std::vector{Kind::refreshed});
  b.send({{"Contact", "<sip:a@192.0.2.3>;+sip.instance=\"<urn:uuid:1>\";reg-id=2"}});
  CHECK(b.registrar.lookup(kAor).size() == 2);
}

TEST_CASE("the order of lookup: q, then the latest") {
  Bench b;
  b.send({{"Contact", "<sip:a@x>;q=0.2"}});
  b.send({{"Contact", "<sip:b@x>;q=0.9"}});
  b.send({{"Contact", "<sip:c@x>;q=0.2"}});
  const auto bindings = b.registrar.lookup(kAor);
  REQUIRE(bindings.size() == 3);
  CHECK(bindings[0].contact == "sip:b@x");
  CHECK(bindings[1].contact == "sip:c@x");
  CHECK(bindings[2].contact == "sip:a@x");
  CHECK(b.registrar.lookup("sip:nobody@x").empty());
}

TEST_CASE("caps") {
  Bench b({.max_aors = 2, .max_bindings = 2});
  CHECK(status(b.send({{"Contact", "<sip:a@x>, <sip:b@x>, <sip:c@x>"}})) == 503);
  CHECK(b.registrar.size() == 0);
  CHECK(status(b.send({{"Contact", "<sip:a@x>, <sip:b@x>"}})) == 200);
  CHECK(status(b.send({{"Contact", "<sip:a@x>"}}, kStart, "sip:bob@x")) == 200);
  CHECK(status(b.send({{"Contact", "<sip:a@x>"}}, kStart, "sip:carol@x")) == 503);
  CHECK(status(b.send({}, kStart, "sip:carol@x")) == 200); // asking is free
  CHECK(status(b.send({{"Contact", "<sip:c@x>, <sip:a@x>;expires=0"}})) == 200);
}

TEST_CASE(
    "a binding over TCP lives until it expires; once its connection is gone its contact is connected to") {
  Bench b;
  b.flow = tcp(7);
  b.send({{"Contact", "<sip:a@192.0.2.9:5080;transport=tcp>;expires=600"}});
  b.flow = tcp(8);
  b.send({{"Contact", "<sip:b@phone.invalid;transport=tcp>;expires=600"}});
  b.changes();
  b.registrar.flow_closed(9);
  CHECK(b.changes().empty());
  CHECK(b.registrar.is_registered(tcp(7), "alice"));
  b.registrar.flow_closed(7);
  b.registrar.flow_closed(8);
  CHECK(b.changes() == std::vector{Kind::moved, Kind::moved});
  CHECK_FALSE(
      b.registrar.is_registered(tcp(7), "alice")); // whoever has that connection next is somebody else
  const auto bindings = b.registrar.lookup(kAor);
  REQUIRE(bindings.size() == 2);
  CHECK(bindings[1].flow.connection == 0);
  CHECK(bindings[1].flow.remote == *Endpoint::parse("192.0.2.9:5080"));
  CHECK(bindings[0].flow.connection == 0);
  CHECK(bindings[0].flow.remote == tcp(8).remote);
  b.registrar.expire(kStart + 600s);
  CHECK(b.registrar.size() == 0);
}

TEST_CASE("a phone that comes back over TCP again and again does not run into the cap of its own past") {
  Bench b({.max_bindings = 3});
  for (std::uint64_t i = 1; i <= 20; ++i) {
    b.flow = tcp(i);
    CHECK(status(b.send(
              {{"Contact", "<sip:a@192.0.2.7:" + std::to_string(40'000 + i) + ";transport=tcp>"}})) == 200);
    b.registrar.flow_closed(i);
  }
  CHECK(b.registrar.lookup(kAor).size() == 3);
}

TEST_CASE("who is registered over a flow") {
  Bench b;
  b.send({{"Contact", "<sip:a@x>"}});
  CHECK(b.registrar.is_registered(udp(), "alice"));
  CHECK_FALSE(b.registrar.is_registered(udp(), "bob"));
  CHECK_FALSE(b.registrar.is_registered(udp(), "alic"));
  CHECK_FALSE(b.registrar.is_registered(udp("192.0.2.7:40001"), "alice"));
  CHECK_FALSE(b.registrar.is_registered(udp("192.0.2.8:40000"), "alice"));
  CHECK_FALSE(b.registrar.is_registered(tcp(), "alice"));
}

TEST_CASE("one address cannot fill the table, unless each user of it has a password") {
  Bench b({.max_bindings_per_source = 3});
  const auto try_user = [&b](const std::string& user) {
    return status(b.send({{"Contact", "<sip:a@x>"}}, kStart, "sip:" + user + "@x"));
  };
  for (const char* user : {"a", "b", "c"})
    CHECK(try_user(user) == 200);
  CHECK(try_user("d") == 503);
  CHECK(try_user("c") == 200); // a refresh
  b.flow = udp("192.0.2.200:40000");
  CHECK(try_user("d") == 200);
  b.flow = udp();
  b.proved = true;
  CHECK(try_user("e") == 200);
}

TEST_CASE("what a registration may hold is bounded") {
  Bench b;
  const auto contact = [&b](std::size_t bytes) {
    return status(b.send({{"Contact", "<sip:a@x;p=" + std::string(bytes, 'x') + ">"}}));
  };
  CHECK(contact(900) == 200);
  CHECK(contact(1'100) == 400);
  CHECK(status(b.send({{"Contact", "<sip:a@x>;p=" + std::string(1'100, 'x')}})) == 400);
  CHECK(status(b.send({{"Contact", "<sip:a@x>"}}, kStart, "sip:" + std::string(300, 'u') + "@x")) == 400);
  CHECK(status(b.send({{"Contact", "<sip:a@x>"}, {"User-Agent", std::string(20'000, 'u')}})) == 200);
  CHECK(b.registrar.lookup(kAor)[0].user_agent == std::string(128, 'u'));
  b.call_id = std::string(300, 'c');
  CHECK(status(b.send({{"Contact", "<sip:a@x>"}})) == 400);
}

TEST_CASE("a user is one, whatever the domain") {
  Bench b;
  const auto aor = [&b](const char* to) { return b.registrar.aor_of(*Uri::parse(to)); };
  CHECK(aor("sip:alice@elsewhere") == "sip:alice@elsewhere");
  b.send({{"Contact", "<sip:a@x>"}});
  CHECK(aor("sip:alice@elsewhere") == kAor);
  CHECK(aor("sip:%61lice@X") == kAor);
  CHECK(aor("sip:alicia@elsewhere") == "sip:alicia@elsewhere");
}

TEST_CASE("broken contacts") {
  Bench b;
  CHECK(status(b.send({{"Contact", "sip:a@x?b=c"}})) == 400);
  CHECK(status(b.send({{"Contact", "<sip:a@"}})) == 400);
  CHECK(b.registrar.size() == 0);
}

TEST_CASE(
    "property: after any series of REGISTERs all bindings lie in the future and no contact stands twice") {
  CHECK(rc::check([] {
    Bench b({.max_bindings = 5});
    Time now = kStart;
    const auto steps = *rc::gen::container<std::vector<std::tuple<int, int, int>>>(
        rc::gen::tuple(rc::gen::inRange(0, 8), rc::gen::inRange(0, 300), rc::gen::inRange(0, 200)));
    for (const auto& [contact, expires, wait] : steps) {
      now += std::chrono::seconds(wait);
      const std::string uri = "<sip:" + std::to_string(contact) + "@x>;expires=" + std::to_string(expires);
      b.send({{"Contact", uri}}, now);
      const auto bindings = b.registrar.lookup(kAor);
      RC_ASSERT(bindings.size() <= 5u);
      for (std::size_t i = 0; i < bindings.size(); ++i) {
        RC_ASSERT(bindings[i].expires > now);
        for (std::size_t j = 0; j < i; ++j)
          RC_ASSERT(bindings[i].contact != bindings[j].contact);
      }
      RC_ASSERT(b.registrar.knows_source(udp().remote.ip) == !bindings.empty());
    }
    b.registrar.expire(now + 10h);
    RC_ASSERT(b.registrar.size() == 0u);
    RC_ASSERT(!b.registrar.deadline().has_value());
  }));
}
