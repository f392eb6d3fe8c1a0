#include "control.hpp"

#include <algorithm>
#include <type_traits>

namespace talky::agent {

voice::Control to_voice(const ipc::ToAgent& message, voice::Samples scale) {
  const auto samples = [scale](std::uint64_t count) {
    // A position beyond a year of audio is nonsense, and stays harmless.
    constexpr std::uint64_t kMost = std::uint64_t{1} << 40;
    return static_cast<voice::Samples>(std::min(count, kMost)) * scale;
  };
  return std::visit(
      [&](const auto& m) -> voice::Control {
        using T = std::decay_t<decltype(m)>;
        if constexpr (std::is_same_v<T, ipc::Start>) {
          return voice::in::Start{m.call, m.from, m.to, m.headers, {}, m.voice};
        } else if constexpr (std::is_same_v<T, ipc::DtmfReceived>) {
          return voice::in::Dtmf{m.digit};
        } else if constexpr (std::is_same_v<T, ipc::MarkPlayed>) {
          return voice::in::Mark{m.name, samples(m.played)};
        } else if constexpr (std::is_same_v<T, ipc::Cleared>) {
          return voice::in::Cleared{samples(m.discarded), samples(m.played)};
        } else if constexpr (std::is_same_v<T, ipc::Hold>) {
          return voice::in::Hold{m.by_program};
        } else if constexpr (std::is_same_v<T, ipc::Resume>) {
          return voice::in::Resume{};
        } else if constexpr (std::is_same_v<T, ipc::Say>) {
          return voice::in::Say{m.text, m.voice, m.interruptible, m.clear};
        } else {
          return voice::in::Stop{m.reason};
        }
      },
      message);
}

ipc::TurnTaken to_ipc(const voice::out::Turn& turn) {
  const auto count = [](voice::Samples samples) {
    return static_cast<std::uint64_t>(std::max<voice::Samples>(samples, 0));
  };
  return {turn.turn,       count(turn.end), count(turn.endpoint), count(turn.stt), count(turn.dialogue),
          count(turn.tts), count(turn.out), count(turn.sent)};
}

ipc::TurnTaken at_rate(ipc::TurnTaken turn, voice::Samples scale) {
  for (std::uint64_t* samples :
       {&turn.end, &turn.endpoint, &turn.stt, &turn.dialogue, &turn.tts, &turn.out, &turn.sent})
    *samples /= static_cast<std::uint64_t>(scale);
  return turn;
}

} // namespace talky::agent
