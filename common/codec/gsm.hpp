// GSM 06.10 full rate, 13 kbit/s at 8 kHz, by spandsp. In RTP (RFC 3551 4.5.8.1) and in raw files a frame of
// 160 samples is 33 bytes that begin with the four bits 1101; in WAV files (Microsoft's) two frames are 65.
#pragma once
#include <cstdint>
#include <memory>

#include "codec/codec.hpp"

namespace talky::codec::gsm {

inline constexpr std::size_t kFrameSamples = 160;
inline constexpr std::size_t kFrameBytes = 33;
inline constexpr std::size_t kWavBlockSamples = 320;
inline constexpr std::size_t kWavBlockBytes = 65;

std::unique_ptr<Codec> create(const Info& info, const Options& options);
// The same sound in the packing of WAV files: payloads are whole blocks of 65 bytes, 320 samples.
std::unique_ptr<Codec> create_wav(const Info& info);

} // namespace talky::codec::gsm
