#include "cli/failure.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

namespace talky::cli {

namespace {

// What the system said; 0 where it said nothing.
int reason_of(const Error& error) {
  return error.code == Errc::io || error.code == Errc::unsupported ? errno : 0;
}

// The system's words, from a constant table; else what was expected.
std::string reason_text(const Error& error, int reason) {
  if (reason == 0) return error.what;
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
  const int reason = reason_of(error);
  const std::string name = input_name(path);
  if (error.code == Errc::io) {
    const ExitCode code = error.offset > 0   ? ExitCode::io
                          : reason == EACCES ? ExitCode::no_permission
                                             : ExitCode::no_input;
    throw Failure(code, fmt::format("{}: {}", name, reason_text(error, reason)));
  }
  if (error.code == Errc::unsupported && reason == EISDIR)
    throw Failure(ExitCode::no_input, fmt::format("{}: is a directory", name));
  if (error.code == Errc::not_found) throw Failure(ExitCode::unavailable, error.what);
  const char* kind = "expected";
  if (error.code == Errc::truncated) kind = "the input ends; expected";
  if (error.code == Errc::unsupported) kind = "not supported; expected";
  throw Failure(ExitCode::data, fmt::format("{}: at byte {}: {} {}", name, error.offset, kind, error.what));
}

void fail_create(std::string_view path, const Error& error) {
  const int reason = reason_of(error);
  const std::string name = output_name(path);
  if (error.code != Errc::io)
    throw Failure(ExitCode::usage, fmt::format("{}: expected {}", name, error.what));
  if (reason == EEXIST)
    throw Failure(ExitCode::cannot_create, fmt::format("{}: exists already; --force overwrites it", name));
  throw Failure(ExitCode::cannot_create, fmt::format("{}: {}", name, reason_text(error, reason)));
}

void fail_write(std::string_view path, const Error& error) {
  const int reason = reason_of(error);
  if (error.code == Errc::io && reason == EEXIST) fail_create(path, error);
  throw Failure(ExitCode::io, fmt::format("{}: {}", output_name(path), reason_text(error, reason)));
}

void fail_temporary(const Error& error) {
  throw Failure(ExitCode::io, fmt::format("the temporary file: {}", reason_text(error, reason_of(error))));
}

void fail_usage(const std::string& text) {
  throw Failure(ExitCode::usage, text);
}

} // namespace talky::cli
