// What of a recording goes to a recogniser: the speech and about 150 ms around it. Recognisers of whole
// utterances answer nothing, or something else, when a short word stands in much silence, and cut words where
// there is none; so it must not depend on whoever hands the recording over how much of it there is.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "voice/engine.hpp"

namespace talky::engine {

// In samples at 16 kHz.
struct Stretch {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::size_t size() const { return end - begin; }
  bool operator==(const Stretch&) const = default;
};

// Where there is speech, in order, without the silence around it; pauses shorter than `bridged` belong to it.
// None if there is no speech. The detector is reset first.
std::vector<Stretch> find_speech(std::span<const std::int16_t> pcm, voice::VoiceActivity& detector,
                                 std::size_t bridged);

// The stretches [first, last) with `margin` samples before and behind each, put together: the pauses between
// them are shortened to twice the margin. Before the first there may be less; behind the last silence makes
// up for what the recording does not have, because without any the last word is misheard. Amplitudes from -1
// to 1, times `gain`.
std::vector<float> cut_out(std::span<const std::int16_t> pcm, std::span<const Stretch> stretches,
                           std::size_t margin, float gain);

} // namespace talky::engine
