#include <algorithm>
#include <array>

#include "file/pcap.hpp"

namespace talky::file {

namespace {

constexpr std::uint8_t kTcpSyn = 0x02;
constexpr std::uint8_t kTcpPush = 0x08;
constexpr std::uint8_t kTcpAck = 0x10;
constexpr std::size_t kMaxUdpPayload = 65'507;
constexpr std::size_t kMaxSegment = 1'400;

// Native records are little-endian here whatever the machine, so that the same call writes the same bytes.
struct Cursor {
  std::byte* p;
  void u8(unsigned value) { *p++ = static_cast<std::byte>(value); }
  void u16(unsigned value) {
    u8(value >> 8);
    u8(value & 0xff);
  }
  void u32(std::uint32_t value) {
    u16(value >> 16);
    u16(value & 0xffff);
  }
  void little16(unsigned value) {
    u8(value & 0xff);
    u8(value >> 8 & 0xff);
  }
  void little32(std::uint32_t value) {
    for (int shift = 0; shift < 32; shift += 8)
      u8(value >> shift & 0xff);
  }
  void bytes(Bytes value) { p = std::copy(value.begin(), value.end(), p); }
  void octets(const IpAddress& address, std::size_t from) {
    for (std::size_t i = from; i < address.octets.size(); ++i)
      u8(address.octets[i]);
  }
};

std::uint32_t sum(Bytes bytes, std::uint32_t total = 0) {
  std::size_t i = 0;
  for (; i + 1 < bytes.size(); i += 2)
    total += std::to_integer<std::uint32_t>(bytes[i]) << 8 | std::to_integer<std::uint32_t>(bytes[i + 1]);
  if (i < bytes.size()) total += std::to_integer<std::uint32_t>(bytes[i]) << 8;
  return total;
}

std::uint16_t fold(std::uint32_t total) {
  while (total >> 16 != 0)
    total = (total & 0xffff) + (total >> 16);
  return static_cast<std::uint16_t>(~total);
}

constexpr std::size_t kPcapHeader = 24, kPcapRecord = 16;
constexpr std::size_t kSectionHeader = 28, kInterface = 32, kPacketHead = 28, kBlockTail = 4; // pcapng
constexpr std::uint64_t kNanosecond = 1'000'000'000;

std::size_t padded(std::size_t length) {
  return (length + 3) / 4 * 4;
}

} // namespace

Result<PcapWriter> PcapWriter::create(const std::string& path, const Options& options) {
  auto output = Output::create(path, options.mode);
  if (!output) return tl::unexpected(output.error());
  PcapWriter writer(std::move(*output), options);
  if (const auto begun = writer.begin(); !begun) return tl::unexpected(begun.error());
  return writer;
}

Result<> PcapWriter::begin() {
  const std::size_t size = options_.format == Format::pcap ? kPcapHeader : kSectionHeader;
  const auto room = output_.reserve(size);
  if (!room) return tl::unexpected(room.error());
  Cursor out{*room};
  output_.commit(size);
  if (options_.format == Format::pcap) {
    out.little32(0xa1b23c4d);  // nanoseconds
    out.little32(2 | 4 << 16); // version 2.4
    out.little32(0);
    out.little32(0);
    out.little32(options_.snap_length);
    out.little32(static_cast<std::uint32_t>(options_.link));
    return {};
  }
  out.little32(0x0a0d0d0a); // Section Header Block
  out.little32(kSectionHeader);
  out.little32(0x1a2b3c4d);
  out.little32(1); // version 1.0
  out.little32(0xffffffff);
  out.little32(0xffffffff); // the length of the section is not known
  out.little32(kSectionHeader);
  if (const auto made = interface_of(options_.link); !made) return tl::unexpected(made.error());
  return {};
}

// The number of a pcapng's interface of this link type, which is described first where it is new.
Result<std::uint32_t> PcapWriter::interface_of(LinkType link) {
  const auto known = std::find(interfaces_.begin(), interfaces_.end(), link);
  const auto number = static_cast<std::uint32_t>(known - interfaces_.begin());
  if (known != interfaces_.end()) return number;
  const auto room = output_.reserve(kInterface);
  if (!room) return tl::unexpected(room.error());
  Cursor out{*room};
  out.little32(1); // Interface Description Block
  out.little32(kInterface);
  out.little16(static_cast<unsigned>(link));
  out.little16(0);
  out.little32(options_.snap_length);
  out.little16(9); // if_tsresol: nanoseconds
  out.little16(1);
  out.little32(9);
  out.little32(0); // no more options
  out.little32(kInterface);
  output_.commit(kInterface);
  interfaces_.push_back(link);
  return number;
}

Result<std::byte*> PcapWriter::record(std::int64_t time_ns, LinkType link, std::size_t length,
                                      std::size_t wire_length) {
  const auto time = static_cast<std::uint64_t>(std::max<std::int64_t>(time_ns, 0));
  if (options_.format == Format::pcap) {
    const auto room = output_.reserve(kPcapRecord + length);
    if (!room) return tl::unexpected(room.error());
    output_.commit(kPcapRecord + length);
    Cursor out{*room};
    out.little32(static_cast<std::uint32_t>(time / kNanosecond));
    out.little32(static_cast<std::uint32_t>(time % kNanosecond));
    out.little32(static_cast<std::uint32_t>(length));
    out.little32(static_cast<std::uint32_t>(wire_length));
    return out.p;
  }
  const auto interface = interface_of(link);
  if (!interface) return tl::unexpected(interface.error());
  const std::size_t size = kPacketHead + padded(length) + kBlockTail;
  const auto room = output_.reserve(size);
  if (!room) return tl::unexpected(room.error());
  output_.commit(size);
  Cursor out{*room};
  out.little32(6); // Enhanced Packet Block
  out.little32(static_cast<std::uint32_t>(size));
  out.little32(*interface);
  out.little32(static_cast<std::uint32_t>(time >> 32));
  out.little32(static_cast<std::uint32_t>(time));
  out.little32(static_cast<std::uint32_t>(length));
  out.little32(static_cast<std::uint32_t>(wire_length));
  std::byte* const frame = out.p;
  out.p += length;
  for (std::size_t i = length; i < padded(length); ++i)
    out.u8(0);
  out.little32(static_cast<std::uint32_t>(size));
  return frame;
}

Result<> PcapWriter::frame(const CapturedFrame& frame) {
  if (!takes(frame.link)) return fail(Errc::unsupported, 0, "frames of one link type");
  const std::size_t length = std::min<std::size_t>(frame.data.size(), options_.snap_length);
  const auto room =
      record(frame.time_ns, frame.link, length, std::max<std::size_t>(frame.wire_length, frame.data.size()));
  if (!room) return tl::unexpected(room.error());
  Cursor{*room}.bytes(frame.data.first(length));
  return {};
}

Result<> PcapWriter::packet(std::int64_t time_ns, const Endpoint& from, const Endpoint& to,
                            std::uint8_t protocol, Bytes transport_header, Bytes payload) {
  const bool v4 = from.ip.is_v4() && to.ip.is_v4();
  const std::size_t link = options_.link == LinkType::ethernet ? 14 : 0;
  const std::size_t network = v4 ? 20 : 40;
  const std::size_t carried = transport_header.size() + payload.size();
  std::vector<std::byte> head(link + network + transport_header.size());
  Cursor out{head.data()};
  if (link > 0) {
    // Locally administered addresses that differ for the two sides.
    out.u16(0x0200);
    out.u32(0x00000000 | to.port);
    out.u16(0x0200);
    out.u32(0x00000000 | from.port);
    out.u16(v4 ? 0x0800 : 0x86dd);
  }
  if (v4) {
    std::byte* start = out.p;
    out.u8(0x45);
    out.u8(0);
    out.u16(static_cast<unsigned>(network + carried));
    out.u16(ip_id_++);
    out.u16(0x4000); // do not fragment
    out.u8(64);
    out.u8(protocol);
    out.u16(0);
    out.octets(from.ip, 12);
    out.octets(to.ip, 12);
    Cursor{start + 10}.u16(fold(sum(Bytes(start, network))));
  } else {
    out.u32(0x60000000);
    out.u16(static_cast<unsigned>(carried));
    out.u8(protocol);
    out.u8(64);
    out.octets(from.ip, 0);
    out.octets(to.ip, 0);
  }
  std::byte* transport = out.p;
  out.bytes(transport_header);
  // The pseudo header of UDP and TCP: addresses, protocol and length.
  std::uint32_t total = sum(Bytes(head).subspan(link + (v4 ? 12 : 8), v4 ? 8 : 32));
  total += protocol + static_cast<std::uint32_t>(carried);
  total = sum(transport_header, total);
  std::uint16_t checksum = fold(sum(payload, total));
  if (protocol == 17 && checksum == 0) checksum = 0xffff;
  Cursor{transport + (protocol == 17 ? 6 : 16)}.u16(checksum);

  const std::size_t length = head.size() + payload.size();
  const auto room = record(time_ns, options_.link, length, length);
  if (!room) return tl::unexpected(room.error());
  Cursor frame{*room};
  frame.bytes(head);
  frame.bytes(payload);
  return {};
}

Result<> PcapWriter::udp(std::int64_t time_ns, const Endpoint& from, const Endpoint& to, Bytes payload) {
  if (payload.size() > kMaxUdpPayload) return fail(Errc::too_large, 0, "a datagram of at most 65507 bytes");
  std::array<std::byte, 8> header{};
  Cursor out{header.data()};
  out.u16(from.port);
  out.u16(to.port);
  out.u16(static_cast<unsigned>(8 + payload.size()));
  out.u16(0);
  return packet(time_ns, from, to, 17, header, payload);
}

Result<> PcapWriter::segment(std::int64_t time_ns, const Endpoint& from, const Endpoint& to,
                             std::uint8_t flags, Bytes payload) {
  std::uint32_t& sequence = tcp_next_[{from, to}];
  const std::uint32_t acknowledged = tcp_next_[{to, from}]; // may move `sequence`'s table, never its node
  std::array<std::byte, 20> header{};
  Cursor out{header.data()};
  out.u16(from.port);
  out.u16(to.port);
  out.u32(sequence);
  out.u32((flags & kTcpAck) != 0 ? acknowledged : 0);
  out.u8(0x50);
  out.u8(flags);
  out.u16(65'535);
  sequence += static_cast<std::uint32_t>(payload.size()) + ((flags & kTcpSyn) != 0 ? 1u : 0u);
  return packet(time_ns, from, to, 6, header, payload);
}

Result<> PcapWriter::tcp(std::int64_t time_ns, const Endpoint& from, const Endpoint& to, Bytes payload) {
  if (!tcp_next_.contains({from, to})) {
    for (const auto& step :
         {segment(time_ns, from, to, kTcpSyn, {}), segment(time_ns, to, from, kTcpSyn | kTcpAck, {}),
          segment(time_ns, from, to, kTcpAck, {})}) {
      if (!step) return step;
    }
  }
  while (!payload.empty()) {
    const std::size_t length = std::min(payload.size(), kMaxSegment);
    if (auto done = segment(time_ns, from, to, kTcpPush | kTcpAck, payload.first(length)); !done) return done;
    payload = payload.subspan(length);
  }
  return {};
}

} // namespace talky::file
