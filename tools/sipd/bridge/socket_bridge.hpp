// AudioSocket: unix:PATH, tcp:HOST:PORT and the agent.
#pragma once
#include <memory>

#include "sipd/agent/agent.hpp"
#include "sipd/bridge/bridge.hpp"
#include "sipd/bridge/target.hpp"

namespace talky::sipd {

// Connects once, within 3 s.
std::unique_ptr<Bridge> make_socket_bridge(BridgeHost& host, const SocketTarget& target);
// Connects to the agent; waits for it while it is being started.
std::unique_ptr<Bridge> make_agent_bridge(BridgeHost& host, Agent& agent);

} // namespace talky::sipd
