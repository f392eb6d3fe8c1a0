#include "sip/digest.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>

#include "fixtures.hpp"
#include "sip/builder.hpp"

using namespace talky;
using namespace talky::sip;
using namespace talky::sip::test;

namespace {

using Outcome = DigestServer::Outcome;

DigestServer server() {
  return DigestServer({.realm = "talky", .key = "0123456789abcdef", .max_nonces = 3});
}

std::optional<std::string> lookup(std::string_view user, std::string_view realm, DigestAlgorithm algorithm) {
  if (without_realm(user, realm) != "alice") return std::nullopt;
  return digest_ha1(algorithm, user, realm, "wonder\"land");
}

// A REGISTER with this Authorization.
DigestServer::Verdict verify(DigestServer& digest, const std::string& authorization, Time now = kStart,
                             const std::string& method = "REGISTER") {
  Request r = request(method);
  if (!authorization.empty()) r.more = {{"Authorization", authorization}};
  return digest.verify(r.incoming()->view(), lookup, now);
}

// A client that has been challenged by the server.
DigestClient challenged(const DigestServer& digest, std::string user = "alice",
                        std::string password = "wonder\"land", Time now = kStart) {
  DigestClient client(std::move(user), std::move(password));
  const Message challenge = digest.challenge(*request("REGISTER").incoming(), now, false, "t1");
  REQUIRE(client.receive(*challenge.view(), false));
  return client;
}

std::string credentials(DigestClient& client) {
  return client.authorization("REGISTER", "sip:100@198.51.100.1", "c0ffee");
}

} // namespace

