// The subcommands that hold a dialogue without sound: chat types it, test compares it. Each gives the exit
// code.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

namespace talky::agent {

struct ChatSettings {
  std::string flow; // "": the one that is built in
  std::string date; // "2026-11-30"; "": today
  std::string time; // "10:15"; "": now
  std::string from = "sip:caller@localhost", to = "sip:desk@localhost";
  std::uint64_t seed = 1;
  bool json = false;
};

// One conversation: a line of standard input is what the caller says ("#12": keys, "...": silence, "!": an
// engine fails), a line of standard output what the agent answers; with `json` an object a line. Ends with
// the call or the input.
int chat(const ChatSettings& settings);

// Runs the dialogues of a file against a flow; `seeds` times, each with other variants of its prompts. 0: all
// are as expected; 1: some are not, and how they differ is printed.
int test_flow(const std::string& flow, const std::string& cases, std::uint64_t seed, std::uint64_t seeds,
              bool json);

} // namespace talky::agent
