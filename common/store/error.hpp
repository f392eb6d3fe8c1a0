// Why a database or the spool could not do what was asked. Unlike the cores' Error it carries the words of
// the system behind it, which differ each time.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace talky::store {

enum class Fault : std::uint8_t {
  busy,    // locked by somebody else for longer than we wait: try again
  full,    // the disk, or a quota
  away,    // no server, no file, no permission, the connection broke: try again
  refused, // this very record or statement is not accepted: trying again is of no use
  newer,   // made by a newer talky, with a schema that this one does not know
  invalid  // the caller's mistake: a URL or a page token that makes no sense
};
std::string_view to_string(Fault fault);

struct Error {
  Fault fault = Fault::away;
  std::string text; // one line, without secrets
};

template <class T = void>
using Outcome = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(Fault fault, std::string text) {
  return tl::unexpected(Error{fault, std::move(text)});
}

} // namespace talky::store
