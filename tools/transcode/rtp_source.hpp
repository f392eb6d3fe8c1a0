// A recording of RTP as a source of sound: one stream, or the two legs of a call side by side.
#pragma once
#include <memory>
#include <string>

#include "file/io.hpp"
#include "source.hpp"

namespace talky::transcode {

// `input` stands at the beginning of a pcap, pcapng or rtpdump that is not compressed, or is so no longer.
// Throws cli::Failure where it is damaged, or it is not clear which stream is meant.
std::unique_ptr<Source> open_rtp(const std::string& path, file::Input input, const RtpOptions& options);

} // namespace talky::transcode
