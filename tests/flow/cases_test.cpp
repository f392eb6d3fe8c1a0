// Dialogues in files: what is read, what is compared, how the difference is told.
#include "flow/cases.hpp"

#include <doctest/doctest.h>

#include <string>

#include "chat.hpp"
#include "flow/conversation.hpp"

using namespace talky::flow;
using namespace talky::flow::test;

namespace {

const std::string kFlow = R"(flow: door
start: hello
slots:
  name: {type: name}
states:
  hello:
    ask: name
    then: confirm
    say: Hello. Who is there?
  confirm:
    say: "{name}, is that right?"
    on:
      - {answer: yes, go: farewell}
      - {answer: no, clear: [name], go: hello}
  farewell:
    say: "Welcome, {name}."
    hangup: done
)";

CaseResult run(const std::string& turns) {
  const auto flow = Flow::parse(kFlow).flow;
  REQUIRE(flow);
  const Cases cases = parse_cases("cases:\n  - name: it\n    turns:\n" + turns);
  for (const Diagnostic& d : cases.diagnostics)
    FAIL(to_string(d, "cases"));
  REQUIRE(cases.cases.size() == 1);
  return run_case(flow, cases.cases[0], 1);
}

} // namespace

TEST_CASE("a dialogue that goes as it should") {
  const CaseResult result = run(R"(
      - {say: Anna., state: confirm, slots: {name: Anna}, words: [ANNA, right, "!welcome"], action: none}
      - {say: "No.", state: hello, slots: {name: }}
      - Bob.
      - {say: "Yes.", state: farewell, words: Welcome, action: hangup}
)");
  CHECK_MESSAGE(result.passed, result.report);
}

TEST_CASE("each difference is two lines") {
  const CaseResult result = run(R"(
      - {say: Anna., state: hello, slots: {name: Bob}, words: [never said, "!right"], action: hangup}
      - {say: Yes., action: none}
      - Still there?
)");
  CHECK_FALSE(result.passed);
  const auto has = [&](std::string_view line) { return result.report.find(line) != std::string::npos; };
  CAPTURE(result.report);
  CHECK(has("  caller: Anna.\n  agent: Anna, is that right?\n"));
  CHECK(has("- state: hello\n+ state: confirm\n"));
  CHECK(has("- slot name: Bob\n+ slot name: Anna\n"));
  CHECK(has("- words: never said\n+ words: Anna, is that right?\n"));
  CHECK(has("- words: !right\n"));
  CHECK(has("- action: hangup\n+ action: none\n"));
  CHECK(has("- action: none\n+ action: hangup done\n"));
  CHECK(has("- the call goes on\n+ the call is over\n"));
}

TEST_CASE("keys, silence and engines that fail are lines, too") {
  Conversation conversation(Flow::parse(kFlow).flow, {});
  CHECK(conversation.reply().text == "Hello. Who is there?");
  CHECK_FALSE(conversation.line("...").text.empty());
  CHECK_FALSE(conversation.line("#12").text.empty());
  CHECK_FALSE(conversation.line("!").text.empty());
  conversation.line("...");
  conversation.line("...");
  CHECK_FALSE(conversation.ended());
  conversation.line("...");
  CHECK(conversation.ended());
  CHECK(action_text(conversation.reply().action) == "hangup silence");
}

TEST_CASE("files that are not cases are refused with their line") {
  const auto said = [](const std::string& yaml) {
    const Cases cases = parse_cases(yaml);
    return cases.diagnostics.empty() ? std::string() : to_string(cases.diagnostics[0], "c");
  };
  CHECK(said("cases: [{name: a, turns: [hello]}]").empty());
  CHECK(said("") == "c: error: expected a map with a list of 'cases'");
  CHECK(said("cases:\n  - {name: a, turns: [{said: hello}]}").starts_with("c:2: error: a turn is"));
  CHECK(said("cases:\n  - {name: a, turns: [{say: hello, stat: b}]}") ==
        "c:2: error: there is no key 'stat' here");
  CHECK(said("date: 2026-02-30\ncases: []").starts_with("c:1: error: '2026-02-30' is not a date"));
  CHECK(said("time: noon\ncases: []").starts_with("c:1: error: 'noon' is not a time"));
  CHECK(said("cases:\n  - {name: a, turns: []}").starts_with("c:2: error: a case has 1 to"));
  CHECK(said("cases:\n  - {name: a, turns: [x]}\n  - {name: a, turns: [x]}") ==
        "c:3: error: the case 'a' is there twice");
  CHECK(said("cases: [\n").starts_with("c:"));
  CHECK(said(std::string(Cases::kMaxBytes + 1, ' ')).starts_with("c: error: more than"));
}
