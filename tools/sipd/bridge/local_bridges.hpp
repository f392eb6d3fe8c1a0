// The targets that need nobody else: echo, tone:HZ, play:FILE, reject:CODE.
#pragma once
#include <string_view>

#include "sipd/bridge/destination.hpp"

namespace talky::sipd {

DestinationPtr echo_destination(std::string_view text);
DestinationPtr tone_destination(std::string_view text); // 1 to 8,000 Hz
// Plays its file once and hangs up.
DestinationPtr player_destination(std::string_view text);
// Refuses every call with a status from 300 to 699.
DestinationPtr refusing_destination(std::string_view text);

} // namespace talky::sipd
