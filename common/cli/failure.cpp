#include "cli/failure.hpp"

#include <fmt/format.h>

#include <cerrno>

namespace talky::cli {

std::string input_name(std::string_view path) {
  return path == "-" ? "standard input" : std::string(path);
}

std::string output_name(std::string_view path) {
  return path == "-" ? "standard output" : std::string(path);
}

std::string input_fault(std::string_view path, const Error& error) {
  try {
    fail_input(path, error);
  } catch (const Failure& failure) {
    return failure.what();
  }
}

void fail_input(std::string_view path, const Error& error) {
  const std::string name = input_name(path);
  if (error.code == Errc::io) {
    const ExitCode code = error.offset > 0         ? ExitCode::io
                          : error.system == EACCES ? ExitCode::no_permission
                                                   : ExitCode::no_input;
    throw Failure(code, fmt::format("{}: {}", name, error.reason()));
  }
  if (error.code == Errc::unsupported && error.system == EISDIR)
    throw Failure(ExitCode::no_input, fmt::format("{}: is a directory", name));
  if (error.code == Errc::not_found) throw Failure(ExitCode::unavailable, error.what);
  const char* kind = "expected";
  if (error.code == Errc::truncated) kind = "the input ends; expected";
  if (error.code == Errc::unsupported) kind = "not supported; expected";
  throw Failure(ExitCode::data, fmt::format("{}: at byte {}: {} {}", name, error.offset, kind, error.what));
}

void fail_create(std::string_view path, const Error& error) {
  const std::string name = output_name(path);
  if (error.code != Errc::io)
    throw Failure(ExitCode::usage, fmt::format("{}: expected {}", name, error.what));
  if (error.system == EEXIST)
    throw Failure(ExitCode::cannot_create, fmt::format("{}: exists already; --force overwrites it", name));
  throw Failure(ExitCode::cannot_create, fmt::format("{}: {}", name, error.reason()));
}

void fail_write(std::string_view path, const Error& error) {
  if (error.code == Errc::io && error.system == EEXIST) fail_create(path, error);
  throw Failure(ExitCode::io, fmt::format("{}: {}", output_name(path), error.reason()));
}

void fail_temporary(const Error& error) {
  throw Failure(ExitCode::io, fmt::format("the temporary file: {}", error.reason()));
}

void fail_usage(const std::string& text) {
  throw Failure(ExitCode::usage, text);
}

} // namespace talky::cli
