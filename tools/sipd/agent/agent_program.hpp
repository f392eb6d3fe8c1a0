// The program that --agent-command names, run for one answer: `talky-agent say TEXT`, `talky-agent voices`.
#pragma once
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audio/samples.hpp"
#include "net/lifetime.hpp"
#include "net/loop.hpp"
#include "net/process.hpp"

namespace talky::sipd {

// The command with `arguments` behind it. A program's name is taken as it stands; anything else is words of
// the shell.
std::vector<std::string> agent_argv(const std::string& command, std::vector<std::string> arguments);

// s16le at 16 kHz, with or without a WAV header.
audio::Samples pcm_of(std::string_view bytes);

// One run of it, watched on the loop. Destroying it kills the program.
class AgentRun {
 public:
  struct Result {
    bool good = false;  // it ended with status 0
    std::string how;    // "exit status 1", or why it could not be started
    std::string output; // of stdout, at most `max_output` bytes
  };
  // `input` is what it reads from stdin. `done` comes once, from the loop, when the program has ended and all
  // that it wrote has been read, or when it was stopped because it took longer than a minute. It may destroy
  // the AgentRun.
  AgentRun(net::Loop& loop, const std::string& command, std::vector<std::string> arguments,
           std::size_t max_output, std::function<void(Result)> done, std::string_view input = {});
  ~AgentRun() = default;
  AgentRun(const AgentRun&) = delete;
  AgentRun& operator=(const AgentRun&) = delete;

 private:
  void finish();

  net::Loop& loop_;
  std::size_t max_output_;
  std::function<void(Result)> done_;
  std::unique_ptr<net::Process> process_;
  std::optional<net::Process::Exit> exit_;
  std::string output_;
  net::Lifetime lifetime_;
};

} // namespace talky::sipd
