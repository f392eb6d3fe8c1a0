// PCM inside talky: s16, interleaved. Between the programs' parts it is mono, 16 kHz, in frames of 20 ms.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace talky::audio {

struct Format {
  std::uint32_t rate = 16000; // sample frames a second
  std::uint16_t channels = 1;

  bool operator==(const Format&) const = default;
};

inline constexpr std::uint32_t kBridgeRate = 16000; // of everything between codec and agent
inline constexpr std::uint32_t kFrameMs = 20;
inline constexpr std::size_t kBridgeFrameSamples = 320; // 20 ms at kBridgeRate

constexpr std::size_t samples_per_frame(std::uint32_t rate) {
  return std::size_t{rate} / 1000 * kFrameMs;
}

// A stretch of one channel's samples with its place on the stream's sample clock.
struct Frame {
  Format format;
  std::uint64_t first_sample = 0; // index of samples[0] since the start of the stream
  std::vector<std::int16_t> samples;

  bool operator==(const Frame&) const = default;
};

} // namespace talky::audio
