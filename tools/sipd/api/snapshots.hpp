// How the workers' calls stand, and what they have counted: however many clients ask, each worker is asked
// four times a second at most.
#pragma once
#include <functional>
#include <vector>

#include "core/time.hpp"
#include "sipd/api/api_state.hpp"
#include "sipd/api/metrics.hpp"
#include "sipd/api/worker_questions.hpp"
#include "sipd/worker/worker_counters.hpp"

namespace talky::sipd {

class Snapshots {
 public:
  // What comes goes into `state` and `metrics`.
  Snapshots(WorkerQuestions& workers, ApiState& state, Metrics& metrics)
      : workers_(workers), state_(state), metrics_(metrics) {}

  using Then = std::function<void(bool fresh)>; // false: a worker does not answer, and what is known is old
  void refresh(Then then);
  void outdate() { refreshed_ = {}; } // what is asked for next shows what has been done meanwhile
  void forget() { waiting_.clear(); } // who waits: nobody is told any more

  WorkerCounters counters() const; // of all workers together, as last heard

 private:
  void take(std::size_t worker, const std::vector<CallSnapshot>& calls, const WorkerCounters& counters);

  WorkerQuestions& workers_;
  ApiState& state_;
  Metrics& metrics_;
  std::vector<Then> waiting_;
  Time refreshed_{};
  std::vector<WorkerCounters> counters_; // by worker
};

} // namespace talky::sipd
