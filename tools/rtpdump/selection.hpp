// Writes a selection of packets: as rtpdump where the name ends in .rtpdump or .rtp, as pcapng where it ends
// in .pcapng, else as pcap.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "file/link.hpp"
#include "file/pcap.hpp"
#include "file/rtpdump.hpp"

namespace talky::rtpdump {

class SelectionWriter {
 public:
  // A live file appears at once, and with each flush() what it holds is safe from a crash of this program; a
  // finished one has its name only after finish().
  enum class Kind : std::uint8_t { finished, live };

  // `format` is "pcap", "pcapng", "rtpdump", or "" to go by the name. Throws cli::Failure, as all of these.
  SelectionWriter(std::string path, const std::string& format, bool overwrite, Kind kind = Kind::finished);

  // `frame`: what the packet came in, if it came in one.
  void add(const file::Segment& segment, const file::CapturedFrame* frame, bool rtcp);
  void flush();
  // Even without a packet there is a valid file.
  void finish();
  std::uint64_t packets() const { return packets_; }

 private:
  void open(const file::Segment& segment, const file::CapturedFrame* frame);

  std::string path_;
  std::optional<file::PcapWriter::Format> pcap_ = file::PcapWriter::Format::pcap; // nullopt: rtpdump
  file::Output::Mode mode_;
  bool overwrite_;
  file::LinkType link_ = file::LinkType::raw;
  std::optional<file::PcapWriter> pcap_writer_;
  std::optional<file::RtpdumpWriter> rtpdump_writer_;
  std::uint64_t packets_ = 0;
};

} // namespace talky::rtpdump
