#include "ipc/control.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "core/random.hpp"

using namespace talky;
using namespace talky::ipc;

TEST_CASE("the messages are what the man page shows") {
  CHECK(
      to_json(ToAgent(
          Start{"f81d4fae-7dec-41d0-a765-00a0c91e6bf6", "sip:a@h", "sip:100@h", {{"X-A", "1"}}, 16000})) ==
      R"({"type":"start","call":"f81d4fae-7dec-41d0-a765-00a0c91e6bf6","from":"sip:a@h","to":"sip:100@h","headers":{"X-A":"1"},"rate":16000})");
  CHECK(to_json(ToAgent(DtmfReceived{'5', 120})) == R"({"type":"dtmf","digit":"5","duration_ms":120})");
  CHECK(to_json(ToAgent(MarkPlayed{"greeting", 48000})) ==
        R"({"type":"mark","name":"greeting","played":48000})");
  CHECK(to_json(ToAgent(Cleared{12800, 35200})) == R"({"type":"cleared","discarded":12800,"played":35200})");
  CHECK(to_json(ToAgent(Hold{})) == R"({"type":"hold"})");
  CHECK(to_json(ToAgent(Resume{})) == R"({"type":"resume"})");
  CHECK(to_json(ToAgent(Stop{"caller hung up"})) == R"({"type":"stop","reason":"caller hung up"})");
  CHECK(to_json(FromAgent(Clear{})) == R"({"type":"clear"})");
  CHECK(to_json(FromAgent(Duck{true})) == R"({"type":"duck","on":true})");
  CHECK(to_json(FromAgent(Mark{"greeting"})) == R"({"type":"mark","name":"greeting"})");
  CHECK(to_json(FromAgent(Hangup{"goodbye"})) == R"({"type":"hangup","reason":"goodbye"})");
  CHECK(to_json(FromAgent(Transfer{"sip:b@h"})) == R"({"type":"transfer","to":"sip:b@h"})");
  CHECK(to_json(FromAgent(SendDtmf{"12#", 100})) == R"({"type":"dtmf","digits":"12#","duration_ms":100})");
  CHECK(
      to_json(FromAgent(TurnTaken{1, 52480, 5120, 320, 0, 1600, 0, 48000})) ==
      R"({"type":"turn","turn":1,"end":52480,"endpoint":5120,"stt":320,"dialogue":0,"tts":1600,"out":0,"sent":48000})");
}

TEST_CASE("a start names the voice only where one was chosen") {
  Start start{"u", "a", "b", {}, 16000, "Emma"};
  CHECK(to_json(ToAgent(start)) ==
        R"({"type":"start","call":"u","from":"a","to":"b","headers":{},"rate":16000,"voice":"Emma"})");
  CHECK(parse_to_agent(to_json(ToAgent(start))) == ToAgent(start));
  CHECK(parse_to_agent(R"({"type":"start","call":"u","from":"a","to":"b","voice":7})").error().code ==
        Errc::malformed);
}

TEST_CASE("what is shown of a conversation") {
  const auto caller = Caption::Side::caller;
  const auto agent = Caption::Side::agent;
  CHECK(to_json(FromAgent(SpeechActive{true})) == R"({"type":"speech","active":true})");
  CHECK(to_json(FromAgent(Caption{caller, 1, 0, "Hello.", true})) ==
        R"({"type":"caption","side":"caller","turn":1,"text":"Hello.","final":true})");
  CHECK(to_json(FromAgent(Caption{agent, 1, 4, "Hi.", true})) ==
        R"({"type":"caption","side":"agent","turn":1,"sentence":4,"text":"Hi.","final":true})");
  CHECK(to_json(FromAgent(HeardPart{1, 4, "Hi.", true})) ==
        R"({"type":"heard","turn":1,"sentence":4,"text":"Hi.","whole":true})");
  for (const FromAgent& message :
       {FromAgent(SpeechActive{true}), FromAgent(SpeechActive{false}),
        FromAgent(Caption{caller, 3, 0, "", false}), FromAgent(Caption{agent, 0, 1, "\"a\" \xc3\xbc", true}),
        FromAgent(HeardPart{0, 1, "", false})})
    CHECK(parse_from_agent(to_json(message)) == message);
  for (const char* wrong : {R"({"type":"speech"})", R"({"type":"speech","active":1})",
                            R"({"type":"caption","side":"both","turn":1,"text":"","final":true})",
                            R"({"type":"caption","side":"agent","turn":1,"text":"","final":true})",
                            R"({"type":"caption","side":"caller","turn":-1,"text":"","final":true})",
                            R"({"type":"caption","side":"caller","turn":1,"text":"","final":"yes"})",
                            R"({"type":"heard","turn":1,"sentence":1,"text":[],"whole":true})"}) {
    CAPTURE(wrong);
    const auto parsed = parse_from_agent(wrong);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().code == Errc::malformed);
  }
}

