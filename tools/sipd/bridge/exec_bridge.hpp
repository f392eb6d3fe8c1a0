// exec:CMD, inetd for calls: fd 0 and 1 are s16le at 16 kHz, fd 3 and 4 are JSON lines to and from the
// program. CMD is for /bin/sh -c.
#pragma once
#include <string_view>

#include "sipd/bridge/destination.hpp"

namespace talky::sipd {

DestinationPtr exec_destination(std::string_view text);

} // namespace talky::sipd
