#include "line_files.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace talky::agent {

LineFiles::LineFiles(log::Sink log) : log_(std::move(log)), thread_([this] { work(); }) {}

LineFiles::~LineFiles() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  there_.notify_one();
  thread_.join();
}

net::SysResult<LineFiles::File> LineFiles::create(const std::string& path, bool force) {
  const int flags = O_WRONLY | O_CREAT | O_CLOEXEC | (force ? O_TRUNC : O_EXCL);
  net::Fd fd(::open(path.c_str(), flags, 0640));
  if (!fd) return net::last_error("open");
  const std::lock_guard lock(mutex_);
  files_[next_] = {std::move(fd), path};
  return next_++;
}

void LineFiles::write(File file, std::string line) {
  line += '\n';
  bool first_dropped = false;
  {
    const std::lock_guard lock(mutex_);
    if (queued_ + line.size() > kMaxQueued) {
      first_dropped = !std::exchange(dropping_, true);
    } else {
      dropping_ = false;
      queued_ += line.size();
      tasks_.push_back({file, std::move(line)});
    }
  }
  there_.notify_one();
  if (first_dropped) log_(log::Level::error, log::Line("files.slow").add("dropped", "lines").str());
}

void LineFiles::close(File file) {
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back({file, {}});
  }
  there_.notify_one();
}

void LineFiles::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    there_.wait(lock, [this] { return ending_ || !tasks_.empty(); });
    if (tasks_.empty()) return;
    const Task task = std::move(tasks_.front());
    tasks_.pop_front();
    queued_ -= task.text.size();
    lock.unlock();
    put(task);
    lock.lock();
  }
}

// Runs on the thread. The map is only changed under the lock, and an entry only by the one who closes it:
// here.
void LineFiles::put(const Task& task) {
  Open* file = nullptr;
  {
    const std::lock_guard lock(mutex_);
    const auto found = files_.find(task.file);
    if (found == files_.end()) return;
    if (task.text.empty()) {
      files_.erase(found);
      return;
    }
    file = &found->second;
  }
  std::size_t written = 0;
  while (!file->failed && written < task.text.size()) {
    const ssize_t count = ::write(file->fd.get(), task.text.data() + written, task.text.size() - written);
    if (count > 0) {
      written += static_cast<std::size_t>(count);
    } else if (count == 0 || errno != EINTR) {
      file->failed = true; // the call goes on without
      log_(log::Level::error, log::Line("file.failed")
                                  .add("path", file->path)
                                  .add("error", count == 0 ? "nothing written" : std::strerror(errno))
                                  .str());
    }
  }
}

} // namespace talky::agent
