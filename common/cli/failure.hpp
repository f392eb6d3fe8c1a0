// What cannot be written, as the one line that the user reads and the exit code that a script reads.
#pragma once
#include <string_view>

#include "core/error.hpp"

namespace talky::rtpdump {

// To be called at once after the failure: with Errc::io, errno tells why. "-" is said as "standard output".
[[noreturn]] void fail_create(std::string_view path, const Error& error);
[[noreturn]] void fail_write(std::string_view path, const Error& error);

inline void check_written(const Result<>& result, std::string_view path) {
  if (!result) fail_write(path, result.error());
}

} // namespace talky::rtpdump
