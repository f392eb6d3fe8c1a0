// Acoustic echo cancellation of one call: the caller's sound without what comes back of ours. It is the
// canceller of WebRTC (Debian's libwebrtc-audio-processing): an adaptive filter of 128 ms, and a suppressor
// of what the filter leaves behind it.
//
// What was sent must be held back beforehand by the delay of the echo path, so that it comes at most some 20
// ms before its echo. Speech of the caller alone passes; it comes out a few milliseconds later than it went
// in.
//
// Deterministic, but of floating point. About 100 us a frame; some 300 kB.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace talky::echo {

class EchoCanceller {
 public:
  explicit EchoCanceller(std::uint32_t rate); // 8000 or 16000
  ~EchoCanceller();
  EchoCanceller(EchoCanceller&&) noexcept;
  EchoCanceller& operator=(EchoCanceller&&) noexcept;

  // 20 ms each: what was sent (held back), what was heard, and where that goes without its echo. `out` may be
  // `caller`.
  void process(std::span<const std::int16_t> sent, std::span<const std::int16_t> caller,
               std::span<std::int16_t> out);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

} // namespace talky::echo
