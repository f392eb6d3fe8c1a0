#include "store/record.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <boost/json/serialize.hpp>
#include <cmath>
#include <limits>
#include <string>

#include "store/kit.hpp"

using namespace talky;
using namespace talky::store;

namespace {

std::string json_of(const CallRecord& record) {
  return boost::json::serialize(to_json(record));
}

} // namespace

TEST_CASE("a record goes to JSON and back") {
  for (const std::uint64_t n : {0u, 1u, 77u}) {
    const CallRecord record = test::record(n);
    const auto back = from_json(json_of(record));
    REQUIRE(back);
    CHECK(*back == record);
  }
  CallRecord bare;
  bare.uuid = test::uuid(1);
  CHECK(*from_json(json_of(bare)) == bare);
  CHECK(json_of(bare).find("null") == std::string::npos);
  CHECK(boost::json::serialize(to_json(bare, true)).find("\"answered_ms\":null") != std::string::npos);
}

TEST_CASE("what is no record is refused, what is unknown is passed over") {
  const std::string uuid = R"("uuid":")" + test::uuid(5) + '"';
  CHECK(from_json("{" + uuid + ",\"colour\":\"blue\"}")->uuid == test::uuid(5));
  for (const std::string& text :
       {std::string(), std::string("[]"), std::string("{}"), std::string(R"({"uuid":"5"})"),
        "{" + uuid + R"(,"invited_ms":"now"})", "{" + uuid + R"(,"in_mos":"good"})",
        "{" + uuid + ",\"files\":{}}", "{" + uuid + ",\"files\":[1]}", "{" + uuid + R"(,"said":[{"who":1}]})",
        "{" + uuid + "} x"}) {
    CAPTURE(text);
    REQUIRE_FALSE(from_json(text));
    CHECK(from_json(text).error().code == Errc::malformed);
  }
  CHECK(from_json(std::string(kMaxJson + 1, ' ')).error().code == Errc::too_large);
}

TEST_CASE("tidy: any text becomes storable, and what is sound stays") {
  CallRecord record = test::record(3);
  const CallRecord before = record;
  tidy(record);
  CHECK(record == before);

  record.from = std::string("a\0b\xFF\xC3", 5);
  record.reason = "\xED\xA0\x80 \xC0\xAF \xF4\x90\x80\x80"; // a surrogate, an overlong '/', beyond U+10FFFF
  record.in_mos = std::numeric_limits<double>::quiet_NaN();
  record.said.resize(kMaxUtterances + 5);
  tidy(record);
  CHECK(record.from ==
        "a\xEF\xBF\xBD"
        "b\xEF\xBF\xBD\xEF\xBF\xBD");
  CHECK(record.reason.find('\xED') == std::string::npos);
  CHECK_FALSE(record.in_mos);
  CHECK(record.said.size() == kMaxUtterances);

  record.from = std::string(kMaxText - 1, 'x') + "ü";
  tidy(record);
  CHECK(record.from == std::string(kMaxText - 1, 'x')); // not half a character
}

TEST_CASE("tidy: random bytes become JSON that reads back the same") {
  rc::check([](const std::string& from, const std::string& reason) {
    CallRecord record;
    record.uuid = test::uuid(9);
    record.from = from;
    record.reason = reason;
    tidy(record);
    const CallRecord once = record;
    tidy(record);
    RC_ASSERT(record == once);
    const auto back = from_json(json_of(record));
    RC_ASSERT(back.has_value());
    RC_ASSERT(*back == record);
  });
}

TEST_CASE("CSV: quoted where it must be, harmless in a spreadsheet, as many cells as columns") {
  CallRecord record;
  record.uuid = test::uuid(1);
  record.from = "=cmd|' /C calc'!A0";
  record.reason = "said \"no\", twice";
  record.in_mos = 4.25;
  const std::string line = to_csv(record);
  CHECK(line.find("\"'=cmd|' /C calc'!A0\"") != std::string::npos);
  CHECK(line.find("\"said \"\"no\"\", twice\"") != std::string::npos);
  CHECK(line.find(",4.25,") != std::string::npos);
  record.reason.clear();
  const std::string plain = to_csv(record);
  const std::string header = csv_header();
  CHECK(std::count(plain.begin(), plain.end(), ',') == std::count(header.begin(), header.end(), ','));
  CHECK(header.starts_with("uuid,sip_call_id,"));
}

TEST_CASE("dates: there and back, and what is none") {
  CHECK(to_iso8601(0) == "1970-01-01T00:00:00.000Z");
  CHECK(to_iso8601(1'763'831'109'123) == "2025-11-22T17:05:09.123Z");
  CHECK(to_iso8601(-1) == "1969-12-31T23:59:59.999Z");
  CHECK(to_iso8601(951'782'400'000) == "2000-02-29T00:00:00.000Z");
  CHECK(from_iso8601("2025-11-22T17:05:09.123Z") == 1'763'831'109'123);
  CHECK(from_iso8601("2025-11-22T18:05:09.123456+01:00") == 1'763'831'109'123);
  CHECK(from_iso8601("2025-11-22 17:05") == 1'763'831'100'000);
  CHECK(from_iso8601("2025-11-22") == 1'763'769'600'000);
  for (const char* text : {"", "now", "2025", "2025-02-29", "2025-13-01", "2025-11-22T", "2025-11-22T25:00",
                           "2025-11-22T17:05:09.", "2025-11-22T17:05+1:00", "2025-11-22x"}) {
    CAPTURE(text);
    CHECK_FALSE(from_iso8601(text));
  }
  rc::check([] {
    const std::int64_t ms = *rc::gen::inRange<std::int64_t>(-62'000'000'000'000, 250'000'000'000'000);
    RC_ASSERT(from_iso8601(to_iso8601(ms)) == ms);
  });
}

TEST_CASE("uuid") {
  CHECK(is_uuid(test::uuid(1)));
  CHECK_FALSE(is_uuid("00000000-0000-4000-8000-00000000000"));
  CHECK_FALSE(is_uuid("00000000-0000-4000-8000-00000000000A"));
  CHECK_FALSE(is_uuid("../../../../../../../../../etc/passwd"));
}
