// Softening of what is played while somebody speaks over it: 12 dB, by a ramp of 10 ms there and back.
#pragma once
#include <cstdint>
#include <span>

namespace talky::audio {

class Ducking {
 public:
  void set(bool on) { on_ = on; }
  bool on() const { return on_; }
  void apply(std::span<std::int16_t> pcm); // 16 kHz, in order

 private:
  bool on_ = false;
  float gain_ = 1.0F; // of the last sample
};

} // namespace talky::audio
