// What the caller does in a replayed call: utterances, keys and pauses, in order.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "audio/frame.hpp"

namespace talky::replay {

inline constexpr std::uint32_t kRate = audio::kBridgeRate;
inline constexpr double kSpeechDbfs = -45; // a frame of 20 ms above this is sound
inline constexpr std::size_t kFrame = 320;

bool is_loud(std::span<const std::int16_t> frame);

struct Step {
  enum class Kind : std::uint8_t { speech, dtmf, pause };
  Kind kind = Kind::speech;
  std::string name;              // "call.wav", "call.wav#2", "dtmf:42"
  std::vector<std::int16_t> pcm; // speech: mono, 16 kHz; pause: silence
  std::size_t speech_begin = 0;  // first and one past the last sample of the sound in pcm
  std::size_t speech_end = 0;
  std::string digits; // dtmf
};

struct ScriptOptions {
  std::uint32_t split_ms = 700; // a pause this long ends an utterance; 0: a file is one utterance
  bool as_recorded = false; // keep the pauses of the files: the parts then follow each other without waiting
  int channel = 0; // of files with more than one: 0 is the left one, the caller in talky's recordings
};

// Each of `items` is a sound file, several joined with '+' into one utterance, "dtmf:DIGITS" or
// "pause:SECONDS". Throws cli::Failure.
std::vector<Step> make_script(const std::vector<std::string>& items, const ScriptOptions& options);

// The utterances of a signal: its stretches of sound, joined where the pause between them is shorter.
struct Stretch {
  std::size_t begin, end; // samples
};
std::vector<Stretch> find_speech(std::span<const std::int16_t> pcm, std::uint32_t split_ms);

} // namespace talky::replay
