// What clients of the HTTP API send, taken apart.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <chrono>
#include <string>

#include "sipd/api/api_json.hpp"
#include "sipd/api/history.hpp"

using namespace talky;
using namespace talky::sipd;
using namespace std::chrono_literals;

namespace {

constexpr std::int64_t kNowMs = 1'795'368'600'000; // 2026-11-22T17:30Z
const Endpoint kOurs = *Endpoint::parse("127.0.0.1:5060");

Parsed<CallOut> out(std::string_view body) {
  return parse_call_out(body, kOurs);
}
auto history(std::string_view query) {
  return parse_history_query(query, kNowMs);
}

} // namespace

TEST_CASE("a call out: all that can be said, and what is left away") {
  const auto whole =
      out(R"({"to":"sip:bob@192.0.2.7:5070","connect":"100","voice":"Emma","ring_seconds":30})");
  REQUIRE(whole);
  CHECK(whole->to == "sip:bob@192.0.2.7:5070");
  CHECK(whole->connect == "100");
  CHECK(whole->voice == "Emma");
  CHECK(whole->ring == 30s);
  const auto least = out(R"({"to":"tel:+4930"})");
  REQUIRE(least);
  CHECK(least->to == "tel:+4930"); // whether it can be called is decided later
  CHECK(least->connect.empty());
  CHECK(least->ring == 40s);
}

TEST_CASE("a call out to a name is one to somebody who is registered here") {
  CHECK(out(R"({"to":"alice"})")->to == "sip:alice@127.0.0.1:5060");
  CHECK(out(R"({"to":"alice@192.0.2.7"})")->to == "sip:alice@192.0.2.7");
  CHECK(out(R"({"to":"a<b>;c"})")->to == "sip:a%3Cb%3E;c@127.0.0.1:5060");
}

