#include "capture/announcement.hpp"

#include <string_view>

#include "core/ascii.hpp"
#include "sdp/session.hpp"

namespace talky::capture {

namespace {

constexpr std::uint16_t kPort = 9875;
constexpr std::size_t kNoCall = ~std::size_t{0}; // owner of what no call announced
constexpr std::size_t kMaxMedia = 32, kMaxReceivers = 10'000;

// The SDP in a message, "" if it holds none: version 1, no deletion, not encrypted, not compressed.
std::string_view description_in(Bytes message) {
  if (message.size() < 8) return {};
  const auto flags = std::to_integer<unsigned>(message[0]);
  constexpr unsigned version = 0x20, ipv6 = 0x10, deletion = 0x04, encrypted = 0x02, compressed = 0x01;
  if ((flags & 0xe0U) != version || (flags & (deletion | encrypted | compressed)) != 0) return {};
  const std::size_t head = ((flags & ipv6) != 0 ? 20U : 8U) + 4 * std::to_integer<std::size_t>(message[1]);
  if (message.size() <= head) return {};
  std::string_view text = as_text(message.subspan(head));
  constexpr std::string_view type("application/sdp\0", 16);
  if (text.starts_with(type)) text.remove_prefix(type.size());
  return text.starts_with("v=0") ? text : std::string_view{};
}

std::string printable(std::string_view text) {
  std::string out;
  for (const char c : text)
    out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  return out;
}

} // namespace

bool read_announcement(const file::Segment& segment, Announcements& announcements) {
  if (segment.transport != file::Transport::udp || segment.to.port != kPort) return false;
  const std::string_view text = description_in(segment.payload);
  if (text.empty()) return false;
  const auto session = sdp::Session::parse(text);
  if (!session) return false;
  std::size_t taken = 0;
  for (const sdp::Media& media : session->media) {
    const auto connection = session->connection_of(media);
    if (media.type != "audio" || media.port == 0 || !connection || !connection->ip) continue;
    if (++taken > kMaxMedia) break;
    const Endpoint receiver{*connection->ip, media.port};
    if (announcements.receivers() >= kMaxReceivers) break;
    if (announcements.expects(receiver, receiver, segment.time_ns)) continue; // said again, or by a call
    announcements.expect(receiver, kNoCall);
    for (const std::string_view number : media.formats) {
      const auto payload_type = ascii::to_number<std::uint8_t>(number);
      if (!payload_type || *payload_type > 127) continue;
      const auto map = media.rtpmap(*payload_type);
      if (!map) continue;
      announcements.add(receiver, *payload_type,
                        {printable(map->name), map->clock_rate, ascii::iequals(map->name, "telephone-event"),
                         map->channels});
    }
  }
  return true;
}

} // namespace talky::capture
