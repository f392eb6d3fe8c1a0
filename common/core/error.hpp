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
  io           // the system refused; `what` says the operation
};

std::string_view to_string(Errc code);

// `what` always points to a string literal, so an Error can be copied and kept for ever.
struct Error {
  Errc code;
  std::size_t offset; // where in the input, in bytes from its start; 0 where there is no input
  const char* what;   // what was expected, in a few words

  bool operator==(const Error& other) const { return code == other.code && offset == other.offset; }
};

// To become std::expected when the compilers of the supported systems have it.
template <class T = void>
using Result = tl::expected<T, Error>;

using Unexpected = tl::unexpected<Error>;

// return fail(Errc::truncated, reader.offset(), "an RTP header of 12 bytes");
inline Unexpected fail(Errc code, std::size_t offset, const char* what) {
  return Unexpected(Error{code, offset, what});
}

} // namespace talky
