// Which streams of an RTP input are meant, before a sample of them is read.
#pragma once
#include <deque>
#include <string>
#include <unordered_set>
#include <vector>

#include "capture/analysis.hpp"
#include "capture/packets.hpp"
#include "source.hpp"

namespace talky::transcode {

// What is known of an input's streams: all of it where it is a file, which is looked through first; of a pipe
// what has come so far.
struct RtpInput {
  capture::Analysis analysis;
  std::unordered_set<const capture::Stream*> stereo; // Opus that has two channels
  std::vector<capture::SrtpKey> keys;                // that the look through the file has found

  // The stream of a packet; nullptr if it is of none, or cut off by whoever captured it, and so as good as
  // lost.
  const capture::Stream* add(const file::Segment& segment);
};

// A packet that was read in the search and is still to be heard.
struct HeldPacket {
  std::int64_t time_ns;
  Endpoint from, to;
  std::vector<std::byte> datagram;

  file::Segment segment() const;
};

// The streams that are meant: by the options, or else the only one, or the two legs of a call, the one that
// speaks first first. All throw cli::Failure with a line that names the streams, where that is not clear.

// Of a file; none: it is no file, but a pipe.
std::vector<const capture::Stream*> scan_file(const std::string& name, const RtpOptions& options,
                                              RtpInput& input);
// Of a pipe: the streams that were asked for, or the first that goes on. What was read until then is put into
// `held`, up to 20,000 packets.
std::vector<const capture::Stream*> listen_for_streams(const std::string& name, capture::Packets& packets,
                                                       const RtpOptions& options, RtpInput& input,
                                                       std::deque<HeldPacket>& held);

// "opus/48000/2", or "payload type 97" where that is not known.
std::string format_text(const capture::Stream& stream);
// The payload type of the sound that is heard.
std::uint8_t payload_type_of(const capture::Stream& stream);

} // namespace talky::transcode
