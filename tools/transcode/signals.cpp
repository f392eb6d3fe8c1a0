// Ctrl-C. A recording from standard input should end as a whole file: the handler puts /dev/null in its
// place, and the program reads the end. Otherwise the pipeline sees interrupted() and leaves, and the
// unfinished file goes with it.
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

#include "source.hpp"

namespace talky::transcode {

namespace {

// A signal handler reaches nothing else.
volatile std::sig_atomic_t came = 0;
volatile std::sig_atomic_t null_device = -1;

extern "C" void on_signal(int) {
  const int kept = errno;
  came = 1;
  if (null_device >= 0) ::dup2(null_device, STDIN_FILENO);
  errno = kept;
}

} // namespace

void watch_signals(bool reads_stdin) {
  if (reads_stdin) null_device = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = static_cast<int>(SA_RESETHAND); // the second one kills
  sigemptyset(&action.sa_mask);
  for (const int signal : std::array{SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction before {};
    // A shell's background job ignores SIGINT, and stays so.
    if (::sigaction(signal, nullptr, &before) == 0 && before.sa_handler != SIG_IGN)
      ::sigaction(signal, &action, nullptr);
  }
}

bool interrupted() {
  return came != 0 && null_device < 0;
}

} // namespace talky::transcode
