// The process: its threads, its signals, and what the workers share.
#pragma once
#include "sipd/daemon/settings.hpp"

namespace talky::sipd {

// Runs until SIGTERM or SIGINT; gives the exit code. `argc` and `argv` are read again at SIGHUP.
int serve(Settings settings, int argc, const char* const* argv);

} // namespace talky::sipd
