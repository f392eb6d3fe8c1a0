// One packet as text.
#pragma once
#include <cstdint>
#include <string>

#include "file/link.hpp"
#include "stream.hpp"

namespace talky::rtpdump {

// Seconds since the start, from, to, SSRC, codec, sequence number, timestamp, bytes of payload, M for the
// marker; ends with a line feed.
std::string packet_line(const file::Segment& segment, const rtp::Header& header, Bytes payload,
                        const Stream& stream, std::int64_t start_ns);

} // namespace talky::rtpdump
