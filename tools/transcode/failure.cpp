#include "failure.hpp"

#include <fmt/core.h>

#include <cerrno>
#include <cstring>

namespace talky::transcode {

using cli::ExitCode;
using cli::Failure;

namespace {

// The system's words for errno, from a constant table.
std::string reason_text(int reason) {
  const char* text = ::strerrordesc_np(reason);
  return text != nullptr ? text : fmt::format("error {}", reason);
}

} // namespace

std::string input_name(std::string_view path) {
  return path == "-" ? "standard input" : std::string(path);
}

std::string output_name(std::string_view path) {
  return path == "-" ? "standard output" : std::string(path);
}

void fail_input(std::string_view path, const Error& error) {
  const int reason = errno;
  const std::string name = input_name(path);
  if (error.code == Errc::io) {
    throw Failure(reason == EACCES ? ExitCode::no_permission : ExitCode::no_input,
                  fmt::format("{}: {}", name, reason_text(reason)));
  }
  if (error.code == Errc::unsupported && reason == EISDIR) {
    throw Failure(ExitCode::no_input, fmt::format("{}: is a directory", name));
  }
  const char* kind = "expected";
  if (error.code == Errc::truncated) kind = "the input ends; expected";
  if (error.code == Errc::unsupported) kind = "not supported; expected";
  throw Failure(ExitCode::data, fmt::format("{}: byte {}: {} {}", name, error.offset, kind, error.what));
}

void fail_create(std::string_view path, const Error& error) {
  const int reason = errno;
  const std::string name = output_name(path);
  if (error.code != Errc::io)
    throw Failure(ExitCode::usage, fmt::format("{}: expected {}", name, error.what));
  if (reason == EEXIST) {
    throw Failure(ExitCode::cannot_create, fmt::format("{}: exists already; --force overwrites it", name));
  }
  throw Failure(ExitCode::cannot_create, fmt::format("{}: {}", name, reason_text(reason)));
}

void fail_write(std::string_view path, const Error& error) {
  const int reason = errno;
  if (error.code == Errc::io && reason == EEXIST) fail_create(path, error);
  throw Failure(ExitCode::io, fmt::format("{}: {}", output_name(path),
                                          reason != 0 ? reason_text(reason) : std::string(error.what)));
}

void fail_temporary() {
  throw Failure(ExitCode::io, fmt::format("the temporary file: {}", reason_text(errno)));
}

void usage(const std::string& text) {
  throw Failure(ExitCode::usage, text);
}

} // namespace talky::transcode
