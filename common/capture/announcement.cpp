#include "capture/announcement.hpp"

#include <algorithm>
#include <string_view>

#include "core/ascii.hpp"
#include "sdp/session.hpp"

namespace talky::capture {

namespace {

constexpr std::uint16_t kPort = 9875;
constexpr std::size_t kNoCall = ~std::size_t{0}; // owner of what no call announced
constexpr std::size_t kMaxMedia = 32, kMaxReceivers = 10'000;

// The SDP in a SAP message, "" if it holds none: version 1, no deletion, not encrypted, not compressed.
std::string_view announced_in(Bytes message) {
  if (message.size() < 8) return {};
  const auto flags = std::to_integer<unsigned>(message[0]);
  constexpr unsigned kVersion = 0x20, kIpv6 = 0x10, kDeletion = 0x04, kEncrypted = 0x02, kCompressed = 0x01;
  if ((flags & 0xe0U) != kVersion || (flags & (kDeletion | kEncrypted | kCompressed)) != 0) return {};
  const std::size_t head = ((flags & kIpv6) != 0 ? 20U : 8U) + 4 * std::to_integer<std::size_t>(message[1]);
  if (message.size() <= head) return {};
  std::string_view text = as_text(message.subspan(head));
  constexpr std::string_view kType("application/sdp\0", 16);
  if (text.starts_with(kType)) text.remove_prefix(kType.size());
  return text.starts_with("v=0") ? text : std::string_view{};
}

// The SDP behind the lines of another protocol, as in MGCP (RFC 3435) and Megaco (RFC 3525).
std::string_view described_in(Bytes message) {
  constexpr std::string_view kStart = "v=0", kAudio = "m=audio ";
  const bool letters =
      message.size() >= 4 && std::all_of(message.begin(), message.begin() + 4, [](std::byte b) {
        const auto c = std::to_integer<unsigned char>(b);
        return c >= 0x20 && c < 0x7f;
      });
  if (!letters) return {}; // which spares nearly all that is no text a search
  const std::string_view text = as_text(message);
  const std::size_t at = text.find(kStart);
  return at != std::string_view::npos && text.find(kAudio, at) != std::string_view::npos ? text.substr(at)
                                                                                         : std::string_view{};
}

} // namespace

bool read_announcement(const file::Segment& segment, Announcements& announcements) {
  if (segment.transport != file::Transport::udp) return false;
  const std::string_view text =
      segment.to.port == kPort ? announced_in(segment.payload) : described_in(segment.payload);
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
    announcements.add(receiver, media);
  }
  return true;
}

} // namespace talky::capture
