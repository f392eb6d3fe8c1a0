// What can go wrong, and how a function says so. No core throws; exceptions are for start-up only.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <tl/expected.hpp>

namespace talky {

enum class Errc : std::uint8_t {
  truncated,   // the input ends too early
  malformed,   // the input breaks the grammar
  unsupported, // well-formed, but not something we do
  too_large,   // a stated limit is exceeded
  closed,      // the other side is gone, or the object has ended
  not_found,   // no such thing
  io           // the system refused; `system` says why where it gave a reason, `what` names what was wanted
};

std::string_view to_string(Errc code);

// The system's words for an errno, such as "No space left on device", in English; a literal of the C library.
// "an unknown error" for a number that it does not know.
const char* system_text(int system);

// `what` always points to a string literal, so an Error can be copied and kept for ever.
struct Error {
  constexpr Error(Errc error, std::size_t where, const char* expected, int reason = 0)
      : code(error), system(reason), offset(where), what(expected) {}

  Errc code;
  int system;         // errno of the system call that failed; 0: none did
  std::size_t offset; // where in the input, in bytes from its start; 0 where there is no input
  const char* what;   // what was expected, in a few words

  // Why, as people read it: the system's words where it gave a reason, else `what`.
  const char* reason() const { return system != 0 ? system_text(system) : what; }

  bool operator==(const Error& other) const { return code == other.code && offset == other.offset; }
};

// To become std::expected when the compilers of the supported systems have it.
template <class T = void>
using Result = tl::expected<T, Error>;

using Unexpected = tl::unexpected<Error>;

// return fail(Errc::truncated, reader.offset(), "an RTP header of 12 bytes");
// At the place of a system call, before anything else can fail:
// if (fd < 0) return fail(Errc::io, 0, "a file that can be opened", errno);
inline Unexpected fail(Errc code, std::size_t offset, const char* what, int system = 0) {
  return Unexpected(Error{code, offset, what, system});
}

} // namespace talky
