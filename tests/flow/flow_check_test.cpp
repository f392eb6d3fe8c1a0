// What the check of a flow finds.
#include <doctest/doctest.h>

#include <algorithm>

#include "chat.hpp"
#include "flow/expression.hpp"
#include "flow/flow.hpp"

using namespace talky;
using namespace talky::flow;
using namespace talky::flow::test;
using namespace talky::voice;

namespace {

// "error 3: ..." of the first diagnostic that holds `text`, "" if there is none
bool complains(const std::string& yaml, std::string_view text, std::size_t line,
               Diagnostic::Severity severity = Diagnostic::Severity::error) {
  const auto found = check(yaml);
  const bool there = std::any_of(found.begin(), found.end(), [&](const Diagnostic& d) {
    return d.severity == severity && d.line == line && d.text.find(text) != std::string::npos;
  });
  if (!there) {
    for (const Diagnostic& d : found)
      MESSAGE(to_string(d, "flow"));
  }
  return there;
}

} // namespace

TEST_CASE("the check finds what is wrong, with its line") {
  CHECK(check(kSmall).empty());
  const auto with = [](std::string_view what, std::string_view instead) {
    std::string yaml = kSmall;
    const std::size_t at = yaml.find(what);
    REQUIRE(at != std::string::npos);
    return yaml.replace(at, what.size(), instead);
  };
  CHECK(complains("", "a flow is a map", 0));
  CHECK(complains("[1, 2]", "a flow is a map", 1));
  CHECK(complains("start: a\nstates: {a: {say: hi\n", "not YAML", 3));
  CHECK(complains("start: a\n", "no 'states'", 1));
  CHECK(complains(with("start: hello", "voice: Emma"), "no 'start'", 1));
  CHECK(complains(with("start: hello", "start: hallo"), "'hallo', which does not exist", 2));
  CHECK(complains(with("go: bye", "go: by"), "'by', which does not exist", 8));
  CHECK(complains(with("say: Good.", "sy: Good."), "no key 'sy'", 7));
  CHECK(
      complains(with("{answer: yes, say: Good.}", "{answer: perhaps, say: Good.}"), "must be yes or no", 7));
  CHECK(complains(with("{answer: yes, say: Good.}", "{answer: yes}"), "says nothing and goes nowhere", 7));
  CHECK(complains(with("{answer: yes, say: Good.}", "{answer: yes, say: \"Good {nam}\"}"),
                  "'nam' is defined nowhere", 7));
  CHECK(complains(with("{answer: yes, say: Good.}", "{answer: yes, say: \"Good {\"}"), "closes '{'", 7));
  CHECK(complains(with("{answer: yes, say: Good.}", "{intent: boook, say: Good.}"),
                  "intent 'boook' does not exist", 7));
  CHECK(complains(with("{answer: yes, say: Good.}", "{slot: name, say: Good.}"), "slot 'name' does not exist",
                  7));
  CHECK(complains(with("{answer: yes, say: Good.}", "{if: 'a ==', say: Good.}"), "at character 5", 7));
  CHECK(complains(with("{answer: yes, say: Good.}", "{digits: 1x, say: Good.}"), "cannot be typed", 7));
  CHECK(complains(with("say: Hello. Do you like it?", "say: []"), "is empty", 5));
  CHECK(complains(with("    say: Hello. Do you like it?\n", ""), "nothing to 'say'", 5));
  CHECK(complains(with("say: Hello. Do you like it?", "say: [{if: said, say: Hello.}]"),
                  "one without is needed", 5));
  CHECK(complains(with("hangup: done", "hangup: done\n    dtmf: 1"), "only one of", 10));
  CHECK(complains(with("hangup: done", "ask: name\n    then: hello"), "slot 'name' to ask for does not exist",
                  10));
  CHECK(complains(with("hangup: done", "then: hello"), "asks for nothing", 10));
  CHECK(
      complains(with("states:", "slots: {s: {type: chioce}}\nstates:"), "'chioce' is not a type of slot", 3));
  CHECK(complains(with("states:", "slots: {s: {type: choice}}\nstates:"), "needs 'choices'", 3));
  CHECK(complains(with("  bye:", "  hello:"), "'hello' is there twice", 9));
  CHECK(complains(with("states:", "global: {give_up: nowhere}\nstates:"), "'nowhere', which does not exist",
                  3));
  CHECK(complains("start: a\nstates:\n  a:\n    enter: [{go: b}]\n  b:\n    enter: [{go: a}]\n",
                  "without a word", 4));

  const auto warning = Diagnostic::Severity::warning;
  CHECK(
      complains(with("      - {answer: no, go: bye}\n", ""), "nothing leads to the state 'bye'", 9, warning));
  CHECK(complains(with("      - {answer: no, go: bye}\n", "      - {intent: help, go: bye}\n"),
                  "none for 'answer: no'", 5, warning));
  CHECK(complains(with("    hangup: done\n", ""), "no answer leads out of the state 'bye'", 10, warning));
  CHECK(
      complains(with("states:", "slots: {s: {type: date}}\nstates:"), "slot 's' is never used", 3, warning));
  CHECK(complains(with("states:", "intents: {i: {keywords: [x]}}\nstates:"), "intent 'i' is never used", 3,
                  warning));
  CHECK(complains(with("states:", "intents: {i: {keywords: [x]}, j: {keywords: [X]}}\nstates:"),
                  "keyword of 'i' and of 'j'", 3, warning));
}

TEST_CASE("a flow with errors is not used; one with warnings is") {
  CHECK(Flow::parse("start: a\nstates: {a: {say: Hi.}}\n").flow);
  CHECK_FALSE(Flow::parse("start: b\nstates: {a: {say: Hi.}}\n").flow);
  CHECK_FALSE(Flow::parse(std::string(Flow::kMaxBytes + 1, ' ')).flow);
  CHECK(to_string(Diagnostic{Diagnostic::Severity::error, 12, "no"}, "f.yaml") == "f.yaml:12: error: no");
}
