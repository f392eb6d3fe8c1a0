#include "core/error.hpp"

#include <cstring>

namespace talky {

std::string_view to_string(Errc code) {
  switch (code) {
    case Errc::truncated: return "truncated";
    case Errc::malformed: return "malformed";
    case Errc::unsupported: return "unsupported";
    case Errc::too_large: return "too large";
    case Errc::closed: return "closed";
    case Errc::not_found: return "not found";
    case Errc::io: return "input/output";
  }
  return "unknown";
}

const char* system_text(int system) {
  const char* text = ::strerrordesc_np(system); // from a constant table
  return text != nullptr ? text : "an unknown error";
}

} // namespace talky
