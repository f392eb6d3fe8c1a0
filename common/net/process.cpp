#include "net/process.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>
#include <cstring>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <utility>

extern char** environ; // NOLINT(readability-redundant-declaration): POSIX has it declared by the program

namespace talky::net {
namespace {

// Our descriptors of a pipe lie above those that a child gets, so that no dup2 in the child runs over
// another.
constexpr int kAboveInherited = 10;

struct Pipe {
  Fd read, write;
};

SysResult<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return last_error("pipe");
  const Fd read(ends[0]);
  const Fd write(ends[1]);
  Pipe out{Fd(::fcntl(read.get(), F_DUPFD_CLOEXEC, kAboveInherited)),
           Fd(::fcntl(write.get(), F_DUPFD_CLOEXEC, kAboveInherited))};
  if (!out.read || !out.write) return last_error("pipe");
  return out;
}

// The orders for posix_spawn; freed whichever way spawn() ends.
struct SpawnPlan {
  posix_spawn_file_actions_t actions{};
  posix_spawnattr_t attributes{};

  SpawnPlan() {
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawnattr_init(&attributes);
    sigset_t set;
    ::sigemptyset(&set);
    ::posix_spawnattr_setsigmask(&attributes, &set);
    for (const int number : {SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGCHLD})
      ::sigaddset(&set, number);
    ::posix_spawnattr_setsigdefault(&attributes, &set);
    ::posix_spawnattr_setpgroup(&attributes, 0);
    ::posix_spawnattr_setflags(&attributes,
                               POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  }
  ~SpawnPlan() {
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;
};

std::vector<std::string> merged_environment(const std::vector<std::string>& added) {
  std::vector<std::string> out = added;
  for (char** entry = environ; *entry; ++entry) {
    const std::string_view text(*entry);
    const std::string_view key = text.substr(0, text.find('=') + 1);
    bool replaced = false;
    for (const std::string& one : added)
      replaced = replaced || std::string_view(one).starts_with(key);
    if (!replaced) out.emplace_back(text);
  }
  return out;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  out.reserve(texts.size() + 1);
  for (std::string& text : texts)
    out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

} // namespace

std::string Process::Exit::to_string() const {
  if (!signalled) return "exit status " + std::to_string(code);
  const char* name = ::sigabbrev_np(code);
  return "signal " + std::to_string(code) + (name ? std::string(" (SIG") + name + ")" : std::string());
}

struct Process::Impl : std::enable_shared_from_this<Process::Impl> {
  explicit Impl(Loop& owner) : loop(owner) {}

  // Reaped here and nowhere else. The impl lives until then, whether or not the Process does.
  void reap() {
    siginfo_t info{};
    const auto id = static_cast<id_t>(pid);
    if (::waitid(P_PID, id, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) return;
    // A process that is to stop takes its helpers along. Until the leader is reaped its number is still the
    // group's.
    if (killer) ::kill(-pid, SIGKILL);
    if (::waitid(P_PID, id, &info, WEXITED | WNOHANG) != 0 || info.si_pid == 0) return;
    const auto keep = std::exchange(alive, nullptr);
    watch.reset();
    pidfd.reset();
    killer.reset();
    running = false;
    const Exit exit{.signalled = info.si_code != CLD_EXITED, .code = info.si_status};
    if (const auto call = std::exchange(exited, nullptr)) call(exit);
  }

  void signal(int number) const {
    if (running) ::kill(-pid, number);
  }

  Loop& loop;
  pid_t pid = -1;
  Fd pidfd;
  Watch watch;
  std::shared_ptr<Connection> in, out, err, control_in, control_out;
  std::function<void(Exit)> exited;
  std::optional<Timer> killer;
  std::shared_ptr<Impl> alive; // itself, until the child has been reaped
  bool running = false;
};

SysResult<std::unique_ptr<Process>> Process::spawn(Loop& loop, const Options& options,
                                                   std::function<void(Exit)> exited) {
  SpawnPlan plan;
  auto impl = std::make_shared<Impl>(loop);
  std::vector<Fd> of_child; // closed here once the child has them

  const auto to_child = [&](int target, std::shared_ptr<Connection>& end) -> SysResult<> {
    auto pipe = make_pipe();
    if (!pipe) return tl::unexpected(pipe.error());
    ::posix_spawn_file_actions_adddup2(&plan.actions, pipe->read.get(), target);
    of_child.push_back(std::move(pipe->read));
    end = Connection::adopt(loop, std::move(pipe->write), options.max_queue);
    return {};
  };
  const auto from_child = [&](int target, std::shared_ptr<Connection>& end) -> SysResult<> {
    auto pipe = make_pipe();
    if (!pipe) return tl::unexpected(pipe.error());
    ::posix_spawn_file_actions_adddup2(&plan.actions, pipe->write.get(), target);
    of_child.push_back(std::move(pipe->write));
    end = Connection::adopt(loop, std::move(pipe->read), options.max_queue);
    return {};
  };

  SysResult<> made;
  if (options.pipe_stdio) {
    made = to_child(STDIN_FILENO, impl->in);
    if (made) made = from_child(STDOUT_FILENO, impl->out);
  } else {
    ::posix_spawn_file_actions_addopen(&plan.actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&plan.actions, STDERR_FILENO, STDOUT_FILENO);
  }
  if (made && options.pipe_stderr) made = from_child(STDERR_FILENO, impl->err);
  if (made && options.pipe_control) made = to_child(3, impl->control_in);
  if (made && options.pipe_control) made = from_child(4, impl->control_out);
  if (!made) return tl::unexpected(made.error());

  std::vector<std::string> arguments = options.argv;
  std::vector<std::string> environment = merged_environment(options.environment);
  const auto argv = pointers(arguments);
  const auto envp = pointers(environment);
  const int error =
      ::posix_spawnp(&impl->pid, argv[0], &plan.actions, &plan.attributes, argv.data(), envp.data());
  if (error != 0) return tl::unexpected(SystemError{error, "spawn"});

  impl->running = true;
  impl->exited = std::move(exited);
  // The child cannot be reaped before we do it, so its number cannot have become another's.
  impl->pidfd = Fd(static_cast<int>(::syscall(SYS_pidfd_open, impl->pid, 0)));
  if (!impl->pidfd) {
    const auto failure = last_error("pidfd_open");
    ::kill(-impl->pid, SIGKILL);
    ::waitpid(impl->pid, nullptr, 0);
    return failure;
  }
  impl->alive = impl;
  impl->watch = Watch(loop, impl->pidfd.get(), [raw = impl.get()](Watch::Ready) { raw->reap(); });
  return std::unique_ptr<Process>(new Process(std::move(impl)));
}

Process::Process(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

Process::~Process() {
  impl_->exited = nullptr;
  if (!impl_->killer) kill(); // otherwise stop() has given it time
  // What is being drained towards the child goes on.
  for (const auto& end : {impl_->out, impl_->err, impl_->control_out}) {
    if (end) end->close();
  }
  for (const auto& end : {impl_->in, impl_->control_in}) {
    if (end && !end->is_closing()) end->close();
  }
}

pid_t Process::pid() const {
  return impl_->pid;
}
const std::shared_ptr<Connection>& Process::in() const {
  return impl_->in;
}
const std::shared_ptr<Connection>& Process::out() const {
  return impl_->out;
}
const std::shared_ptr<Connection>& Process::err() const {
  return impl_->err;
}
const std::shared_ptr<Connection>& Process::control_in() const {
  return impl_->control_in;
}
const std::shared_ptr<Connection>& Process::control_out() const {
  return impl_->control_out;
}

void Process::stop(Duration grace) {
  if (!impl_->running || impl_->killer) return;
  impl_->signal(SIGTERM);
  impl_->killer.emplace(impl_->loop, [impl = impl_.get()] { impl->signal(SIGKILL); });
  impl_->killer->at(now() + grace);
}

void Process::stop_later(Duration patience, Duration grace) {
  if (!impl_->running || impl_->killer) return;
  impl_->killer.emplace(impl_->loop, [impl = impl_.get(), grace] {
    impl->signal(SIGTERM);
    // Replacing the timer from its own callback: the new one takes over.
    auto next = net::Timer(impl->loop, [impl] { impl->signal(SIGKILL); });
    next.at(now() + grace);
    impl->killer = std::move(next);
  });
  impl_->killer->at(now() + patience);
}

void Process::kill() {
  impl_->signal(SIGKILL);
}

} // namespace talky::net
