// Texts spoken for the API by the program of the agent, beside us: at most a few at a time.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <tl/expected.hpp>

#include "sipd/agent/agent_program.hpp"

namespace talky::sipd {

class Speaker {
 public:
  static constexpr std::size_t kMaxAtOnce = 4;

  // `agent_command` "": there is no program to ask.
  Speaker(net::Loop& loop, std::string agent_command) : loop_(loop), command_(std::move(agent_command)) {}

  // Mono s16 at 16 kHz, or a sentence that says why not. `voice` "": the agent's first one. `done` comes
  // once, from the loop.
  using Done = std::function<void(tl::expected<audio::Samples, std::string>)>;
  void speak(const std::string& text, const std::string& voice, Done done);

 private:
  net::Loop& loop_;
  std::string command_;
  std::map<std::uint64_t, AgentRun> runs_;
  std::uint64_t last_ = 0;
};

} // namespace talky::sipd
