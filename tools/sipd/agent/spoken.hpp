// A sentence of ours that callers may have to hear: spoken once, by the agent's program in its own voice, and
// kept.
#pragma once
#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "core/log.hpp"
#include "sipd/agent/agent_program.hpp"

namespace talky::sipd {

class SpokenSentence {
 public:
  // `command` "": there is no program to ask. `instead` is given while it has not been spoken. `event` is the
  // name of the line in the log that tells how it went.
  SpokenSentence(net::Loop& loop, std::string command, std::string text, audio::Samples instead,
                 std::string event, log::Sink log);

  // It will be needed: spoken now, unless it has been, or is being. A program that could not is asked again
  // with the next call of this.
  void wanted(); // any thread
  // Mono s16 at 16 kHz.
  std::shared_ptr<const audio::Samples> samples() const; // any thread

 private:
  void ask();

  net::Loop& loop_;
  std::string command_, text_, event_;
  log::Sink log_;
  std::atomic<bool> asked_{false};
  std::optional<AgentRun> run_;
  mutable std::mutex mutex_;
  std::shared_ptr<const audio::Samples> samples_;
};

} // namespace talky::sipd
