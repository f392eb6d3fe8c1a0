// Questions and commands of the API to the workers, who own the calls. A question runs on the worker's
// thread; its answer comes back to the API's loop. Nobody waits longer than five seconds for a worker, and
// what belongs to the loop (a reply, which answers when its last copy goes) never leaves it.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "net/loop.hpp"

namespace talky::sipd {

class Worker;

class WorkerQuestions {
 public:
  explicit WorkerQuestions(net::Loop& loop) : loop_(loop) {} // the API's
  void start(std::vector<Worker*> workers) { workers_ = std::move(workers); }
  void forget(); // those that are under way: nobody is told any more

  const std::vector<Worker*>& workers() const { return workers_; }
  Worker& worker(std::size_t index) const { return *workers_[index]; }

  // `answer` is called once, on the worker's thread, at once or later; what it is given runs on the API's
  // loop, even if it comes too late.
  using Answer = std::function<void(std::function<void()> take)>;
  using Work = std::function<void(Worker& worker, const Answer& answer)>;
  // On the API's loop, once: when all have answered (true), or when the time is over.
  using Done = std::function<void(bool answered)>;
  void ask(Worker& worker, const Work& work, Done done) { ask({&worker}, work, std::move(done)); }
  void ask_all(const Work& work, Done done) { ask(workers_, work, std::move(done)); }

 private:
  struct Question {
    std::size_t missing; // workers that have not answered
    Done done;
    std::unique_ptr<net::Timer> limit;
  };
  void ask(const std::vector<Worker*>& whom, const Work& work, Done done);
  void answered(std::uint64_t id);
  void end(std::uint64_t id, bool answered);

  net::Loop& loop_;
  std::vector<Worker*> workers_;
  std::map<std::uint64_t, Question> questions_;
  std::uint64_t last_ = 0;
};

} // namespace talky::sipd
