// A thread with a connection of its own to the call records, for questions that may block: a locked file, a
// slow disk, a server that is away. The API's loop asks; the answer comes back to it.
#pragma once
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "http/message.hpp"
#include "net/lifetime.hpp"
#include "net/loop.hpp"
#include "store/database.hpp"

namespace talky::sipd {

class ReaderThread {
 public:
  static constexpr std::size_t kMaxWaiting = 64; // questions

  // Runs on the thread. The database is null where none is kept; else it is there, or the reason why not.
  using Database = store::Outcome<store::Database*>;
  using Question = std::function<http::Response(const Database&)>;

  ReaderThread(net::Loop& loop, std::optional<store::Location> place);
  ~ReaderThread(); // waits for the question under way; the others get no answer
  ReaderThread(const ReaderThread&) = delete;
  ReaderThread& operator=(const ReaderThread&) = delete;

  // From the loop. 503 at once if too many wait.
  void ask(const http::Reply& reply, Question question);

 private:
  struct Job {
    std::uint64_t id;
    Question question;
  };
  void run();
  Database open();
  void answer(std::uint64_t id, http::Response response);

  net::Loop& loop_;
  std::optional<store::Location> place_;
  std::unique_ptr<store::Database> database_; // the thread's
  // Replies stay on the loop: letting go of the last copy of one answers it.
  std::map<std::uint64_t, http::Reply> replies_;
  std::uint64_t last_id_ = 0;
  net::Lifetime lifetime_;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> jobs_;
  bool stopping_ = false;
  std::thread thread_; // from the first question on
};

} // namespace talky::sipd
