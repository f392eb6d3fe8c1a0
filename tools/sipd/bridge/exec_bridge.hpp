// exec:CMD, inetd for calls: fd 0 and 1 are s16le at 16 kHz, fd 3 and 4 are JSON lines to and from the
// program.
#pragma once
#include <memory>
#include <string>

#include "sipd/bridge/bridge.hpp"

namespace talky::sipd {

std::unique_ptr<Bridge> make_exec_bridge(BridgeHost& host, std::string command);

} // namespace talky::sipd
