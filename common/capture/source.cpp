#include "capture/source.hpp"

#include <utility>

namespace talky::capture {

Result<Source> Source::open(const std::string& path) {
  auto input = file::Input::open(path);
  if (!input) return tl::unexpected(input.error());
  return create(std::move(*input));
}

Result<Source> Source::create(file::Input input) {
  auto opened = file::decompress(std::move(input));
  if (!opened) return tl::unexpected(opened.error());
  input = std::move(opened->input);
  const auto start = input.peek(12);
  if (!start) return tl::unexpected(start.error());
  if (start->empty()) return fail(Errc::truncated, 0, "a capture, not an empty file");
  if (file::RtpdumpReader::recognises(*start)) {
    auto reader = file::RtpdumpReader::open(std::move(input));
    if (!reader) return tl::unexpected(reader.error());
    return Source(std::move(*reader), std::move(opened->state));
  }
  if (!file::PcapReader::recognises(*start))
    return fail(Errc::malformed, 0, "a pcap, pcapng or rtpdump file");
  auto reader = file::PcapReader::open(std::move(input));
  if (!reader) return tl::unexpected(reader.error());
  return Source(Pcap{std::move(*reader), {}}, std::move(opened->state));
}

Result<bool> Source::next(file::Segment& segment) {
  if (auto* pcap = std::get_if<Pcap>(&reader_)) {
    for (;;) {
      const auto got = pcap->reader.read(frame_);
      if (!got || !*got) return got;
      if (pcap->dissector.dissect(frame_, segment)) return true;
    }
  }
  auto& dump = std::get<file::RtpdumpReader>(reader_);
  const auto packet = dump.next();
  if (!packet) return tl::unexpected(packet.error());
  if (!*packet) return false;
  segment.time_ns = dump.start_ns() + (*packet)->offset_ns;
  segment.from = dump.source();
  segment.payload = (*packet)->data;
  segment.payload_length = (*packet)->wire_length;
  return true;
}

std::int64_t Source::start_ns() const {
  const auto* dump = std::get_if<file::RtpdumpReader>(&reader_);
  return dump != nullptr ? dump->start_ns() : 0;
}

bool Source::truncated() const {
  if (compressed_->truncated) return true;
  if (const auto* dump = std::get_if<file::RtpdumpReader>(&reader_)) return dump->truncated();
  return std::get<Pcap>(reader_).reader.truncated();
}

std::uint64_t Source::offset() const {
  if (compressed_->truncated) return compressed_->compressed;
  if (const auto* dump = std::get_if<file::RtpdumpReader>(&reader_)) return dump->offset();
  return std::get<Pcap>(reader_).reader.offset();
}

void Source::resume() {
  std::visit(
      [](auto& reader) {
        if constexpr (requires { reader.reader; })
          reader.reader.resume();
        else
          reader.resume();
      },
      reader_);
}

bool Source::at_end() const {
  if (const auto* dump = std::get_if<file::RtpdumpReader>(&reader_)) return dump->at_end();
  return std::get<Pcap>(reader_).reader.at_end();
}

const file::Dissector::Counts* Source::counts() const {
  const auto* pcap = std::get_if<Pcap>(&reader_);
  return pcap != nullptr ? &pcap->dissector.counts() : nullptr;
}

std::uint64_t Source::incomplete_fragments() const {
  const auto* pcap = std::get_if<Pcap>(&reader_);
  return pcap != nullptr ? pcap->dissector.incomplete() : 0;
}

} // namespace talky::capture
