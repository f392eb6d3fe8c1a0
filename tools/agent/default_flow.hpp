// The flow that runs without --flow: tools/agent/flows/front-desk.yaml, built into the program.
#pragma once
#include <string_view>

namespace talky::agent {

std::string_view default_flow();

} // namespace talky::agent
