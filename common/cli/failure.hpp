// What went wrong with an input or an output, as the one line that the user reads and the exit code that a
// script reads. Every program that reads or writes files says it in these words.
#pragma once
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "cli/exit_code.hpp"
#include "core/error.hpp"

namespace talky::cli {

// "-" is written as "standard input" or "standard output".
std::string input_name(std::string_view path);
std::string output_name(std::string_view path);

// All throw Failure.

// An input: no_input or no_permission if it cannot be opened, io if reading fails on the way, unavailable for
// Errc::not_found (a library that reading it needs is not installed), else data.
[[noreturn]] void fail_input(std::string_view path, const Error& error);
// The line of such a Failure, for a fault that does not end the work.
std::string input_fault(std::string_view path, const Error& error);
// An output that cannot be made: cannot_create, or usage if the fault is in what was asked for.
[[noreturn]] void fail_create(std::string_view path, const Error& error);
// An output that cannot be written (io); one whose name was taken meanwhile cannot be made.
[[noreturn]] void fail_write(std::string_view path, const Error& error);
// A temporary file (io).
[[noreturn]] void fail_temporary(const Error& error);
[[noreturn]] void fail_usage(const std::string& text);

inline void check_written(const Result<>& done, std::string_view path) {
  if (!done) fail_write(path, done.error());
}
template <class T>
T check_input(Result<T> got, std::string_view path) {
  if (!got) fail_input(path, got.error());
  if constexpr (!std::is_void_v<T>) return std::move(*got);
}
template <class T>
T check_temporary(Result<T> done) {
  if (!done) fail_temporary(done.error());
  if constexpr (!std::is_void_v<T>) return std::move(*done);
}

} // namespace talky::cli
