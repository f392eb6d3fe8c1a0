// The 49 messages of RFC 4475, each with the verdict that a UDP user agent server gives, and what the
// transaction layer then does with it.
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

#include "sip/status.hpp"
#include "sip/transaction_layer.hpp"
#include "sip/validate.hpp"

using namespace talky;
using namespace talky::sip;

namespace {

std::string corpus() {
  const char* const root = std::getenv("TALKY_CORPUS");
  return root == nullptr ? std::string() : std::string(root) + "/rfc4475";
}

std::string read(const std::string& name) {
  std::ifstream in(corpus() + "/" + name + ".dat", std::ios::binary);
  REQUIRE_MESSAGE(in, "cannot read " << name);
  return {std::istreambuf_iterator<char>(in), {}};
}

UasPolicy policy() {
  UasPolicy out;
  out.methods = {Method::invite,    Method::ack,    Method::bye,  Method::cancel, Method::options,
                 Method::register_, Method::update, Method::info, Method::message};
  out.extensions = {"timer", "100rel"};
  return out;
}

enum class End { accepted, rejected, dropped, unparsable };

struct Expected {
  const char* name;
  End end;
  int status = 0;              // of a rejection
  const char* field = nullptr; // "Name: value" that the reply must hold
};

// The verdicts of the table beside the corpus; where it leaves a choice, ours is the strict one.
constexpr Expected kTable[] = {
    {"wsinv", End::accepted},
    {"intmeth", End::rejected, 501, "Allow: INVITE, ACK"},
    {"esc01", End::accepted},
    {"escnull", End::accepted},
    {"esc02", End::rejected, 501},
    {"lwsdisp", End::accepted},
    {"longreq", End::accepted},
    {"dblreq", End::accepted},
    {"semiuri", End::accepted},
    {"transports", End::accepted},
    {"mpart01", End::accepted},
    {"unreason", End::accepted}, // a sound response, but a stray one
    {"noreason", End::accepted},
    {"badinv01", End::rejected, 400},
    {"clerr", End::rejected, 400},
    {"ncl", End::rejected, 400},
    {"scalar02", End::rejected, 400},
    {"scalarlg", End::dropped},
    {"quotbal", End::rejected, 400},
    {"ltgtruri", End::rejected, 400},
    {"lwsruri", End::rejected, 400},
    {"lwsstart", End::rejected, 400},
    {"trws", End::rejected, 400},
    {"escruri", End::rejected, 400},
    {"baddate", End::accepted},
    {"regbadct", End::rejected, 400},
    {"badaspec", End::rejected, 400},
    {"baddn", End::rejected, 400},
    {"badvers", End::rejected, 505},
    {"mismatch01", End::rejected, 400},
    {"mismatch02", End::rejected, 400},
    {"bigcode", End::unparsable},
    {"badbranch", End::accepted}, // as from an RFC 2543 peer
    {"insuf", End::rejected, 400},
    {"unkscm", End::rejected, 416},
    {"novelsc", End::rejected, 416},
    {"unksm2", End::rejected, 400},
    {"bext01", End::rejected, 420, "Unsupported: nothingSupportsThis, nothingSupportsThisEither"},
    {"invut", End::rejected, 415, "Accept: application/sdp"},
    {"regaut01", End::accepted}, // the digest says 401 (digest_test.cpp)
    {"multi01", End::rejected, 400},
    {"mcl01", End::rejected, 400},
    {"bcast", End::dropped},
    {"zeromf", End::accepted},
    {"cparam01", End::accepted},
    {"cparam02", End::accepted},
    {"regescrt", End::accepted},
    {"sdp01", End::rejected, 406},
    {"inv2543", End::accepted},
};

const Flow kFromPeer{Transport::udp, *Endpoint::parse("127.0.0.1:5060"), *Endpoint::parse("127.0.0.1:40000"),
                     0};

// What one datagram makes the layer do.
struct Outcome {
  int requests = 0, replies = 0, others = 0;
  std::string reply;
};

Outcome run(const std::string& bytes) {
  TransactionLayer layer({.policy = policy()}, Random::Seed{1, 2, 3, 4});
  layer.receive(kFromPeer, bytes, Time{});
  Outcome out;
  while (const auto output = layer.poll()) {
    if (const auto* const sent = std::get_if<Datagram>(&*output)) {
      ++out.replies;
      out.reply = sent->bytes;
      CHECK(sent->flow == kFromPeer);
    } else if (std::holds_alternative<RequestReceived>(*output)) {
      ++out.requests;
    } else if (!std::holds_alternative<MessageRefused>(*output)) {
      ++out.others;
    }
  }
  return out;
}

} // namespace