TEST_CASE("hashes") {
  CHECK(digest_hash(DigestAlgorithm::md5, "") == "d41d8cd98f00b204e9800998ecf8427e");
  CHECK(digest_hash(DigestAlgorithm::sha256, "abc") ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(to_digest_algorithm("sha-256") == DigestAlgorithm::sha256);
  CHECK(to_digest_algorithm("") == DigestAlgorithm::md5);
  CHECK_FALSE(to_digest_algorithm("MD5-sess").has_value());
}

TEST_CASE("the example of RFC 2617 3.5") {
  const std::string ha1 = digest_ha1(DigestAlgorithm::md5, "Mufasa", "testrealm@host.com", "Circle Of Life");
  CHECK(ha1 == "939e7578ed9e3c518a452acee763bce9");
  DigestInput in{
      DigestAlgorithm::md5, ha1, "dcd98b7102dd2f0e8b11d0f600bfb0c093", "00000001", "0a4f113b", "auth", "GET",
      "/dir/index.html"};
  CHECK(digest_response(in) == "6629fae49393a05397450978507c4ef1");
  in.qop = "";
  CHECK(digest_response(in) == "670fd8c2df070c60b045671b8b24ff02"); // the form of RFC 2069
}

TEST_CASE("the examples of RFC 7616 3.9.1") {
  for (const auto& [algorithm, expected] :
       {std::pair{DigestAlgorithm::md5, "8ca523f5e9506fed4657c9700eebdbec"},
        std::pair{DigestAlgorithm::sha256,
                  "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"}}) {
    const std::string ha1 = digest_ha1(algorithm, "Mufasa", "http-auth@example.org", "Circle of Life");
    const DigestInput in{algorithm,
                         ha1,
                         "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
                         "00000001",
                         "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
                         "auth",
                         "GET",
                         "/dir/index.html"};
    CHECK(digest_response(in) == expected);
  }
}

TEST_CASE("client and server agree, with either algorithm") {
  for (const DigestAlgorithm algorithm : {DigestAlgorithm::md5, DigestAlgorithm::sha256}) {
    DigestServer digest({.realm = "talky", .key = "0123456789abcdef", .algorithms = {algorithm}});
    DigestClient client = challenged(digest);
    CHECK(client.field() == HeaderId::authorization);
    for (int i = 0; i < 3; ++i) {
      const auto verdict = verify(digest, credentials(client));
      CHECK(verdict.outcome == Outcome::accepted);
      CHECK(verdict.user == "alice");
    }
  }
}

TEST_CASE("the strongest challenge is taken") {
  DigestServer digest = server();
  const Message challenge = digest.challenge(*request("REGISTER").incoming(), kStart, false, "t1");
  CHECK(challenge.view()->status() == 401);
  CHECK(challenge.view()->count(HeaderId::www_authenticate) == 2);
  DigestClient client = challenged(digest);
  CHECK(credentials(client).find("algorithm=SHA-256") != std::string::npos);
}

TEST_CASE("no, foreign and broken credentials") {
  DigestServer digest = server();
  CHECK(verify(digest, "").outcome == Outcome::missing);
  CHECK(verify(digest, "NoOneKnowsThisScheme opaque-data=here").outcome ==
        Outcome::missing); // RFC 4475 3.3.7
  CHECK(verify(digest, "Digest username=\"a\", realm=\"other\", nonce=\"n\", uri=\"u\", response=\"r\"")
            .outcome == Outcome::missing);
  CHECK(verify(digest, "Digest").outcome == Outcome::malformed);
  CHECK(verify(digest, "Digest realm=\"talky").outcome == Outcome::malformed);
  CHECK(verify(digest, "Digest realm=\"talky\", username=\"alice\"").outcome == Outcome::malformed);
  DigestClient client = challenged(digest);
  const auto changed = [&](const std::string& from, const std::string& to) {
    std::string text = credentials(client);
    const std::size_t at = text.find(from);
    REQUIRE(at != std::string::npos);
    return verify(digest, text.replace(at, from.size(), to)).outcome;
  };
  CHECK(changed("qop=auth", "qop=auth-int") == Outcome::malformed);
  CHECK(changed("nc=0000000", "nc=00000000") == Outcome::malformed);
  CHECK(changed("nc=0000000", "nc=x") == Outcome::malformed);
  CHECK(changed("cnonce=\"c0ffee\"", "cnonce=\"\"") == Outcome::malformed);
  CHECK(changed(", qop=auth", "") == Outcome::rejected);
  CHECK(changed("algorithm=SHA-256", "algorithm=SHA-512") == Outcome::missing);
  CHECK(changed("algorithm=SHA-256", "algorithm=MD5") == Outcome::rejected);
  CHECK(changed("response=\"", "response=\"0") == Outcome::rejected);
}

TEST_CASE("a wrong user, password, method or URI") {
  DigestServer digest = server();
  DigestClient wrong = challenged(digest, "alice", "guess");
  CHECK(verify(digest, credentials(wrong)).outcome == Outcome::rejected);
  DigestClient nobody = challenged(digest, "bob");
  CHECK(verify(digest, credentials(nobody)).outcome == Outcome::rejected);
  CHECK(verify(digest, credentials(nobody)).user == "bob");
  DigestClient right = challenged(digest);
  CHECK(verify(digest, credentials(right), kStart, "INVITE").outcome == Outcome::rejected);
  std::string text = credentials(right);
  text.replace(text.find("sip:100@"), 8, "sip:101@");
  CHECK(verify(digest, text).outcome == Outcome::malformed);
}

TEST_CASE("old, foreign and used nonces are stale, but only for who knows the password") {
  DigestServer digest = server();
  DigestClient client = challenged(digest);
  const std::string once = credentials(client);
  CHECK(verify(digest, once, kStart + 299s).outcome == Outcome::accepted);
  CHECK(verify(digest, once, kStart + 299s).outcome == Outcome::stale); // a replay
  CHECK(verify(digest, credentials(client), kStart + 300s).outcome == Outcome::accepted);
  CHECK(verify(digest, credentials(client), kStart + 301s).outcome == Outcome::stale);

  DigestServer restarted({.realm = "talky", .key = "another key entirely"});
  CHECK(verify(restarted, credentials(client)).outcome == Outcome::stale);
  DigestClient wrong = challenged(digest, "alice", "guess");
  CHECK(verify(restarted, credentials(wrong)).outcome == Outcome::rejected);

  CHECK(digest.challenges(kStart, true)[0].find("stale=true") != std::string::npos);
  CHECK(digest.challenges(kStart, false)[0].find("stale") == std::string::npos);
  CHECK(digest.challenges(kStart, false)[0] != digest.challenges(kStart, false)[0]);
}

TEST_CASE("counts may overtake each other within a window, each serves once") {
  DigestServer digest = server();
  DigestClient client = challenged(digest);
  std::vector<std::string> all(100);
  for (std::string& one : all)
    one = credentials(client);
  CHECK(verify(digest, all[2]).outcome == Outcome::accepted);
  CHECK(verify(digest, all[0]).outcome == Outcome::accepted);
  CHECK(verify(digest, all[1]).outcome == Outcome::accepted);
  CHECK(verify(digest, all[1]).outcome == Outcome::stale);
  CHECK(verify(digest, all[99]).outcome == Outcome::accepted);
  CHECK(verify(digest, all[36]).outcome == Outcome::accepted);
  CHECK(verify(digest, all[35]).outcome == Outcome::stale); // too far behind to be remembered
  CHECK(verify(digest, all[99]).outcome == Outcome::stale);
}

TEST_CASE("nonces that had to be forgotten cannot be replayed") {
  DigestServer digest = server(); // remembers three
  DigestClient first = challenged(digest);
  const std::string once = credentials(first);
  CHECK(verify(digest, once).outcome == Outcome::accepted);
  for (int i = 1; i <= 6; ++i) {
    DigestClient other = challenged(digest, "alice", "wonder\"land", kStart + i * 1s);
    CHECK(verify(digest, credentials(other), kStart + i * 1s).outcome == Outcome::accepted);
  }
  CHECK(verify(digest, once, kStart + 7s).outcome == Outcome::stale);
}

// What a phone answers to a challenge of ours: `fields` are its own, before and with the response.
struct OldPhone {
  std::string user = "alice";
  std::string uri = "sip:100@198.51.100.1";
  std::string qop = {}, nc = {}, cnonce = {};

  std::string answer(const DigestServer& digest) const {
    const std::string nonce = AuthParams::parse(digest.challenges(kStart, false)[0])->get("nonce");
    const std::string ha1 = digest_ha1(DigestAlgorithm::md5, user, "talky", "wonder\"land");
    const std::string response =
        digest_response({DigestAlgorithm::md5, ha1, nonce, nc, cnonce, qop, "REGISTER", uri});
    std::string out =
        fmt::format(R"(Digest username="{}", realm="talky", nonce="{}", uri="{}", response="{}")", user,
                    nonce, uri, response);
    if (!qop.empty()) out += fmt::format(R"(, qop={}, nc={}, cnonce="{}")", qop, nc, cnonce);
    return out;
  }
};

TEST_CASE("old phones: no qop, which serves once for each nonce") {
  DigestServer digest = server();
  const std::string first = OldPhone{}.answer(digest);
  CHECK(verify(digest, first).outcome == Outcome::accepted);
  CHECK(verify(digest, first).outcome == Outcome::stale);
  CHECK(verify(digest, OldPhone{}.answer(digest)).outcome == Outcome::accepted);
}

TEST_CASE("old phones: a count of one digit") {
  DigestServer digest = server();
  const OldPhone phone{.qop = "auth", .nc = "1", .cnonce = "c0ffee"};
  const std::string once = phone.answer(digest);
  CHECK(verify(digest, once).outcome == Outcome::accepted);
  CHECK(verify(digest, once).outcome == Outcome::stale);
}

TEST_CASE("old phones: a user name with the realm is the user") {
  DigestServer digest = server();
  const auto verdict = verify(digest, OldPhone{.user = "alice@talky"}.answer(digest));
  CHECK(verdict.outcome == Outcome::accepted);
  CHECK(verdict.user == "alice");
  CHECK(verify(digest, OldPhone{.user = "alice@elsewhere"}.answer(digest)).outcome == Outcome::rejected);
  CHECK(verify(digest, OldPhone{.user = "@talky"}.answer(digest)).outcome == Outcome::rejected);
}

TEST_CASE("credentials are for the place that they name") {
  DigestServer digest = server();
  for (const char* same : {"sip:100@198.51.100.1:5060", "sip:100@198.51.100.1;transport=udp",
                           "sip:%31%30%30@198.51.100.1", "SIP:100@198.51.100.1"}) {
    CAPTURE(same);
    CHECK(verify(digest, OldPhone{.uri = same}.answer(digest)).outcome == Outcome::accepted);
  }
  for (const char* other : {"sip:101@198.51.100.1", "sip:198.51.100.1", "sip:100@198.51.100.2",
                            "sip:100@198.51.100.1:5070", "tel:100", "x"}) {
    CAPTURE(other);
    CHECK(verify(digest, OldPhone{.uri = other}.answer(digest)).outcome == Outcome::malformed);
  }
}

TEST_CASE("proxies ask by 407") {
  DigestServer digest = server();
  DigestClient client("alice", "wonder\"land");
  const Message challenge = digest.challenge(*Request().incoming(), kStart, false, "t1", 407);
  CHECK(challenge.view()->status() == 407);
  REQUIRE(client.receive(*challenge.view(), false));
  CHECK(client.field() == HeaderId::proxy_authorization);
  Request r;
  r.more = {{"Proxy-Authorization", client.authorization("INVITE", r.uri, "abc")}};
  CHECK(digest.verify(r.incoming()->view(), lookup, kStart, HeaderId::proxy_authorization).outcome ==
        Outcome::accepted);
}

TEST_CASE("a client does not ask for ever") {
  DigestServer digest = server();
  const auto challenge = [&](bool stale) {
    return digest.challenge(*request("REGISTER").incoming(), kStart, stale, "t");
  };
  DigestClient client("alice", "guess");
  CHECK_FALSE(client.ready());
  CHECK(client.receive(*challenge(false).view(), false));
  CHECK(client.ready());
  credentials(client);
  const Message again = challenge(false);
  const auto refused = client.receive(*again.view(), true);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::closed);
  CHECK(client.receive(*challenge(true).view(), true)); // stale is no refusal
  credentials(client);
  credentials(client);
  CHECK(client.receive(*challenge(false).view(), true)); // it served before, so it was the nonce
  CHECK(client.receive(*challenge(false).view(), false));

  const auto other = [&](const char* value) {
    const Message m = Builder::response(401).header(HeaderId::www_authenticate, value).build();
    return client.receive(*m.view(), false).has_value();
  };
  CHECK_FALSE(other("Basic realm=\"x\""));
  CHECK_FALSE(other("Digest realm=\"x\", nonce=\"n\", algorithm=SHA-512-256"));
  CHECK_FALSE(other("Digest realm=\"x\", nonce=\"n\", qop=\"auth-int\""));
  CHECK_FALSE(other("Digest realm=\"x\""));
  CHECK(other("Digest realm=\"x\", nonce=\"n\", qop=\"auth-int,auth\", opaque=\"o\""));
  CHECK(credentials(client).find("opaque=\"o\"") != std::string::npos);
  CHECK(other("Digest realm=\"x\", nonce=\"n\""));
  CHECK(credentials(client).find("qop") == std::string::npos);
}
