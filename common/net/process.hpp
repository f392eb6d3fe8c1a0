// Child processes: started with pipes, watched by pidfd, ended for certain, never left as zombies.
#pragma once
#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/time.hpp"
#include "net/fd.hpp"
#include "net/loop.hpp"
#include "net/stream.hpp"

namespace talky::net {

class Process {
 public:
  struct Options {
    std::vector<std::string> argv;        // argv[0] is looked up in PATH unless it holds a '/'
    std::vector<std::string> environment; // "KEY=value", added to our own
    bool pipe_stdio = false;              // fd 0 and 1; otherwise /dev/null and our stderr
    bool pipe_stderr = false;             // fd 2; otherwise ours
    bool pipe_control = false;            // fd 3 to the child, fd 4 from it
    std::size_t max_queue = 1 << 20;
  };
  struct Exit {
    bool signalled = false;
    int code = 0;                  // exit status, or the number of the signal
    std::string to_string() const; // "exit status 1", "signal 9 (Killed)"
  };

  // The child leads a process group of its own, which is what stop() signals. `exited` comes once, on the
  // loop, when it has been reaped; not after the Process is gone.
  static SysResult<std::unique_ptr<Process>> spawn(Loop& loop, const Options& options,
                                                   std::function<void(Exit)> exited);

  pid_t pid() const;
  // Null without the pipe. The caller starts them; writing to a child that has gone closes the stream.
  const std::shared_ptr<Connection>& in() const;          // to fd 0
  const std::shared_ptr<Connection>& out() const;         // from fd 1
  const std::shared_ptr<Connection>& err() const;         // from fd 2
  const std::shared_ptr<Connection>& control_in() const;  // to fd 3
  const std::shared_ptr<Connection>& control_out() const; // from fd 4

  // SIGTERM now, SIGKILL after `grace`, and to the rest of the group when its leader has ended. The Process
  // may be destroyed at once: the child is still reaped.
  void stop(Duration grace);
  void stop_later(Duration patience, Duration grace); // the same, unless it has ended by itself until then
  void kill();                                        // SIGKILL

  ~Process(); // a child that still runs gets SIGKILL
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

 private:
  struct Impl;
  explicit Process(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

} // namespace talky::net
