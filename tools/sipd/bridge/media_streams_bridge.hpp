// Targets ws:// and wss://: an agent that speaks Twilio's Media Streams (ipc/media_streams.hpp) on a
// WebSocket that we open for each call. man/talky-bridge.7 has the protocol.
//
// Where the connection breaks in the call it is opened anew, as a new stream of the same call, after 0.25 s,
// 0.5 s, 1 s ... for half a minute; the caller hears BridgeContext::reconnecting meanwhile, and a tone twice
// a second. An agent that closes in good order (1000) has hung up.
#pragma once
#include <string_view>

#include "sipd/bridge/destination.hpp"

namespace talky::sipd {

DestinationPtr media_streams_destination(std::string_view text);

} // namespace talky::sipd
