#include "capture/unread.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace talky::capture {

namespace {

using Unread = file::Dissector::Unread;

struct Name {
  std::uint16_t number;
  const char* text;
  bool speaks; // what it carries may be a call
};

// Of what a capture of telephones holds; others have their number alone.
constexpr std::array kIpProtocols{
    Name{1, "ICMP", false},    Name{2, "IGMP", false},     Name{50, "ESP, encrypted", true},
    Name{58, "ICMPv6", false}, Name{59, "nothing", false}, Name{88, "EIGRP", false},
    Name{89, "OSPF", false},   Name{103, "PIM", false},    Name{112, "VRRP", false},
    Name{115, "L2TPv3", true}, Name{132, "SCTP", true},    Name{136, "UDP-Lite", true}};
constexpr std::array kEtherTypes{Name{0x0806, "ARP", false},    Name{0x8863, "PPPoE discovery", false},
                                 Name{0x888e, "802.1X", false}, Name{0x88cc, "LLDP", false},
                                 Name{0x88e5, "MACsec", true},  Name{0x8906, "FCoE", false}};

template <std::size_t size>
const Name* find(const std::array<Name, size>& names, std::uint16_t number) {
  const auto found =
      std::find_if(names.begin(), names.end(), [&](const Name& name) { return name.number == number; });
  return found == names.end() ? nullptr : &*found;
}

std::string numbered(const char* kind, const std::string& number, const Name* name) {
  return name != nullptr ? fmt::format("{} {} ({})", kind, number, name->text)
                         : fmt::format("{} {}", kind, number);
}

std::string kind_text(const Unread& unread) {
  switch (unread.kind) {
    case Unread::Kind::link_type: return fmt::format("of link type {}", unread.number);
    case Unread::Kind::ethertype:
      return numbered("of EtherType", fmt::format("0x{:04x}", unread.number),
                      find(kEtherTypes, unread.number));
    case Unread::Kind::ip_protocol:
      return numbered("of IP protocol", std::to_string(unread.number), find(kIpProtocols, unread.number));
    case Unread::Kind::wireless: return "of 802.11 that are encrypted, aggregated or hold no data";
    case Unread::Kind::point: return "of PPP that are negotiation, compressed or encrypted";
    case Unread::Kind::llc: return "of LLC without IP";
    case Unread::Kind::broken: return "with broken or cut off headers";
  }
  return {};
}

// Whether a call may be in it; where something was read, the rest of a network's talk is no loss.
bool may_speak(const Unread& unread) {
  switch (unread.kind) {
    case Unread::Kind::ethertype: {
      const Name* name = find(kEtherTypes, unread.number);
      return name != nullptr && name->speaks;
    }
    case Unread::Kind::ip_protocol: {
      const Name* name = find(kIpProtocols, unread.number);
      return name != nullptr && name->speaks;
    }
    case Unread::Kind::point:
    case Unread::Kind::llc: return false;
    default: return true;
  }
}

std::string frames_text(const Unread& unread) {
  return fmt::format("{} frame{} {}", unread.frames, unread.frames == 1 ? "" : "s", kind_text(unread));
}

// Of all that there was, the most frequent kinds.
std::string nothing_read(const file::Dissector::Counts& counts, const std::string& name) {
  constexpr std::size_t kMost = 4;
  std::vector<Unread> kinds = counts.unread;
  std::stable_sort(kinds.begin(), kinds.end(),
                   [](const Unread& a, const Unread& b) { return a.frames > b.frames; });
  std::string text;
  for (std::size_t i = 0; i < kinds.size() && i < kMost; ++i)
    text += (i == 0 ? "" : ", ") + frames_text(kinds[i]);
  if (kinds.size() > kMost) text += ", and others";
  if (text.empty()) text = fmt::format("{} fragments of datagrams that never became whole", counts.fragments);
  return fmt::format("{}: nothing of it could be read: {}", name, text);
}

} // namespace

bool any_read(const file::Dissector::Counts& counts) {
  return counts.frames == 0 || counts.udp + counts.tcp > 0;
}

std::vector<std::string> unread_lines(const file::Dissector::Counts& counts, std::uint64_t incomplete,
                                      const std::string& name) {
  if (!any_read(counts)) return {nothing_read(counts, name)};
  std::vector<std::string> lines;
  for (const Unread& unread : counts.unread) {
    if (!may_speak(unread)) continue;
    lines.push_back(
        fmt::format("{}: {} {} not read", name, frames_text(unread), unread.frames == 1 ? "was" : "were"));
  }
  if (const std::uint64_t lost = counts.fragments_dropped + incomplete; lost > 0) {
    lines.push_back(
        lost == 1
            ? fmt::format("{}: 1 fragment of a datagram that never became whole was not read", name)
            : fmt::format("{}: {} fragments of datagrams that never became whole were not read", name, lost));
  }
  if (counts.cut > 0) {
    lines.push_back(
        fmt::format("{}: {} packets were cut off when they were captured, at {} bytes (snap "
                    "length): their sound is lost, their headers are counted",
                    name, counts.cut, counts.snap_length));
  }
  return lines;
}

} // namespace talky::capture
