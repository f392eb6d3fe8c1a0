#include "call/config.hpp"

namespace talky::call {

sdp::Capabilities standard_capabilities() {
  sdp::Capabilities capabilities;
  capabilities.codecs = {{"PCMU", 8000, 0, "", 1}, {"PCMA", 8000, 8, "", 1}};
  return capabilities;
}

} // namespace talky::call
