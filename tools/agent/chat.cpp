#include "chat.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <memory>

#include "call.hpp"
#include "cli/exit_code.hpp"
#include "cli/main.hpp"
#include "commands.hpp"
#include "flow/cases.hpp"
#include "flow/conversation.hpp"
#include "json/json.hpp"
#include "language/calendar.hpp"

namespace talky::agent {
namespace {

void print(const std::string& line) {
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fputc('\n', stdout);
}

voice::Moment moment_of(const ChatSettings& settings) {
  voice::Moment moment = local_moment();
  if (!settings.date.empty()) {
    const auto date = language::date_from_iso(settings.date);
    if (!date) throw cli::Failure(cli::ExitCode::usage, "--date: expected a day such as 2026-11-30");
    moment.year = date->year;
    moment.month = date->month;
    moment.day = date->day;
  }
  if (!settings.time.empty()) {
    const auto time = language::time_from_iso(settings.time);
    if (!time) throw cli::Failure(cli::ExitCode::usage, "--time: expected a time such as 10:15");
    moment.hour = time->hour;
    moment.minute = time->minute;
  }
  return moment;
}

void show(const flow::Conversation& conversation, const std::string* said, bool json) {
  const voice::Reply& reply = conversation.reply();
  const std::string action = flow::action_text(reply.action);
  if (!json) {
    print("agent: " + reply.text);
    if (!action.empty()) print("(" + action + ")");
  } else {
    boost::json::object slots;
    for (const voice::SlotValue& slot : conversation.slots())
      slots[slot.name] = slot.value;
    boost::json::object out;
    if (said != nullptr) out["said"] = *said;
    out["text"] = reply.text;
    out["state"] = reply.state;
    out["intent"] = reply.intent;
    out["slots"] = std::move(slots);
    out["action"] = action;
    print(json::compact(out));
  }
  std::fflush(stdout);
}

} // namespace

int chat(const ChatSettings& settings) {
  flow::Conversation conversation(
      load_flow(settings.flow),
      {.moment = moment_of(settings), .from = settings.from, .to = settings.to, .seed = settings.seed});
  show(conversation, nullptr, settings.json);
  const bool person = ::isatty(STDIN_FILENO) != 0 && ::isatty(STDOUT_FILENO) != 0;
  std::string line;
  while (!conversation.ended()) {
    if (person) {
      std::fputs("> ", stdout);
      std::fflush(stdout);
    }
    if (!std::getline(std::cin, line)) break;
    if (line.empty()) continue;
    conversation.line(line);
    show(conversation, &line, settings.json);
  }
  return 0;
}

int test_flow(const std::string& flow_path, const std::string& cases_path, std::uint64_t seed,
              std::uint64_t seeds, bool json) {
  const auto begin = std::chrono::steady_clock::now();
  const auto flow = load_flow(flow_path);
  const flow::Cases cases = flow::parse_cases(read_text(cases_path, flow::Cases::kMaxBytes));
  for (const flow::Diagnostic& diagnostic : cases.diagnostics)
    cli::complain("talky-agent", flow::to_string(diagnostic, cases_path));
  if (!cases.diagnostics.empty()) return static_cast<int>(cli::ExitCode::data);
  std::size_t failed = 0;
  for (const flow::Case& one : cases.cases) {
    flow::CaseResult result;
    for (std::uint64_t i = 0; i < seeds && result.passed; ++i) {
      result = flow::run_case(flow, one, seed + i);
      if (!result.passed && seeds > 1) result.report += fmt::format("  (seed {})\n", seed + i);
    }
    failed += result.passed ? 0 : 1;
    if (json) {
      print(json::compact(boost::json::object{{"case", one.name},
                                              {"line", one.line},
                                              {"passed", result.passed},
                                              {"report", result.passed ? std::string() : result.report}}));
    } else if (!result.passed) {
      print(fmt::format("@@ {}:{}: {}\n{}", cases_path, one.line, one.name, result.report));
    }
  }
  const auto took = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin);
  const std::size_t passed = cases.cases.size() - failed;
  if (!json)
    print(fmt::format("{} of {} dialogues are as expected ({:.2f} s)", passed, cases.cases.size(),
                      took.count()));
  return static_cast<int>(failed == 0 ? cli::ExitCode::ok : cli::ExitCode::failed);
}

} // namespace talky::agent