TEST_CASE("RFC 4475: every torture message gets its verdict") {
  if (corpus().empty()) {
    std::cout << "SKIPPED: TALKY_CORPUS is not set; the messages of RFC 4475 were not tried\n";
    return;
  }
  for (const Expected& expected : kTable) {
    SUBCASE(expected.name) {
      const std::string bytes = read(expected.name);
      const auto view = MessageView::parse(bytes);
      const Outcome outcome = run(bytes);
      CHECK(outcome.others == 0);

      if (expected.end == End::unparsable) {
        CHECK_FALSE(view.has_value());
        CHECK(outcome.requests + outcome.replies == 0);
        continue;
      }
      REQUIRE(view.has_value());
      const Verdict verdict = validate(*view, policy());
      INFO("reason: " << std::string(verdict.reason));
      switch (expected.end) {
        case End::accepted:
          CHECK(verdict.action == Verdict::Action::accept);
          CHECK(outcome.replies == 0); // it is the user's to answer, or a stray response
          CHECK(outcome.requests == (view->is_request() ? 1 : 0));
          break;
        case End::dropped:
          CHECK(verdict.action == Verdict::Action::drop);
          CHECK(outcome.requests + outcome.replies == 0);
          break;
        default: {
          CHECK(verdict.action == Verdict::Action::reject);
          CHECK(verdict.status == expected.status);
          CHECK(outcome.requests == 0);
          REQUIRE(outcome.replies == 1);
          CHECK(outcome.reply.starts_with("SIP/2.0 " + std::to_string(expected.status) + " "));
          CHECK(outcome.reply.find("\r\nVia: ") != std::string::npos);
          if (expected.field != nullptr) CHECK(outcome.reply.find(expected.field) != std::string::npos);
          const auto reply = MessageView::parse(outcome.reply);
          REQUIRE(reply.has_value());
          CHECK_FALSE(reply->defect().has_value());
          for (const HeaderId id : {HeaderId::call_id, HeaderId::cseq}) {
            CHECK(unfold(reply->value(id)) == unfold(view->value(id)));
          }
          if (view->to()) CHECK_FALSE(reply->to_tag().empty());
        }
      }
    }
  }
}

TEST_CASE("RFC 4475: the table names every message of the corpus") {
  if (corpus().empty()) return;
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(corpus()))
    files += entry.path().extension() == ".dat" ? 1u : 0u;
  CHECK(files == std::size(kTable));
  CHECK(files == 49);
}

