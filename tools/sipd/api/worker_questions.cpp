#include "sipd/api/worker_questions.hpp"

#include <utility>

#include "sipd/worker/worker.hpp"

namespace talky::sipd {
namespace {

constexpr auto kAnswerLimit = std::chrono::seconds(5);

} // namespace

void WorkerQuestions::ask(const std::vector<Worker*>& whom, const Work& work, Done done) {
  const std::uint64_t id = ++last_;
  auto limit = std::make_unique<net::Timer>(loop_, [this, id] { end(id, false); });
  limit->at(net::now() + kAnswerLimit);
  questions_.emplace(id, Question{whom.size(), std::move(done), std::move(limit)});
  for (Worker* worker : whom) {
    worker->post([this, worker, id, work] {
      work(*worker, [this, id](std::function<void()> take) {
        loop_.post([this, id, take = std::move(take)] {
          take();
          answered(id);
        });
      });
    });
  }
}

void WorkerQuestions::answered(std::uint64_t id) {
  const auto question = questions_.find(id);
  if (question != questions_.end() && --question->second.missing == 0) end(id, true);
}

void WorkerQuestions::end(std::uint64_t id, bool answered) {
  const auto node = questions_.extract(id);
  if (!node.empty()) node.mapped().done(answered);
}

void WorkerQuestions::forget() {
  questions_.clear();
}

} // namespace talky::sipd
