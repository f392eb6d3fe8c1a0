// Text files that are written line by line from a loop that must not wait for a disk: one thread of its own,
// a bounded queue. A line is in the file a moment after write(); what is queued is written before the end.
#pragma once
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "core/log.hpp"
#include "net/fd.hpp"

namespace talky::agent {

class LineFiles {
 public:
  static constexpr std::size_t kMaxQueued = 64U
                                            << 20; // bytes; beyond it lines are dropped, and that is logged

  explicit LineFiles(log::Sink log);
  ~LineFiles(); // writes what is queued
  LineFiles(const LineFiles&) = delete;
  LineFiles& operator=(const LineFiles&) = delete;

  using File = std::uint64_t;
  // Creates the file now. An existing one is only overwritten with `force`; fails with EEXIST otherwise.
  net::SysResult<File> create(const std::string& path, bool force);
  void write(File file, std::string line); // without its line end
  void close(File file);

 private:
  struct Task {
    File file;
    std::string text; // empty: close
  };
  struct Open {
    net::Fd fd;
    std::string path;
    bool failed = false;
  };
  void work();
  void put(const Task& task);

  log::Sink log_;
  std::mutex mutex_;
  std::condition_variable there_;
  std::deque<Task> tasks_;
  std::size_t queued_ = 0;
  bool dropping_ = false;
  bool ending_ = false;
  std::map<File, Open> files_;
  File next_ = 1;
  std::thread thread_;
};

} // namespace talky::agent
