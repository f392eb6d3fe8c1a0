#include "cli/failure.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "cli/exit_code.hpp"

namespace talky::rtpdump {

namespace {

std::string line(std::string_view path, const Error& error, int reason) {
  const char* what = error.code != Errc::io || reason == 0 ? error.what
                     : reason == EEXIST                    ? "exists (-f overwrites)"
                                                           : ::strerrordesc_np(reason);
  return fmt::format("{}: {}", path == "-" ? "standard output" : path, what);
}

} // namespace

void fail_create(std::string_view path, const Error& error) {
  const int reason = errno;
  throw cli::Failure(cli::ExitCode::cannot_create, line(path, error, reason));
}

void fail_write(std::string_view path, const Error& error) {
  const int reason = errno;
  if (error.code == Errc::io && reason == EEXIST) fail_create(path, error);
  throw cli::Failure(cli::ExitCode::io, line(path, error, reason));
}

} // namespace talky::rtpdump
