// What the programs' exit codes mean: those of BSD's sysexits, so that a script knows whose fault it was.
#pragma once
#include <stdexcept>
#include <string>

namespace talky::cli {

enum class ExitCode : int {
  ok = 0,
  failed = 1,         // the work was done and its answer is no: a test failed, a call was refused
  usage = 64,         // flags or arguments
  data = 65,          // the input is not what it should be
  no_input = 66,      // a file that cannot be read
  no_host = 68,       // a name that is not known
  unavailable = 69,   // a service, a model or a program that is not there
  software = 70,      // a fault of our own
  os_error = 71,      // no memory, no descriptors
  cannot_create = 73, // an output file
  io = 74,            // reading or writing failed on the way, e.g. a full disk
  temporary = 75,     // try again later
  protocol = 76,      // the other side does not keep to the protocol
  no_permission = 77,
  config = 78, // a setting of the configuration file or the environment
};

// Thrown at start-up; cli::run prints its text as one line and exits with its code.
class Failure : public std::runtime_error {
 public:
  Failure(ExitCode code, const std::string& text) : std::runtime_error(text), code_(code) {}
  ExitCode code() const { return code_; }

 private:
  ExitCode code_;
};

} // namespace talky::cli
