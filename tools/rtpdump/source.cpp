#include "source.hpp"

#include <utility>

namespace talky::rtpdump {

Result<Source> Source::open(const std::string& path) {
  auto input = file::Input::open(path);
  if (!input) return tl::unexpected(input.error());
  return create(std::move(*input));
}

Result<Source> Source::create(file::Input input) {
  const auto start = input.peek(12);
  if (!start) return tl::unexpected(start.error());
  if (start->empty()) return fail(Errc::truncated, 0, "a capture, not an empty file");
  if (file::RtpdumpReader::recognises(*start)) {
    auto reader = file::RtpdumpReader::open(std::move(input));
    if (!reader) return tl::unexpected(reader.error());
    return Source(std::move(*reader));
  }
  if (!file::PcapReader::recognises(*start))
    return fail(Errc::malformed, 0, "a pcap, pcapng or rtpdump file");
  auto reader = file::PcapReader::open(std::move(input));
  if (!reader) return tl::unexpected(reader.error());
  return Source(Pcap{std::move(*reader), {}});
}

Result<std::optional<file::Segment>> Source::next() {
  if (auto* dump = std::get_if<file::RtpdumpReader>(&reader_)) {
    const auto packet = dump->next();
    if (!packet) return tl::unexpected(packet.error());
    if (!*packet) return std::nullopt;
    file::Segment segment;
    segment.time_ns = dump->start_ns() + (*packet)->offset_ns;
    segment.from = dump->source();
    segment.payload = (*packet)->data;
    segment.payload_length = (*packet)->wire_length;
    return segment;
  }
  auto& pcap = std::get<Pcap>(reader_);
  for (;;) {
    auto frame = pcap.reader.next();
    if (!frame) return tl::unexpected(frame.error());
    frame_ = *frame;
    if (!frame_) return std::nullopt;
    if (auto segment = pcap.dissector.dissect(*frame_)) return segment;
  }
}

bool Source::truncated() const {
  if (const auto* dump = std::get_if<file::RtpdumpReader>(&reader_)) return dump->truncated();
  return std::get<Pcap>(reader_).reader.truncated();
}

std::uint64_t Source::offset() const {
  if (const auto* dump = std::get_if<file::RtpdumpReader>(&reader_)) return dump->offset();
  return std::get<Pcap>(reader_).reader.offset();
}

const file::Dissector::Counts* Source::counts() const {
  const auto* pcap = std::get_if<Pcap>(&reader_);
  return pcap != nullptr ? &pcap->dissector.counts() : nullptr;
}

} // namespace talky::rtpdump
