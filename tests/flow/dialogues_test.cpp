// The dialogues that come with the shipped flow, and harder ones: each with every variant of the prompts.
#include <doctest/doctest.h>

#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>

#include "chat.hpp"
#include "flow/cases.hpp"

using namespace talky::flow;
using namespace talky::flow::test;

namespace {

void hold_all(const std::string& path, std::size_t at_least) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  const Cases cases = parse_cases(text.str());
  for (const Diagnostic& d : cases.diagnostics)
    FAIL_CHECK(to_string(d, path));
  CHECK(cases.cases.size() >= at_least);
  const auto flow = Flow::parse(front_desk()).flow;
  REQUIRE(flow);
  for (const Case& one : cases.cases) {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
      const CaseResult result = run_case(flow, one, seed);
      CHECK_MESSAGE(result.passed, to_string({Diagnostic::Severity::error, one.line, one.name}, path), "\n",
                    result.report);
      if (!result.passed) break;
    }
  }
}

} // namespace

TEST_CASE("the dialogues of the shipped flow") {
  hold_all(TALKY_FLOWS "/cases/front-desk.yaml", 200);
}

TEST_CASE("hard dialogues") {
  hold_all(TALKY_DIALOGUES "/hard-dialogues.yaml", 99);
}
