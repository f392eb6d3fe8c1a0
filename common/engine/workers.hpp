// Threads that work for many calls: bounded, fair and cancellable. Every call has a lane; the lanes that have
// work are served in turn, one job of a lane at a time and in its order, so that one call's long work delays
// another call by at most one job.
#pragma once
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

namespace talky::engine {

class Workers {
 public:
  struct Limits {
    std::size_t threads = 1;
    std::size_t waiting = 256; // jobs of all lanes that have not begun
  };
  // `stop` is requested when the job is cancelled, its lane closed, or the Workers go.
  using Job = std::function<void(const std::stop_token& stop)>;
  using JobId = std::uint64_t;

  explicit Workers(Limits limits);
  ~Workers(); // asks the running jobs to stop, waits for them, and drops the waiting ones
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  // One call's share. The Workers must outlive it. Its functions may be called from any thread.
  class Lane {
   public:
    Lane(Workers& workers, std::size_t max_waiting);
    ~Lane(); // drops the waiting jobs and asks the running one to stop; does not wait for it
    Lane(const Lane&) = delete;
    Lane& operator=(const Lane&) = delete;

    // False: the lane or the whole is full. Ids are the caller's and unique in the lane while the job lives.
    bool submit(JobId id, Job job);
    // Drops it if it waits (then its destructor runs, and nothing else), asks it to stop if it runs.
    void cancel(JobId id);

   private:
    Workers& workers_;
    std::uint64_t key_ = 0;
  };

  std::size_t waiting() const; // jobs of all lanes that have not begun

 private:
  struct Waiting {
    JobId id;
    Job job;
  };
  struct Queue {
    std::size_t max_waiting = 0;
    std::deque<Waiting> waiting;
    bool running = false;
    bool closed = false;
    JobId running_id = 0;
    std::stop_source stop;
  };

  void work();
  bool submit(std::uint64_t key, JobId id, Job job);
  void cancel(std::uint64_t key, JobId id);
  void close(std::uint64_t key);

  const Limits limits_;
  mutable std::mutex mutex_;
  std::condition_variable work_there_;
  std::map<std::uint64_t, Queue> lanes_;
  std::deque<std::uint64_t> turn_; // lanes with waiting jobs of which none runs, in the order of service
  std::uint64_t next_key_ = 1;
  std::size_t waiting_ = 0;
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

} // namespace talky::engine