TEST_CASE("a call out: what is refused, in a sentence that names it") {
  for (const auto& each : {
           std::pair<std::string, std::string>{"", "JSON object"},
           {"[]", "JSON object"},
           {"{", "JSON object"},
           {R"({"to":"\ud800"})", "JSON object"},
           {"{\"to\":\"\xff\"}", "JSON object"},
           {R"({"to":{"a":{"b":{"c":{"d":1}}}}})", "JSON object"},
           {"{}", "\"to\""},
           {R"({"to":""})", "\"to\""},
           {R"({"to":5})", "\"to\""},
           {R"({"to":null})", "\"to\""},
           {R"({"to":"a b"})", "\"to\""},
           {R"({"to":"a\r\nVia: x"})", "\"to\""},
           {R"({"to":"a\u0000"})", "\"to\""},
           {R"({"to":"ü"})", "\"to\""},
           {fmt::format(R"({{"to":"{}"}})", std::string(513, 'x')), "\"to\""},
           {R"({"to":"a","connect":["100"]})", "\"connect\""},
           {R"({"to":"a","voice":true})", "\"voice\""},
           {R"({"to":"a","ring_seconds":0})", "\"ring_seconds\""},
           {R"({"to":"a","ring_seconds":51})", "\"ring_seconds\""},
           {R"({"to":"a","ring_seconds":1.5})", "\"ring_seconds\""},
           {R"({"to":"a","ring_seconds":-1e300})", "\"ring_seconds\""},
           {R"({"to":"a","ring_seconds":"30"})", "\"ring_seconds\""},
           {R"({"to":"a","more":1})", "\"more\""},
       }) {
    const auto& [body, named] = each;
    CAPTURE(each.first);
    const auto parsed = out(body);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().find(named) != std::string::npos);
  }
  // What was sent is not given back without end.
  CHECK(out(fmt::format(R"({{"{}":1}})", std::string(100'000, 'k'))).error().size() < 100);
}

TEST_CASE("a text that is to be said") {
  const auto whole = parse_say(R"({"text":"One moment, please.","voice":"Emma","clear":true})");
  REQUIRE(whole);
  CHECK(whole->text == "One moment, please.");
  CHECK(whole->voice == "Emma");
  CHECK(whole->clear);
  const auto least = parse_say(R"({"text":"1"})");
  REQUIRE(least);
  CHECK(least->voice.empty());
  CHECK_FALSE(least->clear);
  CHECK(parse_say(fmt::format(R"({{"text":"{}"}})", std::string(1000, 'a'))));
  for (const std::string& wrong :
       {std::string(), std::string("null"), std::string("{}"), std::string(R"({"text":""})"),
        std::string(R"({"text":7})"), std::string(R"({"text":"..."})"), std::string(R"({"text":"a\u0000b"})"),
        std::string(R"({"text":"a","voice":5})"), std::string(R"({"text":"a","voice":"../x"})"),
        std::string(R"({"text":"a","voice":"a b"})"), std::string(R"({"text":"a","clear":1})"),
        std::string(R"({"text":"a","speed":2})"), fmt::format(R"({{"text":"{}"}})", std::string(1001, 'a')),
        fmt::format(R"({{"text":"a","voice":"{}"}})", std::string(33, 'a'))}) {
    CAPTURE(wrong);
    const auto parsed = parse_say(wrong);
    REQUIRE_FALSE(parsed);
    CHECK_FALSE(parsed.error().empty());
  }
}

TEST_CASE("a query of past calls: every name, and what it means") {
  const auto parsed = history(
      "since=7d&until=2026-11-22T17:05Z&from=*alice*&to=1%2A0&route=echo&text=one+moment&cause=hangup,lost&"
      "answered=true&direction=out&sip_call_id=a%40b&min_duration=1.5&max_duration=60&sort=mos&order=asc&"
      "limit=20&after=c0ffee&count&format=csv");
  REQUIRE(parsed);
  const store::Query& query = parsed->query;
  CHECK(query.filter.since_ms == kNowMs - std::int64_t{7} * 86'400'000);
  CHECK(query.filter.until_ms == kNowMs - std::int64_t{25} * 60'000);
  CHECK(query.filter.from == "*alice*");
  CHECK(query.filter.to == "1*0");
  CHECK(query.filter.route == "echo");
  CHECK(query.filter.text == "one moment");
  CHECK(query.filter.causes == std::vector<std::string>{"hangup", "lost"});
  CHECK(query.filter.answered == true);
  CHECK(query.filter.direction == "out");
  CHECK(query.filter.sip_call_id == "a@b");
  CHECK(query.filter.min_duration_ms == 1500);
  CHECK(query.filter.max_duration_ms == 60'000);
  CHECK(query.sort == store::SortKey::mos);
  CHECK_FALSE(query.descending);
  CHECK(query.limit == 20);
  CHECK(query.after == "c0ffee");
  CHECK(query.count);
  CHECK(parsed->csv == true);
}

TEST_CASE("a query of past calls: nothing said is the last hundred") {
  for (const std::string_view nothing : {"", "&", "&&&"}) {
    const auto parsed = history(nothing);
    REQUIRE(parsed);
    CHECK(parsed->query.limit == 100);
    CHECK(parsed->query.descending);
    CHECK_FALSE(parsed->csv);
    CHECK_FALSE(parsed->query.filter.answered);
  }
}

TEST_CASE("a query of past calls: what is refused, in a sentence that names it") {
  for (const auto& each : {
           std::pair<std::string, std::string>{"more=1", "more"},
           {"=1", "not known"},
           {"from=%4", "%"},
           {"from=%zz", "%"},
           {"from=%00", "from"},
           {"from=a%0Ab", "from"},
           {fmt::format("from={}", std::string(257, 'a')), "from"},
           {"from=*a*b*c*d*", "from"},
           {"since=yesterday", "since"},
           {"since=", "since"},
           {"until=99999999999999d", "until"},
           {"cause=,", "cause"},
           {"cause=a'b", "cause"},
           {"answered=perhaps", "answered"},
           {"direction=up", "direction"},
           {"min_duration=", "min_duration"},
           {"min_duration=-1", "min_duration"},
           {"min_duration=0x10", "min_duration"},
           {"min_duration=1e5", "min_duration"},
           {"min_duration=nan", "min_duration"},
           {"max_duration=99999999999", "max_duration"},
           {"max_duration=1s", "max_duration"},
           {"sort=colour", "sort"},
           {"order=up", "order"},
           {"limit=0", "limit"},
           {"limit=1001", "limit"},
           {"limit=1.5", "limit"},
           {"limit=-1", "limit"},
           {"count=2", "count"},
           {"format=xml", "format"},
       }) {
    const auto& [query, named] = each;
    CAPTURE(each.first);
    const auto parsed = history(query);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().find(named) != std::string::npos);
  }
  CHECK(history(fmt::format("{}=1", std::string(100'000, 'k'))).error().size() < 100);
}
