// The agent behind the target `agent`: looks for one on its socket, starts talky-agent if there is none,
// starts it again when it dies (0.5 s later, then 1 s, 2 s ... 30 s), and keeps a spoken apology for callers
// whose agent has died under them.
#pragma once
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "audio/samples.hpp"
#include "core/log.hpp"
#include "net/process.hpp"
#include "net/stream.hpp"
#include "sipd/agent/spoken.hpp"

namespace talky::sipd {

class Agent {
 public:
  static constexpr auto kStartLimit = std::chrono::seconds(20); // how long a call waits for the first one

  struct Options {
    net::StreamAddress address;
    std::string command; // "": none is started
    std::string journal; // folder for its journals; "" for none
  };
  // All but the functions marked so are for the loop's own thread.
  Agent(net::Loop& loop, Options options, log::Sink log);
  ~Agent(); // an agent of ours that still runs is killed

  void start();
  // SIGTERM to an agent of ours, SIGKILL 2 s later; `done` comes once it has ended.
  void stop(std::function<void()> done);

  const net::StreamAddress& address() const { return options_.address; } // any thread
  // Whether waiting for it makes sense: it is up, or being started.
  bool may_come() const { return may_come_; } // any thread
  // It listens, so its models are loaded: callers are answered and understood.
  bool ready() const { return ready_; } // any thread
  // A call found nobody: look again, and start one if need be.
  void wanted(); // any thread
  // Mono s16 at 16 kHz; spoken by the agent's own voice where it could be asked in time, otherwise three
  // tones.
  std::shared_ptr<const audio::Samples> apology() const { return apology_.samples(); } // any thread

 private:
  void look();
  void looked(bool there);
  void spawn();
  void exited(const net::Process::Exit& exit);

  net::Loop& loop_;
  Options options_;
  log::Sink log_;
  std::atomic<bool> may_come_{true};
  std::unique_ptr<net::Process> process_;
  std::optional<net::Connecting> probe_;
  net::Timer timer_;
  std::atomic<bool> ready_{false};
  bool looking_ = false;
  int failures_ = 0; // starts in a row that came to nothing
  Time spawned_{};

  std::function<void()> stopped_;
  SpokenSentence apology_;
};

} // namespace talky::sipd