TEST_CASE("every message comes back as it went") {
  const ToAgent to_agent[] = {
      Start{"u", R"(sip:"q"\@h)", "sip:100@h", {{"X-A", "1"}, {"X-B", "a\tb\x01"}}, 8000},
      DtmfReceived{'#', 0},
      MarkPlayed{"", 0},
      Cleared{1, 1ull << 62},
      Hold{},
      Hold{.by_program = true},
      Say{"One moment, please.", "Emma", false, true},
      Say{"One moment, please."},
      Resume{},
      Stop{"M\xc3\xbcller"}};
  for (const ToAgent& message : to_agent)
    CHECK(parse_to_agent(to_json(message)) == message);
  const FromAgent from_agent[] = {Accepts{},
                                  Accepts{.say = true},
                                  Clear{},
                                  Duck{true},
                                  Mark{"m"},
                                  Hangup{""},
                                  Transfer{"sip:x@y"},
                                  SendDtmf{"0A*", 60000},
                                  TurnTaken{7, 1ull << 62, 1, 2, 3, 4, 5, 6}};
  for (const FromAgent& message : from_agent)
    CHECK(parse_from_agent(to_json(message)) == message);
}

TEST_CASE("what may be left out, and what is ignored") {
  CHECK(parse_to_agent(R"({"type":"say","text":"a"})") == ToAgent(Say{"a", "", true, false}));
  CHECK(parse_to_agent(R"({"type":"hold","by":"caller"})") == ToAgent(Hold{}));
  CHECK(parse_from_agent(R"({"type":"accepts","messages":["sing","say",3]})") ==
        FromAgent(Accepts{.say = true}));
  CHECK(parse_from_agent(R"({"type":"hangup"})") == FromAgent(Hangup{}));
  CHECK(parse_from_agent(R"({"type":"dtmf","digits":"d"})") == FromAgent(SendDtmf{"D", 100}));
  CHECK(parse_to_agent(R"({"type":"stop","more":[1,{"a":null}]})") == ToAgent(Stop{}));
  CHECK(parse_to_agent(R"({"type":"start","call":"u","from":"a","to":"b"})") ==
        ToAgent(Start{"u", "a", "b", {}, 16000}));
}

