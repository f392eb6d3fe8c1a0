#include "table.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "sdp/session.hpp"

namespace talky::rtpdump {

namespace {

std::uint64_t hash_of(const Endpoint& from, const Endpoint& to, std::uint32_t ssrc) {
  std::uint64_t words[4];
  std::memcpy(words, from.ip.octets.data(), 16);
  std::memcpy(words + 2, to.ip.octets.data(), 16);
  std::uint64_t h =
      (std::uint64_t{ssrc} << 32 | std::uint64_t{from.port} << 16 | to.port) * 0x9e3779b97f4a7c15;
  for (const std::uint64_t word : words)
    h = (std::rotl(h, 29) ^ word) * 0xbf58476d1ce4e5b9;
  return h ^ h >> 32;
}

bool belongs(const Stream& stream, const Endpoint& from, const Endpoint& to, std::uint32_t ssrc) {
  return stream.ssrc == ssrc && stream.from == from && stream.to == to;
}

// RFC 3550 5.1 without the parts that no stream of speech has. Cheaper than rtp::PacketView, which is used
// where there is a CSRC list, an extension or padding.
bool parse_header(Bytes packet, rtp::Header& header, Bytes& payload) {
  const auto first = std::to_integer<unsigned>(packet[0]);
  if ((first & 0x3f) != 0) {
    const auto view = rtp::PacketView::parse(packet);
    if (!view) return false;
    header = view->header();
    payload = view->payload();
    return true;
  }
  const auto u8 = [&](std::size_t i) { return std::to_integer<std::uint32_t>(packet[i]); };
  header.marker = (u8(1) & 0x80) != 0;
  header.payload_type = static_cast<std::uint8_t>(u8(1) & 0x7f);
  header.sequence = static_cast<std::uint16_t>(u8(2) << 8 | u8(3));
  header.timestamp = u8(4) << 24 | u8(5) << 16 | u8(6) << 8 | u8(7);
  header.ssrc = u8(8) << 24 | u8(9) << 16 | u8(10) << 8 | u8(11);
  payload = packet.subspan(rtp::kHeaderSize);
  return true;
}

} // namespace

void Announcements::add(const Endpoint& receiver, std::uint8_t payload_type, Format format) {
  formats_[receiver].insert_or_assign(payload_type, std::move(format));
  ++generation_;
}

Format Announcements::format(const Endpoint& from, const Endpoint& to, std::uint8_t payload_type) const {
  for (const Endpoint* side : {&to, &from}) {
    const auto known = formats_.find(*side);
    if (known == formats_.end()) continue;
    const auto format = known->second.find(payload_type);
    if (format != known->second.end()) return format->second;
  }
  if (const auto fixed = sdp::static_rtpmap(payload_type))
    return {std::string(fixed->name), fixed->clock_rate, false};
  return {};
}

bool is_rtcp(Bytes datagram) {
  if (datagram.empty()) return false;
  while (!datagram.empty()) {
    if (datagram.size() < 4 || rtp::classify(datagram) != rtp::Traffic::rtcp) return false;
    const std::size_t words =
        std::to_integer<std::size_t>(datagram[2]) << 8 | std::to_integer<std::size_t>(datagram[3]);
    if ((words + 1) * 4 > datagram.size()) return false;
    datagram = datagram.subspan((words + 1) * 4);
  }
  return true;
}

StreamTable::StreamTable(const Announcements& announcements) : announcements_(announcements), table_(1024) {}

std::size_t StreamTable::slot(const Endpoint& from, const Endpoint& to, std::uint32_t ssrc) const {
  const std::size_t mask = table_.size() - 1;
  for (std::size_t i = hash_of(from, to, ssrc) & mask;; i = (i + 1) & mask) {
    if (table_[i] == 0 || belongs(streams_[table_[i] - 1], from, to, ssrc)) return i;
  }
}

void StreamTable::grow() {
  std::vector<std::uint32_t> old(table_.size() * 2);
  old.swap(table_);
  for (const std::uint32_t entry : old) {
    if (entry == 0) continue;
    const Stream& stream = streams_[entry - 1];
    table_[slot(stream.from, stream.to, stream.ssrc)] = entry;
  }
}

// Drops the candidates that have been silent for longest, a quarter of them at a time.
bool StreamTable::make_room() {
  std::vector<std::uint32_t> candidates;
  for (std::uint32_t i = 0; i < streams_.size(); ++i) {
    if (!streams_[i].confirmed() && streams_[i].packets() > 0) candidates.push_back(i);
  }
  if (candidates.empty()) return false;
  const std::size_t count = (candidates.size() + 3) / 4;
  std::nth_element(
      candidates.begin(), candidates.begin() + static_cast<std::ptrdiff_t>(count - 1), candidates.end(),
      [this](std::uint32_t a, std::uint32_t b) { return streams_[a].last_ns() < streams_[b].last_ns(); });
  for (std::size_t i = 0; i < count; ++i) {
    streams_[candidates[i]] = Stream{};
    free_.push_back(candidates[i]);
  }
  candidates_ -= count;
  std::fill(table_.begin(), table_.end(), 0);
  for (std::uint32_t i = 0; i < streams_.size(); ++i) {
    const Stream& stream = streams_[i];
    if (stream.packets() > 0) table_[slot(stream.from, stream.to, stream.ssrc)] = i + 1;
  }
  last_ = 0;
  return true;
}

Stream* StreamTable::add(const file::Segment& segment, rtp::Header& header, Bytes& payload) {
  if (segment.transport != file::Transport::udp || segment.payload.size() < rtp::kHeaderSize) {
    ++counts_.other;
    return nullptr;
  }
  const rtp::Traffic traffic = rtp::classify(segment.payload);
  if (traffic != rtp::Traffic::rtp || !parse_header(segment.payload, header, payload)) {
    ++(traffic == rtp::Traffic::rtcp && is_rtcp(segment.payload) ? counts_.rtcp : counts_.other);
    return nullptr;
  }
  std::uint32_t entry = last_;
  if (entry == 0 || !belongs(streams_[entry - 1], segment.from, segment.to, header.ssrc)) {
    std::size_t place = slot(segment.from, segment.to, header.ssrc);
    if (table_[place] == 0) {
      const bool announced = announcements_.expects(segment.to);
      const bool full =
          (!announced && candidates_ >= kMaxCandidates) || streams_.size() - free_.size() >= kMaxStreams;
      if (full && !make_room()) {
        ++counts_.other;
        return nullptr;
      }
      if ((streams_.size() + 1) * 2 > table_.size()) grow();
      place = slot(segment.from, segment.to, header.ssrc);
      if (free_.empty()) {
        streams_.emplace_back();
        table_[place] = static_cast<std::uint32_t>(streams_.size());
      } else {
        table_[place] = free_.back() + 1;
        free_.pop_back();
      }
      Stream& fresh = streams_[table_[place] - 1];
      fresh.from = segment.from;
      fresh.to = segment.to;
      fresh.ssrc = header.ssrc;
      fresh.announced = announced;
      if (!announced) ++candidates_;
    }
    entry = last_ = table_[place];
  }
  Stream& stream = streams_[entry - 1];
  const bool was = stream.confirmed();
  if (!stream.knows(header.payload_type, announcements_.generation())) {
    stream.set_format(header.payload_type,
                      announcements_.format(segment.from, segment.to, header.payload_type),
                      announcements_.generation());
  }
  stream.add(segment.time_ns, header, payload);
  if (!was && stream.confirmed()) --candidates_;
  ++counts_.rtp;
  return &stream;
}

const Stream* StreamTable::find(const file::Segment& segment, rtp::Header& header, Bytes& payload) const {
  if (segment.transport != file::Transport::udp || segment.payload.size() < rtp::kHeaderSize) return nullptr;
  if (rtp::classify(segment.payload) != rtp::Traffic::rtp || !parse_header(segment.payload, header, payload))
    return nullptr;
  const std::uint32_t entry = table_[slot(segment.from, segment.to, header.ssrc)];
  if (entry == 0 || !streams_[entry - 1].confirmed()) return nullptr;
  return &streams_[entry - 1];
}

std::vector<const Stream*> StreamTable::streams() const {
  std::vector<const Stream*> found;
  for (const Stream& stream : streams_) {
    if (stream.packets() > 0 && stream.confirmed()) found.push_back(&stream);
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const Stream* a, const Stream* b) { return a->first_ns() < b->first_ns(); });
  return found;
}

} // namespace talky::rtpdump
