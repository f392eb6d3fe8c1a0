#include "table.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "sdp/session.hpp"

namespace talky::rtpdump {

namespace {

// Two multiplications: it is asked for each packet.
std::uint64_t hash_of(const Endpoint& from, const Endpoint& to, std::uint32_t ssrc) {
  const auto word = [](const Endpoint& side, std::size_t at) {
    std::uint64_t value = 0;
    std::memcpy(&value, side.ip.octets.data() + at, 8);
    return value;
  };
  const std::uint64_t hosts =
      word(from, 8) + std::rotl(word(to, 8), 29) + std::rotl(word(from, 0), 11) + std::rotl(word(to, 0), 47);
  const std::uint64_t rest = std::uint64_t{ssrc} << 32 | std::uint64_t{from.port} << 16 | to.port;
  std::uint64_t h = (hosts ^ std::rotl(rest, 7)) * 0x9e3779b97f4a7c15;
  h = (h ^ h >> 32 ^ rest) * 0xbf58476d1ce4e5b9;
  return h ^ h >> 32;
}

// In two words instead of sixteen octets.
bool same(const Endpoint& a, const Endpoint& b) {
  return std::memcmp(a.ip.octets.data(), b.ip.octets.data(), 16) == 0 && a.port == b.port;
}

bool belongs(const Stream& stream, const Endpoint& from, const Endpoint& to, std::uint32_t ssrc) {
  return stream.ssrc == ssrc && same(stream.from, from) && same(stream.to, to);
}

// As rtp::classify() says, of a datagram that is long enough.
bool is_rtp(Bytes packet) {
  const auto first = std::to_integer<unsigned>(packet[0]);
  const auto second = std::to_integer<unsigned>(packet[1]);
  return (first & 0xc0) == 0x80 && (second < 192 || second > 223);
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

void Announcements::expect(const Endpoint& receiver, std::size_t owner) {
  Receiver& known = receivers_[receiver];
  if (known.owner != owner) known.formats.clear();
  known.owner = owner;
  known.until_ns = std::numeric_limits<std::int64_t>::max();
  ++generation_;
}

void Announcements::add(const Endpoint& receiver, std::uint8_t payload_type, Format format) {
  receivers_[receiver].formats.insert_or_assign(payload_type, std::move(format));
  ++generation_;
}

void Announcements::withdraw(const Endpoint& receiver, std::size_t owner, std::int64_t time_ns) {
  const auto known = receivers_.find(receiver);
  if (known != receivers_.end() && known->second.owner == owner) known->second.until_ns = time_ns;
}

bool Announcements::open(const Endpoint& side, std::int64_t time_ns) const {
  const auto known = receivers_.find(side);
  return known != receivers_.end() && time_ns <= known->second.until_ns;
}

void Announcements::add_crypto(const Endpoint& author, std::string_view value) {
  constexpr std::size_t kMax = 2'000;
  Crypto line{author, std::string(value)};
  if (crypto_.size() < kMax && std::find(crypto_.begin(), crypto_.end(), line) == crypto_.end())
    crypto_.push_back(std::move(line));
}

Format Announcements::format(const Endpoint& from, const Endpoint& to, std::uint8_t payload_type) const {
  for (const Endpoint* side : {&to, &from}) {
    const auto known = receivers_.find(*side);
    if (known == receivers_.end()) continue;
    const auto format = known->second.formats.find(payload_type);
    if (format != known->second.formats.end()) return format->second;
  }
  if (const auto fixed = sdp::static_rtpmap(payload_type))
    return {std::string(fixed->name), fixed->clock_rate, false, fixed->channels};
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
    const Slot& here = table_[i];
    if (here.stream == nullptr || (here.ssrc == ssrc && belongs(*here.stream, from, to, ssrc))) return i;
  }
}

void StreamTable::grow() {
  std::vector<Slot> old(table_.size() * 2);
  old.swap(table_);
  for (const Slot& here : old) {
    if (here.stream != nullptr) table_[slot(here.stream->from, here.stream->to, here.ssrc)] = here;
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
  std::fill(table_.begin(), table_.end(), Slot{});
  for (Stream& stream : streams_) {
    if (stream.packets() > 0) table_[slot(stream.from, stream.to, stream.ssrc)] = {stream.ssrc, &stream};
  }
  last_ = nullptr;
  return true;
}

Stream* StreamTable::add(const file::Segment& segment, rtp::Header& header, Bytes& payload) {
  if (segment.transport != file::Transport::udp || segment.payload.size() < rtp::kHeaderSize) {
    ++counts_.other;
    return nullptr;
  }
  if (!is_rtp(segment.payload) || !parse_header(segment.payload, header, payload)) {
    ++(is_rtcp(segment.payload) ? counts_.rtcp : counts_.other);
    return nullptr;
  }
  if (last_ == nullptr || !belongs(*last_, segment.from, segment.to, header.ssrc)) {
    std::size_t place = slot(segment.from, segment.to, header.ssrc);
    if (table_[place].stream == nullptr) {
      const bool announced = announcements_.expects(segment.from, segment.to, segment.time_ns);
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
        table_[place].stream = &streams_.back();
      } else {
        table_[place].stream = &streams_[free_.back()];
        free_.pop_back();
      }
      table_[place].ssrc = header.ssrc;
      Stream& fresh = *table_[place].stream;
      fresh.from = segment.from;
      fresh.to = segment.to;
      fresh.ssrc = header.ssrc;
      fresh.announced = announced;
      if (!announced) ++candidates_;
    }
    last_ = table_[place].stream;
  }
  Stream& stream = *last_;
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
  if (!is_rtp(segment.payload) || !parse_header(segment.payload, header, payload)) return nullptr;
  const Stream* stream = table_[slot(segment.from, segment.to, header.ssrc)].stream;
  return stream != nullptr && stream->confirmed() ? stream : nullptr;
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
