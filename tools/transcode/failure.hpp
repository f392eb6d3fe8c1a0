// What goes wrong, as the one line that the user reads and the exit code that a script reads.
#pragma once
#include <string>
#include <string_view>

#include "cli/exit_code.hpp"
#include "core/error.hpp"

namespace talky::transcode {

// "-" is said as "standard input" or "standard output".
std::string input_name(std::string_view path);
std::string output_name(std::string_view path);

// To be called at once after the failure: with Errc::io, errno tells why.
[[noreturn]] void fail_input(std::string_view path, const Error& error);
[[noreturn]] void fail_create(std::string_view path, const Error& error); // the output could not be made
[[noreturn]] void fail_write(std::string_view path, const Error& error);
[[noreturn]] void usage(const std::string& text);

// What a temporary file gives; its failure is thrown (io).
[[noreturn]] void fail_temporary();
template <class T>
T check_temporary(const Result<T>& done) {
  if (!done) fail_temporary();
  if constexpr (!std::is_void_v<T>) return *done;
}

} // namespace talky::transcode
