// How a stretch of speech ends, by its sound: where a person would mark its last sample, and what pitch,
// energy and lengthening say of whether more is to come. Pure functions of the audio. Not public.
#pragma once
#include <cstdint>
#include <optional>
#include <span>

#include "voice/engine.hpp"

namespace talky::voice {

// Of speech that has just ended. Speakers who have finished fall in pitch and energy and stretch the last
// syllable; whoever only pauses stays level, and whoever hesitates ends abruptly.
struct VoiceEnd {
  Samples end = 0;       // behind the last sample of speech, counted from the beginning of the audio
  float pitch = 0;       // of the last voiced 60 ms beside the median, in semitones
  float slope = 0;       // of the pitch over the last voiced 200 ms, in semitones a 100 ms
  float energy = 0;      // of the last 120 ms beside the loudest tenth, in dB, 0 to -32: where speech ends
  float decay = 0;       // of the energy over the last 100 ms, in dB a 10 ms
  float lengthening = 0; // of the last voiced run, in 100 ms
  float length = 0;      // of all of it, in seconds
  bool voiced = false;   // enough of it to say anything of the pitch
};

// `pcm`: 16 kHz, from a little before the speech to a little behind it. Nothing: it does not stand out of the
// noise.
std::optional<VoiceEnd> voice_end(std::span<const std::int16_t> pcm);

} // namespace talky::voice
