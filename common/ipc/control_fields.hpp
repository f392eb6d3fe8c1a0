// What reading and writing of the control messages have in common. Not public.
#pragma once
#include <array>
#include <cstdint>

#include "ipc/control.hpp"

namespace talky::ipc {

struct TurnField {
  const char* name;
  std::uint64_t TurnTaken::*member;
};
inline constexpr std::array<TurnField, 8> turn_fields{{{"turn", &TurnTaken::turn},
                                                       {"end", &TurnTaken::end},
                                                       {"endpoint", &TurnTaken::endpoint},
                                                       {"stt", &TurnTaken::stt},
                                                       {"dialogue", &TurnTaken::dialogue},
                                                       {"tts", &TurnTaken::tts},
                                                       {"out", &TurnTaken::out},
                                                       {"sent", &TurnTaken::sent}}};

} // namespace talky::ipc
