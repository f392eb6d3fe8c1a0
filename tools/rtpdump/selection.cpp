#include "selection.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <system_error>

#include "cli/exit_code.hpp"
#include "cli/failure.hpp"

namespace talky::rtpdump {

SelectionWriter::SelectionWriter(std::string path, const std::string& format, bool overwrite, Kind kind)
    : path_(std::move(path)),
      mode_(kind == Kind::live ? file::Output::Mode::live
            : overwrite        ? file::Output::Mode::replace
                               : file::Output::Mode::fresh),
      overwrite_(overwrite) {
  for (const std::string_view ending : {".gz", ".zst", ".zstd"}) {
    if (path_.ends_with(ending)) {
      throw cli::Failure(
          cli::ExitCode::usage,
          fmt::format("{}: captures are written as they are: write to - and compress that ({})", path_,
                      ending == ".gz" ? "| gzip" : "| zstd"));
    }
  }
  using Format = file::PcapWriter::Format;
  const bool dump_name = path_.ends_with(".rtpdump") || path_.ends_with(".rtp");
  if (format == "rtpdump" || (format.empty() && dump_name)) {
    pcap_.reset();
  } else if (format == "pcapng" || (format.empty() && path_.ends_with(".pcapng"))) {
    pcap_ = Format::pcapng;
  }
}

void SelectionWriter::open(const file::Segment& segment, const file::CapturedFrame* frame) {
  if (mode_ == file::Output::Mode::live && overwrite_ && path_ != "-") {
    std::error_code status;
    if (std::filesystem::is_regular_file(path_, status)) std::filesystem::remove(path_, status);
  }
  if (!pcap_) {
    auto writer = file::RtpdumpWriter::create(path_, mode_, segment.from, segment.time_ns);
    if (!writer) cli::fail_create(path_, writer.error());
    rtpdump_writer_.emplace(std::move(*writer));
    return;
  }
  // A pcap keeps frames as they were if they are Ethernet or raw IP; of the rest only what UDP carried is.
  if (frame != nullptr && frame->link == file::LinkType::ethernet) link_ = file::LinkType::ethernet;
  file::PcapWriter::Options options;
  options.mode = mode_;
  options.format = *pcap_;
  options.link = link_;
  auto writer = file::PcapWriter::create(path_, options);
  if (!writer) cli::fail_create(path_, writer.error());
  pcap_writer_.emplace(std::move(*writer));
}

void SelectionWriter::add(const file::Segment& segment, const file::CapturedFrame* frame, bool rtcp) {
  if (!pcap_writer_ && !rtpdump_writer_) open(segment, frame);
  ++packets_;
  if (rtpdump_writer_) {
    cli::check_written(rtpdump_writer_->packet(segment.time_ns, rtcp, segment.payload), path_);
    return;
  }
  const std::byte* start = segment.payload.data();
  const bool in_frame =
      frame != nullptr && start >= frame->data.data() && start <= frame->data.data() + frame->data.size();
  if (in_frame && pcap_writer_->takes(frame->link)) {
    cli::check_written(pcap_writer_->frame(*frame), path_);
  } else if (segment.transport == file::Transport::tcp) {
    cli::check_written(pcap_writer_->tcp(segment.time_ns, segment.from, segment.to, segment.payload), path_);
  } else {
    cli::check_written(pcap_writer_->udp(segment.time_ns, segment.from, segment.to, segment.payload), path_);
  }
}

void SelectionWriter::flush() {
  if (pcap_writer_) cli::check_written(pcap_writer_->flush(), path_);
  if (rtpdump_writer_) cli::check_written(rtpdump_writer_->flush(), path_);
}

void SelectionWriter::finish() {
  if (!pcap_writer_ && !rtpdump_writer_) open({}, nullptr);
  cli::check_written(pcap_writer_ ? pcap_writer_->close() : rtpdump_writer_->close(), path_);
}

} // namespace talky::rtpdump
