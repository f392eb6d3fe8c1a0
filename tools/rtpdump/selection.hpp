// Writes a selection of packets: pcap where the name ends so or is "-", else rtpdump.
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
  // `format` is "pcap", "rtpdump", or "" to go by the name. Throws cli::Failure, as all of these.
  SelectionWriter(std::string path, const std::string& format, bool overwrite);

  // `frame`: what the packet came in, if it came in one.
  void add(const file::Segment& segment, const file::CapturedFrame* frame, bool rtcp);
  // Even without a packet there is a valid file.
  void finish();
  std::uint64_t packets() const { return packets_; }

 private:
  void open(const file::Segment& segment, const file::CapturedFrame* frame);

  std::string path_;
  bool pcap_ = true;
  file::Output::Mode mode_;
  file::LinkType link_ = file::LinkType::raw;
  std::optional<file::PcapWriter> pcap_writer_;
  std::optional<file::RtpdumpWriter> rtpdump_writer_;
  std::uint64_t packets_ = 0;
};

} // namespace talky::rtpdump
