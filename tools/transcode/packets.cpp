#include "packets.hpp"

#include <fmt/format.h>

#include "cli/failure.hpp"
#include "core/ascii.hpp"
#include "sdp/session.hpp"

namespace talky::transcode {

std::string PayloadFormat::text() const {
  return channels == 1 ? fmt::format("{}/{}", name, clock_rate)
                       : fmt::format("{}/{}/{}", name, clock_rate, channels);
}

void PayloadTypes::say(std::uint8_t payload_type, PayloadFormat format) {
  said_[payload_type] = std::move(format);
}

void PayloadTypes::read_sdp(std::string_view text) {
  const std::size_t start = text.find("v=0");
  if (start == std::string_view::npos || text.find("m=audio ", start) == std::string_view::npos) return;
  const auto session = sdp::Session::parse(text.substr(start));
  if (!session) return;
  for (const sdp::Media& media : session->media) {
    if (media.type != "audio" || media.port == 0) continue;
    const auto connection = session->connection_of(media);
    for (const auto format : media.formats) {
      const auto payload_type = ascii::to_number<std::uint8_t>(format);
      if (!payload_type || *payload_type > 127) continue;
      const auto map = media.rtpmap(*payload_type);
      if (!map) continue;
      PayloadFormat meaning{std::string(map->name), map->clock_rate, map->channels};
      any_.try_emplace(*payload_type, meaning);
      if (connection && connection->ip && addressed_.size() < 4096)
        addressed_[{Endpoint{*connection->ip, media.port}, *payload_type}] = std::move(meaning);
    }
  }
}

std::optional<PayloadFormat> PayloadTypes::find(std::uint8_t payload_type, const Endpoint& to) const {
  if (const auto said = said_.find(payload_type); said != said_.end()) return said->second;
  if (const auto here = addressed_.find({to, payload_type}); here != addressed_.end()) return here->second;
  if (const auto* entry = codec::find_static(payload_type))
    return PayloadFormat{std::string(entry->info.name), entry->info.clock_rate, entry->info.rtpmap_channels};
  if (const auto any = any_.find(payload_type); any != any_.end()) return any->second;
  if (payload_type == 13) return PayloadFormat{"CN", 8000, 1};
  return std::nullopt;
}

AnnouncedStream PayloadTypes::known(const Endpoint& to) const {
  AnnouncedStream stream{to, {}};
  for (std::uint8_t payload_type = 0; payload_type < 128; ++payload_type) {
    if (codec::find_static(payload_type) != nullptr || payload_type == 13) continue;
    if (auto format = find(payload_type, to)) stream.formats.emplace_back(payload_type, std::move(*format));
  }
  return stream;
}

PacketReader::PacketReader(const std::string& path, file::Input input, bool rtpdump, PayloadTypes& types)
    : path_(path), types_(types) {
  if (rtpdump) {
    auto reader = file::RtpdumpReader::open(std::move(input));
    if (!reader) cli::fail_input(path_, reader.error());
    reader_.emplace<file::RtpdumpReader>(std::move(*reader));
  } else {
    auto reader = file::PcapReader::open(std::move(input));
    if (!reader) cli::fail_input(path_, reader.error());
    reader_.emplace<file::PcapReader>(std::move(*reader));
  }
}

bool PacketReader::truncated() const {
  if (const auto* reader = std::get_if<file::RtpdumpReader>(&reader_)) return reader->truncated();
  return std::get<file::PcapReader>(reader_).truncated();
}

std::optional<CapturedRtp> PacketReader::next() {
  if (auto* reader = std::get_if<file::RtpdumpReader>(&reader_)) return next_rtpdump(*reader);
  return next_pcap(std::get<file::PcapReader>(reader_));
}

std::optional<CapturedRtp> PacketReader::next_rtpdump(file::RtpdumpReader& reader) {
  for (;;) {
    const auto packet = reader.next();
    if (!packet) cli::fail_input(path_, packet.error());
    if (!*packet) return std::nullopt;
    const auto& found = **packet;
    // A packet that the recorder cut off cannot be decoded: it counts as lost.
    if (found.rtcp || found.wire_length > found.data.size()) continue;
    if (rtp::classify(found.data) != rtp::Traffic::rtp) continue;
    const auto view = rtp::PacketView::parse(found.data);
    if (!view) continue;
    return CapturedRtp{found.offset_ns, reader.source(), {}, found.data, *view};
  }
}

std::optional<CapturedRtp> PacketReader::next_pcap(file::PcapReader& reader) {
  for (;;) {
    const auto frame = reader.next();
    if (!frame) cli::fail_input(path_, frame.error());
    if (!*frame) return std::nullopt;
    const auto segment = dissector_.dissect(**frame);
    if (!segment) continue;
    if (segment->transport == file::Transport::udp && rtp::classify(segment->payload) == rtp::Traffic::rtp) {
      if (segment->payload_length > segment->payload.size()) continue;
      const auto view = rtp::PacketView::parse(segment->payload);
      if (!view) continue;
      return CapturedRtp{segment->time_ns, segment->from, segment->to, segment->payload, *view};
    }
    types_.read_sdp(as_text(segment->payload));
  }
}

} // namespace talky::transcode
