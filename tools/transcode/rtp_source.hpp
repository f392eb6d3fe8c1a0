// A recording of RTP as a source of sound: one stream, or the two legs of a call side by side.
#pragma once
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "packets.hpp"
#include "rtp/impairment.hpp"
#include "source.hpp"

namespace talky::transcode {

// One stream, as a look through the file found it.
struct FoundStream {
  std::uint32_t ssrc = 0;
  Endpoint from, to;
  std::uint64_t packets = 0;
  std::int64_t first_ns = 0, last_ns = 0;
  std::uint8_t payload_type = 0; // of the first packet that can be decoded, or else of the first
  bool stereo = false;           // Opus that says so

  bool is(const CapturedRtp& packet) const {
    return packet.packet.ssrc() == ssrc && packet.from == from && packet.to == to;
  }
};

// The streams that are meant: by the options, or else the only one, or the two legs of a call, the one that
// speaks first first. Of a pipe only the beginning is known; then `whole` is false. Throws cli::Failure with
// a line that names them, where that is not clear.
std::vector<FoundStream> choose_streams(const std::string& path, const std::vector<FoundStream>& found,
                                        const RtpOptions& options, const PayloadTypes& types, bool rtpdump);
// Every stream of a file, in the order of their first packets. What has fewer than three packets that follow
// each other is none, unless the file holds nothing but RTP.
std::vector<FoundStream> find_streams(PacketReader& reader, const PayloadTypes& types);

// The streams to read: a file is looked through first. Empty: it is none, but a pipe.
std::vector<FoundStream> scan_file(const std::string& name, bool rtpdump, const RtpOptions& options,
                                   PayloadTypes& types);

struct HeldPacket {
  std::int64_t time_ns;
  Endpoint from, to;
  std::vector<std::byte> datagram;
};
// Of a pipe: the streams that were asked for, or the first that goes on. What was read until then is put into
// `held`, up to 20,000 packets. Throws cli::Failure where there is none.
std::vector<FoundStream> listen_for_streams(const std::string& path, PacketReader& reader, bool rtpdump,
                                            const RtpOptions& options, const PayloadTypes& types,
                                            std::deque<HeldPacket>& held);

std::unique_ptr<Source> open_rtp(const std::string& path, file::Input input, bool rtpdump,
                                 const RtpOptions& options);

} // namespace talky::transcode