TEST_CASE("every other text is refused by name") {
  struct Case {
    const char* json;
    Errc code;
  };
  const Case from_agent[] = {
      {"", Errc::malformed},
      {"nonsense", Errc::malformed},
      {"[]", Errc::malformed},
      {"{}", Errc::malformed},
      {R"({"type":1})", Errc::malformed},
      {R"({"type":"mark"})", Errc::malformed},
      {R"({"type":"mark","name":5})", Errc::malformed},
      {R"({"type":"mark","name":"a"} trailing)", Errc::malformed},
      {R"({"type":"transfer"})", Errc::malformed},
      {R"({"type":"dtmf","digits":""})", Errc::malformed},
      {R"({"type":"dtmf","digits":"12x"})", Errc::malformed},
      {R"({"type":"dtmf","digits":"1","duration_ms":-1})", Errc::malformed},
      {R"({"type":"dtmf","digits":"1","duration_ms":1.5})", Errc::malformed},
      {R"({"type":"dtmf","digits":"1","duration_ms":60001})", Errc::malformed},
      {R"({"type":"hangup","reason":null})", Errc::malformed},
      {R"({"type":"start","call":"u","from":"a","to":"b"})", Errc::unsupported}, // the other direction
      {R"({"type":"turn","turn":1,"end":5})", Errc::malformed},
      {R"({"type":"turn","turn":1,"end":-5,"endpoint":0,"stt":0,"dialogue":0,"tts":0,"out":0,"sent":0})",
       Errc::malformed},
      {R"({"type":"accepts"})", Errc::malformed},
      {R"({"type":"accepts","messages":"say"})", Errc::malformed},
      {R"({"type":"dance"})", Errc::unsupported},
  };
  for (const Case& c : from_agent) {
    CAPTURE(c.json);
    const auto result = parse_from_agent(c.json);
    REQUIRE_FALSE(result);
    CHECK(result.error().code == c.code);
  }
  CHECK(parse_to_agent(R"({"type":"dtmf","digit":"12"})").error().code == Errc::malformed);
  CHECK(parse_to_agent(R"({"type":"start","call":"u","from":"a","to":"b","headers":[]})").error().code ==
        Errc::malformed);
  CHECK(parse_to_agent(R"({"type":"say","text":"a","clear":1})").error().code == Errc::malformed);
  CHECK(parse_to_agent(R"({"type":"say"})").error().code == Errc::malformed);
  CHECK(parse_to_agent(R"({"type":"clear"})").error().code == Errc::unsupported);
  CHECK(parse_from_agent(R"({"type":"hangup","reason":")" + std::string(kMaxText + 1, 'a') + "\"}")
            .error()
            .code == Errc::too_large);
  CHECK(parse_from_agent(std::string(kMaxJson + 1, ' ')).error().code == Errc::too_large);
  CHECK(parse_from_agent(std::string(5000, '[')).error().code == Errc::malformed); // depth
}

TEST_CASE("whatever the network put into a header, start is valid JSON that fits a frame") {
  Random random(3);
  for (int round = 0; round < 50; ++round) {
    Start start{"u", std::string(5000, '"'), std::string(5000, '\xc3'), {}, 16000};
    for (int i = 0; i < 60; ++i) {
      std::string value;
      for (std::uint64_t k = random.below(3000); k > 0; --k)
        value += static_cast<char>(random.below(256));
      start.headers.emplace_back("X-" + std::to_string(random.below(40)), std::move(value));
    }
    const std::string json = to_json(ToAgent(start));
    CHECK(json.size() <= 65535);
    CHECK(std::count(json.begin(), json.end(), '\n') == 0);
    const auto parsed = parse_to_agent(json);
    REQUIRE(parsed);
    CHECK(std::get<Start>(*parsed).from == std::string(kMaxText, '"'));
  }
  const std::string same = to_json(ToAgent(Start{"u", "a", "b", {{"X-A", "1"}, {"X-A", "2"}}, 16000}));
  CHECK(same.find(R"("X-A":"1, 2")") != std::string::npos);
}

TEST_CASE("lines come out of any chunking; a line that is too long is skipped") {
  const std::string stream = "{\"a\":1}\r\n\n" + std::string(kMaxJson + 5, 'x') + "\nlast\npartial";
  for (const std::size_t chunk : {std::size_t{1}, std::size_t{7}, std::size_t{1000}, stream.size()}) {
    LineDecoder decoder;
    std::vector<std::string> lines;
    int errors = 0;
    std::string line;
    for (std::size_t at = 0; at < stream.size(); at += chunk) {
      decoder.feed(std::string_view(stream).substr(at, chunk));
      for (;;) {
        const auto more = decoder.next(line);
        if (!more) {
          ++errors;
          continue;
        }
        if (!*more) break;
        lines.push_back(line);
      }
    }
    CAPTURE(chunk);
    CHECK(lines == std::vector<std::string>{"{\"a\":1}", "last"});
    CHECK(errors == 1);
  }
}
