#include "store/error.hpp"

namespace talky::store {

std::string_view to_string(Fault fault) {
  switch (fault) {
    case Fault::busy: return "busy";
    case Fault::full: return "full";
    case Fault::away: return "away";
    case Fault::refused: return "refused";
    case Fault::newer: return "newer";
    case Fault::invalid: return "invalid";
  }
  return "?";
}

} // namespace talky::store
