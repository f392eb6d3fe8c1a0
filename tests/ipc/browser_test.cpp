#include "ipc/browser.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace talky;
namespace browser = talky::ipc::browser;

TEST_CASE("what a browser says") {
  CHECK(browser::parse(R"({"type":"hangup"})") == browser::Message(browser::HangUp{}));
  CHECK(browser::parse(R"({"type":"dtmf","digit":"5"})") == browser::Message(browser::Key{'5'}));
  CHECK(browser::parse(R"({"type":"dtmf","digit":"b"})") == browser::Message(browser::Key{'B'}));
  CHECK(browser::parse(R"({"type":"played","samples":48000,"more":[]})") ==
        browser::Message(browser::Played{48000}));
  CHECK(browser::parse(R"({"type":"played","samples":48000,"skipped":320})") ==
        browser::Message(browser::Played{48000, 320}));
  CHECK(browser::parse(R"({"type":"cleared","samples":1,"skipped":16000})") ==
        browser::Message(browser::Cleared{1, 16000}));
  CHECK(browser::parse(R"({"samples":0,"type":"cleared"})") == browser::Message(browser::Cleared{0}));
}

TEST_CASE("what it should not say is refused") {
  for (const char* wrong :
       {"", "null", "[]", "{}", R"({"type":1})", R"({"type":"dtmf"})", R"({"type":"dtmf","digit":"55"})",
        R"({"type":"dtmf","digit":"x"})", R"({"type":"dtmf","digit":5})", R"({"type":"played"})",
        R"({"type":"played","samples":-1})", R"({"type":"played","samples":1.5})",
        R"({"type":"played","samples":9223372036854775808})", R"({"type":"cleared","samples":null})",
        R"({"type":"played","samples":1,"skipped":-1})", R"({"type":"cleared","samples":1,"skipped":null})",
        R"({"type":"played","samples":1,"skipped":9223372036854775808})"}) {
    CAPTURE(wrong);
    const auto parsed = browser::parse(wrong);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().code == Errc::malformed);
  }
  CHECK(browser::parse(R"({"type":"wink"})").error().code == Errc::unsupported);
  CHECK(browser::parse(std::string(5000, ' ')).error().code == Errc::too_large);
  CHECK(browser::parse(std::string(4000, '[')).error().code == Errc::malformed);
}
