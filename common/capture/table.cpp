#include "capture/table.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "core/ascii.hpp"
#include "sdp/session.hpp"

namespace talky::capture {

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
  return (first & 0xc0) == 0x80 && !rtp::is_rtcp_type(second);
}

// Also what is in the future: the clock was set back since.
bool is_idle(std::int64_t last_ns, std::int64_t now_ns) {
  const auto difference = static_cast<std::uint64_t>(now_ns) - static_cast<std::uint64_t>(last_ns);
  return last_ns > now_ns || difference > static_cast<std::uint64_t>(StreamTable::kIdleNs);
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
  auto& agreed = any_.try_emplace(payload_type, format).first->second;
  if (agreed != format) agreed = Format{};
  receivers_[receiver].formats.insert_or_assign(payload_type, std::move(format));
  ++generation_;
}

void Announcements::add(const Endpoint& receiver, const sdp::Media& media) {
  for (const std::string_view number : media.formats) {
    const auto payload_type = ascii::to_number<std::uint8_t>(number);
    if (!payload_type || *payload_type > 127) continue;
    if (const auto map = media.rtpmap(*payload_type))
      add(receiver, *payload_type, make_format(map->name, map->clock_rate, map->channels));
  }
}

void Announcements::say(std::uint8_t payload_type, Format format) {
  said_.insert_or_assign(payload_type, std::move(format));
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
  if (const auto said = said_.find(payload_type); said != said_.end()) return said->second;
  for (const Endpoint* side : {&to, &from}) {
    const auto known = receivers_.find(*side);
    if (known == receivers_.end()) continue;
    const auto format = known->second.formats.find(payload_type);
    if (format != known->second.formats.end()) return format->second;
  }
  if (const auto fixed = sdp::static_rtpmap(payload_type))
    return {std::string(fixed->name), fixed->clock_rate, false, fixed->channels};
  if (const auto any = any_.find(payload_type); any != any_.end()) return any->second;
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

bool StreamTable::has_room(bool announced) const {
  if (streams_.size() - free_.size() >= kMaxStreams) return false;
  return announced || candidates_ < kMaxCandidates + kCandidatesPerStream * confirmed_;
}

// Drops the candidates that have been idle for long. A stream in speech has a packet every few tens of
// milliseconds, so what is left goes on to be one. (To drop the longest idle however short that is would
// drop, of very many streams at once, each just before its next packet.)
bool StreamTable::make_room(std::int64_t now_ns) {
  if (now_ns >= looked_ns_ && now_ns < look_again_ns_) return false;
  std::int64_t oldest = now_ns;
  const std::size_t before = candidates_;
  for (std::uint32_t i = 0; i < streams_.size(); ++i) {
    Stream& stream = streams_[i];
    if (stream.confirmed() || stream.packets() == 0) continue;
    if (!is_idle(stream.last_ns(), now_ns)) {
      oldest = std::min(oldest, stream.last_ns());
      continue;
    }
    remember(hash_of(stream.from, stream.to, stream.ssrc), stream.refused + stream.packets());
    stream = Stream{};
    free_.push_back(i);
    --candidates_;
  }
  looked_ns_ = now_ns;
  look_again_ns_ = oldest > std::numeric_limits<std::int64_t>::max() - kIdleNs ? oldest : oldest + kIdleNs;
  if (candidates_ == before) return false;
  std::fill(table_.begin(), table_.end(), Slot{});
  for (Stream& stream : streams_) {
    if (stream.packets() > 0) table_[slot(stream.from, stream.to, stream.ssrc)] = {stream.ssrc, &stream};
  }
  last_ = nullptr;
  return true;
}

void StreamTable::remember(std::uint64_t hash, std::uint64_t packets) {
  if (refused_.empty()) refused_.resize(kMaxRefused);
  Refused& here = refused_[hash % kMaxRefused];
  const auto tag = static_cast<std::uint32_t>(hash >> 32);
  if (here.tag != tag) here = {tag, 0};
  here.packets += static_cast<std::uint32_t>(packets);
}

std::uint32_t StreamTable::recall(std::uint64_t hash) {
  if (refused_.empty()) return 0;
  Refused& here = refused_[hash % kMaxRefused];
  return here.tag == static_cast<std::uint32_t>(hash >> 32) ? std::exchange(here.packets, 0) : 0;
}

Crowd StreamTable::crowd() const {
  Crowd crowd;
  crowd.beyond = beyond_;
  for (const Stream& stream : streams_) {
    if (stream.refused == 0 || !stream.confirmed()) continue;
    ++crowd.streams;
    crowd.packets += stream.refused;
  }
  return crowd;
}

Stream& StreamTable::make(const file::Segment& segment, std::uint32_t ssrc, bool announced) {
  if ((streams_.size() + 1) * 2 > table_.size()) grow();
  Slot& place = table_[slot(segment.from, segment.to, ssrc)];
  if (free_.empty()) {
    place.stream = &streams_.emplace_back();
  } else {
    place.stream = &streams_[free_.back()];
    free_.pop_back();
  }
  place.ssrc = ssrc;
  Stream& fresh = *place.stream;
  fresh.from = segment.from;
  fresh.to = segment.to;
  fresh.ssrc = ssrc;
  fresh.announced = announced;
  fresh.refused = recall(hash_of(segment.from, segment.to, ssrc));
  if (only_rtp_) fresh.confirm();
  if (!fresh.confirmed()) ++candidates_;
  return fresh;
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
    Stream* known = table_[slot(segment.from, segment.to, header.ssrc)].stream;
    if (known == nullptr) {
      const bool announced = announcements_.expects(segment.from, segment.to, segment.time_ns);
      if (!has_room(announced || only_rtp_) && !make_room(segment.time_ns)) {
        ++counts_.other;
        if (streams_.size() - free_.size() >= kMaxStreams) {
          ++beyond_;
        } else {
          remember(hash_of(segment.from, segment.to, header.ssrc), 1);
        }
        return nullptr;
      }
      known = &make(segment, header.ssrc, announced);
    }
    last_ = known;
  }
  Stream& stream = *last_;
  const bool was = stream.confirmed();
  if (!stream.knows(header.payload_type, announcements_.generation())) {
    stream.set_format(header.payload_type,
                      announcements_.format(segment.from, segment.to, header.payload_type),
                      announcements_.generation());
  }
  stream.add(segment.time_ns, header, payload);
  if (!was && stream.confirmed()) {
    --candidates_;
    ++confirmed_;
  }
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

} // namespace talky::capture
