#include "sipd/api/snapshots.hpp"

#include <algorithm>
#include <utility>

#include "sipd/worker/worker.hpp"

namespace talky::sipd {
namespace {

constexpr auto kFreshFor = std::chrono::milliseconds(250);

} // namespace

void Snapshots::refresh(Then then) {
  if (waiting_.empty() && refreshed_ != Time{} && net::now() - refreshed_ < kFreshFor) return then(true);
  waiting_.push_back(std::move(then));
  if (waiting_.size() > 1) return; // they have been asked
  workers_.ask_all(
      [this](Worker& worker, const WorkerQuestions::Answer& answer) {
        answer([this, index = worker.index(), calls = worker.snapshots(), counters = worker.totals()] {
          take(index, calls, counters);
        });
      },
      [this](bool fresh) {
        if (fresh) refreshed_ = net::now();
        for (const Then& waiting : std::exchange(waiting_, {}))
          waiting(fresh);
      });
}

void Snapshots::take(std::size_t worker, const std::vector<CallSnapshot>& calls,
                     const WorkerCounters& counters) {
  counters_.resize(std::max(counters_.size(), worker + 1));
  counters_[worker] = counters;
  for (const CallSnapshot& call : calls) {
    if (!state_.find(call.uuid)) continue; // it has ended meanwhile
    metrics_.live(call);
    state_.snapshot(call);
  }
}

WorkerCounters Snapshots::counters() const {
  WorkerCounters out;
  for (const WorkerCounters& one : counters_)
    out += one;
  return out;
}

} // namespace talky::sipd
