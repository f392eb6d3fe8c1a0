#include "engine/workers.hpp"

#include <algorithm>
#include <utility>

namespace talky::engine {

Workers::Workers(Limits limits) : limits_(limits) {
  for (std::size_t i = 0; i < std::max<std::size_t>(1, limits_.threads); ++i)
    threads_.emplace_back([this] { work(); });
}

Workers::~Workers() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    for (auto& [key, queue] : lanes_) {
      queue.waiting.clear();
      if (queue.running) queue.stop.request_stop();
    }
    turn_.clear();
    waiting_ = 0;
  }
  work_there_.notify_all();
  for (std::thread& thread : threads_)
    thread.join();
}

void Workers::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    work_there_.wait(lock, [this] { return ending_ || !turn_.empty(); });
    if (ending_) return;
    const std::uint64_t key = turn_.front();
    turn_.pop_front();
    // References into a map stay good while others come and go; a lane with a running job is not erased.
    Queue& queue = lanes_.at(key);
    Waiting next = std::move(queue.waiting.front());
    queue.waiting.pop_front();
    --waiting_;
    queue.running = true;
    queue.running_id = next.id;
    queue.stop = std::stop_source();
    const std::stop_token stop = queue.stop.get_token();

    lock.unlock();
    next.job(stop);
    next.job = nullptr; // what it holds goes without the lock
    lock.lock();

    queue.running = false;
    if (queue.closed) {
      lanes_.erase(key);
    } else if (!queue.waiting.empty()) {
      turn_.push_back(key);
      work_there_.notify_one();
    }
  }
}

bool Workers::submit(std::uint64_t key, JobId id, Job job) {
  {
    const std::lock_guard lock(mutex_);
    Queue& queue = lanes_.at(key);
    if (ending_ || waiting_ >= limits_.waiting || queue.waiting.size() >= queue.max_waiting) return false;
    queue.waiting.push_back({id, std::move(job)});
    ++waiting_;
    if (queue.running || queue.waiting.size() > 1) return true; // its turn is taken or comes by itself
    turn_.push_back(key);
  }
  work_there_.notify_one();
  return true;
}

void Workers::cancel(std::uint64_t key, JobId id) {
  Job dropped; // destroyed without the lock
  const std::lock_guard lock(mutex_);
  Queue& queue = lanes_.at(key);
  if (queue.running && queue.running_id == id) {
    queue.stop.request_stop();
    return;
  }
  const auto found = std::find_if(queue.waiting.begin(), queue.waiting.end(),
                                  [id](const Waiting& waiting) { return waiting.id == id; });
  if (found == queue.waiting.end()) return;
  dropped = std::move(found->job);
  queue.waiting.erase(found);
  --waiting_;
  if (queue.waiting.empty() && !queue.running) std::erase(turn_, key);
}

void Workers::close(std::uint64_t key) {
  std::deque<Waiting> dropped; // destroyed without the lock
  const std::lock_guard lock(mutex_);
  Queue& queue = lanes_.at(key);
  waiting_ -= queue.waiting.size();
  dropped.swap(queue.waiting);
  std::erase(turn_, key);
  if (queue.running) {
    queue.stop.request_stop();
    queue.closed = true; // erased when the job has ended
  } else {
    lanes_.erase(key);
  }
}

std::size_t Workers::waiting() const {
  const std::lock_guard lock(mutex_);
  return waiting_;
}

Workers::Lane::Lane(Workers& workers, std::size_t max_waiting) : workers_(workers) {
  const std::lock_guard lock(workers_.mutex_);
  key_ = workers_.next_key_++;
  workers_.lanes_[key_].max_waiting = max_waiting;
}

Workers::Lane::~Lane() {
  workers_.close(key_);
}

bool Workers::Lane::submit(JobId id, Job job) {
  return workers_.submit(key_, id, std::move(job));
}

void Workers::Lane::cancel(JobId id) {
  workers_.cancel(key_, id);
}

} // namespace talky::engine
