// Packets as text, in talky's own line or as `rtpdump -F` of rtptools prints them.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "capture/stream.hpp"
#include "file/link.hpp"

namespace talky::rtpdump {

// Seconds since the start, from, to, SSRC, codec, sequence number, timestamp, bytes of payload, M for the
// marker; ends with a line feed.
std::string packet_line(const file::Segment& segment, const rtp::Header& header, Bytes payload,
                        const capture::Stream& stream, std::int64_t start_ns);

// The formats of rtptools. Where its own output cannot be meant so, this differs: the source of a packet is
// named for files too; the CSRC list is in network order; a marker shows in `brief` in the first second as
// well; payload types without a name are "unassigned".
enum class PrintFormat : std::uint8_t {
  line,    // packet_line()
  ascii,   // RTP and RTCP, parsed
  hex,     // the same, with the payload of RTP
  rtcp,    // RTCP only, parsed
  brief,   // rtptools calls it short: [-]TIME TIMESTAMP SEQ, "-" for the marker
  payload, // the bytes themselves
};

// "line", "ascii", "hex", "rtcp", "short", "payload".
std::optional<PrintFormat> print_format(std::string_view name);

// One RTP packet in a format of rtptools, which is not `line`; nothing for `rtcp`. `time_ns` is what stands
// first. `format` is of the codec.
void print_rtp(PrintFormat print, std::int64_t time_ns, const Endpoint& from, Bytes packet,
               const capture::Format& format, std::string& out);
// One RTCP datagram; nothing for `brief` and `payload`. Broken packets are said to be so.
void print_rtcp(PrintFormat print, std::int64_t time_ns, const Endpoint& from, Bytes packet,
                std::string& out);

// The same on standard output, packet by packet.
class PacketPrinter {
 public:
  enum class Time : std::uint8_t { since_start, of_day };
  // `format` is a name that print_format() knows.
  PacketPrinter(std::string_view format, Time time);

  void rtp(const file::Segment& segment, const rtp::Header& header, Bytes payload,
           const capture::Stream& stream, std::int64_t start_ns);
  void rtcp(const file::Segment& segment, std::int64_t start_ns);

 private:
  void out();

  PrintFormat format_;
  Time time_;
  std::string text_;
};

} // namespace talky::rtpdump
