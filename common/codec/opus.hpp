// Opus (RFC 6716) in RTP (RFC 7587), by libopus. The stream says in each packet's first byte, the TOC, how
// wide its audio is, whether it is stereo and how long its frames are, and may change all of that at any
// packet; the decoder gives the PCM asked for regardless. The RTP clock is 48 kHz and the rtpmap has two
// channels, whatever is inside.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>

#include "codec/codec.hpp"

namespace talky::codec::opus {

inline constexpr std::uint32_t kClockRate = 48000;
inline constexpr std::size_t kMaxPacketMs = 120;

std::unique_ptr<Codec> create(const Info& info, const Options& options);

constexpr bool has_rate(std::uint32_t rate) {
  return rate == 8000 || rate == 12000 || rate == 16000 || rate == 24000 || rate == 48000;
}

// What a packet tells of itself (RFC 6716 3.1). nullopt: it is none.
struct Packet {
  std::uint32_t samples;   // at 48 kHz
  std::uint32_t bandwidth; // Hz of audio: 4,000, 6,000, 8,000, 12,000 or 20,000
  bool stereo;
};
std::optional<Packet> inspect(Bytes payload);

} // namespace talky::codec::opus
