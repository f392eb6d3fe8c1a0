#include "voice/engine.hpp"

namespace talky::voice {

RequestId id_of(const Request& request) {
  return std::visit([](const auto& r) { return r.id; }, request);
}
RequestId id_of(const Answer& answer) {
  return std::visit([](const auto& a) { return a.id; }, answer);
}
Samples service_of(const Answer& answer) {
  return std::visit([](const auto& a) { return a.service; }, answer);
}

} // namespace talky::voice