TEST_CASE("RFC 4475: what the parser reads out of the hard ones") {
  if (corpus().empty()) return;

  SUBCASE("wsinv: folding, odd white space, compact forms, any case") {
    const std::string bytes = read("wsinv");
    const auto m = MessageView::parse(bytes);
    REQUIRE(m);
    CHECK(m->method() == Method::invite);
    CHECK(m->to_tag() == "1918181833n");
    CHECK(m->from_tag() == "98asjd8");
    CHECK(m->from()->display_name() == "J Rosenberg \\\"");
    CHECK(m->cseq()->number == 9);
    CHECK(m->value(HeaderId::max_forwards) == "0068");
    CHECK(m->value(HeaderId::subject).empty());
    CHECK(m->has(HeaderId::subject));
    std::vector<std::string> hosts;
    for (const std::string_view value : m->values(HeaderId::via)) {
      const auto via = Via::parse(value);
      REQUIRE(via);
      hosts.emplace_back(via->host);
    }
    CHECK(hosts == std::vector<std::string>{"192.0.2.2", "spindle.example.com", "192.168.255.111"});
    CHECK(m->top_via()->branch() == "390skdjuw");
    CHECK_FALSE(m->top_via()->is_rfc3261());
    CHECK(unfold(*m->find("NewFangledHeader")) == "newfangled value continued newfangled value");
    const auto contact = m->contact();
    REQUIRE(contact);
    CHECK(contact->display_name() == "Quoted string \"\"");
    CHECK(contact->params.get("q") == "0.33");
    CHECK(contact->params.get("newparam") == "newvalue");
    CHECK(contact->params.has("secondparam"));
    CHECK(m->body().size() == 150);
  }
  SUBCASE("intmeth: every character a token may have") {
    const std::string bytes = read("intmeth");
    const auto m = MessageView::parse(bytes);
    REQUIRE(m);
    CHECK(m->method() == Method::other);
    CHECK(m->method_text() == "!interesting-Method0123456789_*+`.%indeed'~");
    CHECK(m->cseq()->method_text == m->method_text());
    const auto uri = Uri::parse(m->request_uri());
    REQUIRE(uri);
    CHECK(uri->user == "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*");
    CHECK(uri->password == "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)");
    CHECK(uri->host == "example.com");
    CHECK(m->to()->display_name() == std::string("BEL:\a NUL:\0 DEL:\x7f", 17));
    CHECK(m->from_tag() == "_token~1'+`*%!-.");
  }
  SUBCASE("esc01: escapes are kept, and resolved on request") {
    const std::string bytes = read("esc01");
    const auto m = MessageView::parse(bytes);
    REQUIRE(m);
    CHECK(unescape(Uri::parse(m->request_uri())->user) == "sips:user@example.com");
    CHECK(unescape(m->to()->uri.user) == "user");
    const auto contact = m->contact();
    CHECK(contact->uri.params.get("%6C%72") == "");
    CHECK_FALSE(contact->uri.params.has("lr"));
  }
  SUBCASE("escnull: %00 does not end anything") {
    const std::string bytes = read("escnull");
    const auto m = MessageView::parse(bytes);
    REQUIRE(m);
    CHECK(unescape(m->to()->uri.user) == std::string("null-\0-null", 11));
    CHECK(m->count(HeaderId::contact) == 2);
  }
  SUBCASE("esc02: an escaped name is another name") {
    const std::string bytes = read("esc02");
    const auto m = MessageView::parse(bytes);
    REQUIRE(m);
    CHECK(m->method() == Method::other);
    CHECK(m->count(HeaderId::contact) == 2);
  }
  SUBCASE("dblreq: what follows the first request is not part of it") {
    const std::string bytes = read("dblreq");
    const auto m = MessageView::parse(bytes);
    REQUIRE(m);
    CHECK(m->method() == Method::register_);
    CHECK(m->body().empty());
    CHECK(m->extra() > 400);
  }
  SUBCASE("semiuri: a semicolon in the user part") {
    const std::string bytes = read("semiuri");
    const auto m = MessageView::parse(bytes);
    const auto uri = Uri::parse(m->request_uri());
    REQUIRE(uri);
    CHECK(unescape(uri->user) == "user;par=u@example.net");
    CHECK(uri->params.empty());
    std::size_t types = 0;
    for ([[maybe_unused]] const std::string_view type : m->values(HeaderId::accept))
      ++types;
    CHECK(types == 6);
  }
  SUBCASE("cparam: inside and outside of the brackets") {
    const std::string first = read("cparam01");
    const std::string second = read("cparam02");
    const auto outside = MessageView::parse(first)->contact();
    const auto inside = MessageView::parse(second)->contact();
    CHECK(outside->params.has("unknownparam"));
    CHECK(outside->uri.params.empty());
    CHECK(inside->params.empty());
    CHECK(inside->uri.params.has("unknownparam"));
  }
  SUBCASE("regescrt: header fields of a contact") {
    const std::string bytes = read("regescrt");
    CHECK(MessageView::parse(bytes)->contact()->uri.headers == "Route=%3Csip:sip.example.com%3E");
  }
  SUBCASE("longreq: 34 Via and long everything") {
    const std::string bytes = read("longreq");
    const auto m = MessageView::parse(bytes);
    std::size_t vias = 0;
    for (const std::string_view value : m->values(HeaderId::via)) {
      CHECK(Via::parse(value).has_value());
      ++vias;
    }
    CHECK(vias == 34);
    CHECK(m->from_tag().size() > 100);
  }
}
