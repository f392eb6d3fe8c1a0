// Targets ws:// and wss://: an agent that speaks Twilio's Media Streams (ipc/media_streams.hpp) on a
// WebSocket that we open for each call. man/talky-bridge.7 has the protocol.
//
// Where the connection breaks in the call it is opened anew, as a new stream of the same call, after 0.25 s,
// 0.5 s, 1 s ... for half a minute; the caller hears `reconnecting` meanwhile, and a tone twice a second. An
// agent that closes in good order (1000) has hung up.
#pragma once
#include <memory>
#include <string>

#include "sipd/agent/spoken.hpp"
#include "sipd/bridge/bridge.hpp"
#include "sipd/bridge/target.hpp"

namespace talky::sipd {

// `ca_file`: PEM, for wss://; "" for the system's authorities.
std::unique_ptr<Bridge> make_media_streams_bridge(BridgeHost& host, const MediaStreamsTarget& target,
                                                  const std::string& ca_file, SpokenSentence& reconnecting);

} // namespace talky::sipd
