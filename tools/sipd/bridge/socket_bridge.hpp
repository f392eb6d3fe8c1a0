// AudioSocket: unix:PATH, tcp:HOST:PORT and the agent.
#pragma once
#include <string_view>

#include "sipd/bridge/destination.hpp"

namespace talky::sipd {

// unix:PATH[,talky] and tcp:HOST:PORT[,talky]. Connects once, within 3 s. With ",talky" it speaks
// ipc/control.hpp from the first byte, else once the other end sends some itself.
DestinationPtr socket_destination(std::string_view text);

// talky-agent on its socket, started and watched over by sipd/agent. Waits for it while it is being started.
DestinationPtr agent_destination(std::string_view text);

} // namespace talky::sipd
