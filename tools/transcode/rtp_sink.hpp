// Sound as RTP packets in an rtpdump or a pcap: one stream for each channel, or one for all of them where the
// codec has as many. The same input gives the same bytes: SSRC, first sequence number and time are fixed.
//
// Each packet bears the time at which its first sample is spoken, from 2000-01-01 on, so the pacing is exact.
// In a pcap, channel 1 goes from 192.0.2.1:5004 to 192.0.2.2:5004 and channel 2 the other way, as the two
// legs of a call; further pairs use the ports above. A SAP announcement in front holds the SDP.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "audio/frame.hpp"
#include "codec/codec.hpp"
#include "file/pcap.hpp"
#include "file/rtpdump.hpp"
#include "sink.hpp"
#include "source.hpp"

namespace talky::transcode {

inline constexpr std::int64_t kFirstTimeNs = 946'684'800'000'000'000; // 2000-01-01

// Who sends and who receives stream `index`, counted from 0.
Endpoint rtp_endpoint(std::size_t index, bool sender);

// Where packets are written. Errors are thrown as cli::Failure.
class PacketOutput {
 public:
  PacketOutput(std::string path, Kind::Container container, bool force, const Endpoint& source,
               std::int64_t start_ns);

  // In a pcap: an SDP that says what the payload types mean, as a SAP announcement (RFC 2974), which
  // Wireshark and talky's programs read. Nothing in an rtpdump.
  void announce(std::int64_t time_ns, const IpAddress& from, const std::vector<AnnouncedStream>& streams);

  void write(std::int64_t time_ns, const Endpoint& from, const Endpoint& to, Bytes datagram);
  void flush();
  void close();

 private:
  void check(const Result<>& done) const;

  std::string path_;
  std::variant<std::monostate, file::RtpdumpWriter, file::PcapWriter> writer_;
};

// Writes the packets as they are. The file is made at once.
std::uint64_t copy_packets(PacketSource& source, const std::string& path, Kind::Container container,
                           bool force, bool live);

// The format must be one that the codec takes, see output_format_of.
std::unique_ptr<Sink> open_rtp_sink(const std::string& path, Kind::Container container,
                                    const RtpOutput& output, audio::Format format, bool force);

} // namespace talky::transcode
