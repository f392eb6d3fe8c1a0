// The control messages of the bridge (ipc/control.hpp) as the voice session takes them.
#pragma once
#include <optional>
#include <variant>

#include "ipc/control.hpp"
#include "voice/control.hpp"

namespace talky::agent {

// `scale`: samples at 16 kHz for one of the peer's, 1 or 2. A start keeps its defaults for the moment of the
// call.
voice::Control to_voice(const ipc::ToAgent& message, voice::Samples scale);

// At 16 kHz.
ipc::TurnTaken to_ipc(const voice::out::Turn& turn);
// The same at 16 kHz / scale.
ipc::TurnTaken at_rate(ipc::TurnTaken turn, voice::Samples scale);

} // namespace talky::agent
