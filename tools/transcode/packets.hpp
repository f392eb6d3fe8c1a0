// RTP out of rtpdump, pcap and pcapng, one packet after the other, and what the SDP on the way says of its
// payload types.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "codec/codec.hpp"
#include "core/endpoint.hpp"
#include "file/io.hpp"
#include "file/link.hpp"
#include "file/pcap.hpp"
#include "file/rtpdump.hpp"
#include "rtp/packet.hpp"

namespace talky::transcode {

// What a payload type means: as in rtpmap. "telephone-event" and what we cannot decode are formats too.
struct PayloadFormat {
  std::string name;
  std::uint32_t clock_rate = 0;
  std::uint8_t channels = 1;

  const codec::Entry* codec() const { return codec::find(name, clock_rate, channels); }
  std::string text() const; // "opus/48000/2"
  bool operator==(const PayloadFormat&) const = default;
};

// What SDP says of one stream.
struct AnnouncedStream {
  Endpoint to;
  std::vector<std::pair<std::uint8_t, PayloadFormat>> formats;
};

// Payload types by what the user said, then by the SDP that was addressed so, then by any SDP, then by RFC
// 3551.
class PayloadTypes {
 public:
  void say(std::uint8_t payload_type, PayloadFormat format);
  // Takes in the audio of an SDP body; anything else is passed over.
  void read_sdp(std::string_view text);
  std::optional<PayloadFormat> find(std::uint8_t payload_type, const Endpoint& to) const;
  // All that is known and that RFC 3551 does not say.
  AnnouncedStream known(const Endpoint& to) const;

 private:
  std::map<std::uint8_t, PayloadFormat> said_, any_;
  std::map<std::pair<Endpoint, std::uint8_t>, PayloadFormat> addressed_;
};

struct CapturedRtp {
  std::int64_t time_ns = 0; // since 1970, or since the start of the rtpdump
  Endpoint from, to;        // of an rtpdump only `from`
  Bytes datagram;           // borrowed until the next call
  rtp::PacketView packet;
};

// Throws cli::Failure where the file is not what it should be. What is not RTP is passed over.
class PacketReader {
 public:
  // `path` is for messages. `rtpdump` as Kind says.
  PacketReader(const std::string& path, file::Input input, bool rtpdump, PayloadTypes& types);

  std::optional<CapturedRtp> next();
  bool truncated() const;
  // The packets stand alone, and not among other traffic.
  bool only_rtp() const { return std::holds_alternative<file::RtpdumpReader>(reader_); }

 private:
  std::optional<CapturedRtp> next_rtpdump(file::RtpdumpReader& reader);
  std::optional<CapturedRtp> next_pcap(file::PcapReader& reader);

  std::string path_;
  std::variant<std::monostate, file::RtpdumpReader, file::PcapReader> reader_;
  file::Dissector dissector_;
  PayloadTypes& types_;
};

} // namespace talky::transcode
