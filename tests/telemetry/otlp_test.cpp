#include "telemetry/otlp.hpp"

#include <doctest/doctest.h>

using namespace talky::telemetry;

TEST_CASE("one request, to the letter of the OTLP JSON mapping") {
  Span span;
  span.trace = *trace_id_of("0af76519-16cd-43dd-8448-eb211c80319c");
  span.id = {0xb7, 0xad, 0x6b, 0x71, 0x69, 0x20, 0x33, 0x31};
  span.parent = SpanId{1, 2, 3, 4, 5, 6, 7, 8};
  span.name = "turn \"1\"";
  span.kind = Span::Kind::server;
  span.start_us = 1'700'000'000'000'001;
  span.end_us = 1'700'000'000'500'000;
  span.attributes = {{"s", "x\xff"}, {"i", std::int64_t{-5}}, {"d", 0.5}, {"b", true}};
  span.status = Span::Status::error;
  span.status_message = "lost";
  span.events.push_back({1'700'000'000'100'000, "dtmf", {{"digit", "5"}}});
  CHECK(
      to_otlp_json({{"service.name", "talky-sipd"}}, "talky", "0.1.0", std::span(&span, 1)) ==
      R"({"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"talky-sipd"}}]},)"
      R"("scopeSpans":[{"scope":{"name":"talky","version":"0.1.0"},"spans":[{)"
      R"("traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331","name":"turn \"1\"","kind":2,)"
      R"("startTimeUnixNano":"1700000000000001000","endTimeUnixNano":"1700000000500000000",)"
      R"("parentSpanId":"0102030405060708","attributes":[)"
      R"({"key":"s","value":{"stringValue":"x)"
      "\xef\xbf\xbd"
      R"("}},{"key":"i","value":{"intValue":"-5"}},)"
      R"({"key":"d","value":{"doubleValue":5E-1}},{"key":"b","value":{"boolValue":true}}],)"
      R"("events":[{"timeUnixNano":"1700000000100000000","name":"dtmf","attributes":[{"key":"digit",)"
      R"("value":{"stringValue":"5"}}]}],"status":{"code":2,"message":"lost"}}]}]}]})");
}

TEST_CASE("a trace is named as its call is") {
  CHECK(to_hex(*trace_id_of("0AF7651916CD43DD8448EB211C80319C")) == "0af7651916cd43dd8448eb211c80319c");
  for (const char* wrong :
       {"", "0af76519-16cd-43dd-8448-eb211c80319", "0af76519-16cd-43dd-8448-eb211c80319c0",
        "0af76519-16cd-43dd-8448-eb211c80319g", "00000000-0000-0000-0000-000000000000"}) {
    CAPTURE(wrong);
    CHECK_FALSE(trace_id_of(wrong));
  }
}

TEST_CASE("lists as the OTEL_ variables have them") {
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  CHECK(parse_otel_list("api-key=a%20b, x = 1=2 ,,=5,nothing,e=") ==
        Pairs{{"api-key", "a b"}, {"x", "1=2"}, {"e", ""}});
  CHECK(parse_otel_list("a=%zz%4") == Pairs{{"a", "%zz%4"}});
  CHECK(parse_otel_list("").empty());
}
