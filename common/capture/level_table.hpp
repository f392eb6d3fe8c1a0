// How loud the audio of each stream is, for how long somebody speaks, and which DTMF tones are in it. Every
// payload is decoded, so it costs a microsecond or two a packet: only where it is asked for.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "audio/level.hpp"
#include "audio/speech_level.hpp"
#include "capture/stream.hpp"

namespace talky::capture {

struct Loudness {
  audio::SpeechLevel speech{}; // ITU-T P.56; dBFS, where a full-scale sine has -3.01
  double peak_dbfs = 0;
  double talk_s = 0;         // for which the speech is active
  double seconds = 0;        // decoded
  bool heard = false;        // false: nothing but digital silence
  double dbm0_offset = 6.18; // dBm0 = dBFS + this (G.711: a full-scale sine is +3.17 dBm0, of A-law +3.14)
};

// A key heard in the audio itself.
struct ToneDigit {
  char digit = 0;
  std::int64_t time_ns = 0;
  double duration_ms = 0; // 0: it had not ended
};

class LevelTable {
 public:
  explicit LevelTable(bool tones);
  LevelTable(const LevelTable&) = delete;
  LevelTable& operator=(const LevelTable&) = delete;
  ~LevelTable();

  void add(const Stream& stream, std::int64_t time_ns, std::uint8_t payload_type, Bytes payload);
  // nullopt: its codec is not one that talky can decode.
  std::optional<Loudness> loudness_of(const Stream& stream) const;
  std::vector<ToneDigit> tones_of(const Stream& stream) const;

 private:
  struct Meter;
  std::unordered_map<const Stream*, std::unique_ptr<Meter>> meters_;
  std::vector<std::int16_t> pcm_;
  bool tones_;
};

} // namespace talky::capture
