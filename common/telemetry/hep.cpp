#include "telemetry/hep.hpp"

#include <algorithm>
#include <utility>

namespace talky::telemetry {
namespace {

constexpr std::string_view kMagic = "HEP3";
constexpr std::size_t kChunkHeader = 6;
constexpr std::size_t kMaxText = 255;
constexpr std::uint8_t kFamilyV4 = 2;  // AF_INET
constexpr std::uint8_t kFamilyV6 = 10; // AF_INET6 of Linux, which is what HEP means everywhere
constexpr std::size_t kV4Offset = 12;  // of the IPv4 address in its IPv4-mapped form

enum Chunk : std::uint16_t {
  ip_family = 0x01,
  ip_protocol = 0x02,
  source_v4 = 0x03,
  destination_v4 = 0x04,
  source_v6 = 0x05,
  destination_v6 = 0x06,
  source_port = 0x07,
  destination_port = 0x08,
  seconds = 0x09,
  microseconds = 0x0a,
  payload_type = 0x0b,
  capture_id = 0x0c,
  auth_key = 0x0e,
  payload = 0x0f,
  correlation_id = 0x11
};

class ChunkWriter {
 public:
  explicit ChunkWriter(std::vector<std::byte>& out) : writer_(out) {}
  void u8(Chunk type, std::uint8_t value) {
    head(type, 1);
    writer_.u8(value);
  }
  void u16(Chunk type, std::uint16_t value) {
    head(type, 2);
    writer_.u16(value);
  }
  void u32(Chunk type, std::uint32_t value) {
    head(type, 4);
    writer_.u32(value);
  }
  void bytes(Chunk type, Bytes value) {
    head(type, value.size());
    writer_.bytes(value);
  }

 private:
  void head(Chunk type, std::size_t size) {
    writer_.u16(0); // vendor
    writer_.u16(type);
    writer_.u16(static_cast<std::uint16_t>(kChunkHeader + size));
  }
  Writer writer_;
};

Bytes octets(const IpAddress& ip) {
  const auto all = std::as_bytes(std::span(ip.octets));
  return ip.is_v4() ? all.subspan(kV4Offset) : all;
}

} // namespace

Result<> encode_hep(const HepPacket& p, std::vector<std::byte>& out) {
  const bool v4 = p.from.ip.is_v4();
  if (v4 != p.to.ip.is_v4()) return fail(Errc::malformed, 0, "two addresses of one family");
  if (p.key.size() > kMaxText || p.correlation.size() > kMaxText)
    return fail(Errc::too_large, kMaxText, "a key and a correlation id of at most 255 bytes");
  constexpr std::size_t kMostOfTheRest = 2 * kMaxText + 256;
  if (p.payload.size() > kMaxHep - kMostOfTheRest)
    return fail(Errc::too_large, p.payload.size(), "a message that fits into one datagram");
  out.clear();
  Writer writer(out);
  writer.text(kMagic);
  const std::size_t length_at = writer.size();
  writer.u16(0);
  ChunkWriter chunk(out);
  chunk.u8(ip_family, v4 ? kFamilyV4 : kFamilyV6);
  chunk.u8(ip_protocol, p.transport);
  chunk.bytes(v4 ? source_v4 : source_v6, octets(p.from.ip));
  chunk.bytes(v4 ? destination_v4 : destination_v6, octets(p.to.ip));
  chunk.u16(source_port, p.from.port);
  chunk.u16(destination_port, p.to.port);
  chunk.u32(seconds, static_cast<std::uint32_t>(p.time_us / 1'000'000));
  chunk.u32(microseconds, static_cast<std::uint32_t>(p.time_us % 1'000'000));
  chunk.u8(payload_type, static_cast<std::uint8_t>(p.type));
  chunk.u32(capture_id, p.capture_id);
  if (!p.key.empty()) chunk.bytes(auth_key, as_bytes(p.key));
  if (!p.correlation.empty()) chunk.bytes(correlation_id, as_bytes(p.correlation));
  chunk.bytes(payload, as_bytes(p.payload));
  writer.patch_u16(length_at, static_cast<std::uint16_t>(out.size()));
  return {};
}

namespace {

// What has been read of a packet so far.
struct Found {
  HepPacket packet;
  std::optional<std::uint8_t> family, protocol, type;
  std::optional<std::uint32_t> seconds, microseconds;
  bool ports[2] = {};
  bool payload = false;
  bool addresses[2] = {};

  Result<> take(std::uint16_t type_of, Reader value, std::size_t at);
  bool whole() const {
    return family && protocol && type && seconds && microseconds && ports[0] && ports[1] && payload &&
           addresses[0] && addresses[1];
  }
};

// An integer chunk of exactly the right width.
template <class T>
Result<> exactly(Result<T> value, const Reader& rest, std::size_t at, auto store) {
  if (!value || rest.remaining() != 0) return fail(Errc::malformed, at, "a chunk as long as its type says");
  store(*value);
  return {};
}

Result<> Found::take(std::uint16_t type_of, Reader value, std::size_t at) {
  const auto address = [&](Endpoint& endpoint, bool& there, std::size_t size) -> Result<> {
    if (value.remaining() != size) return fail(Errc::malformed, at, "an address of its family's length");
    IpAddress ip = size == 4 ? IpAddress::v4(0, 0, 0, 0) : IpAddress{};
    const Bytes octets = value.rest();
    for (std::size_t i = 0; i < size; ++i)
      ip.octets[16 - size + i] = std::to_integer<std::uint8_t>(octets[i]);
    endpoint.ip = ip;
    there = true;
    return {};
  };
  const auto u8 = [&](auto& target) {
    return exactly(value.u8(), value, at, [&](std::uint8_t v) { target = v; });
  };
  const auto u32 = [&](auto& target) {
    return exactly(value.u32(), value, at, [&](std::uint32_t v) { target = v; });
  };
  const auto port = [&](Endpoint& endpoint, bool& there) {
    return exactly(value.u16(), value, at, [&](std::uint16_t v) {
      endpoint.port = v;
      there = true;
    });
  };
  switch (type_of) {
    case ip_family: return u8(family);
    case ip_protocol: return u8(protocol);
    case source_v4: return address(packet.from, addresses[0], 4);
    case destination_v4: return address(packet.to, addresses[1], 4);
    case source_v6: return address(packet.from, addresses[0], 16);
    case destination_v6: return address(packet.to, addresses[1], 16);
    case source_port: return port(packet.from, ports[0]);
    case destination_port: return port(packet.to, ports[1]);
    case Chunk::seconds: return u32(seconds);
    case Chunk::microseconds: return u32(microseconds);
    case payload_type: return u8(type);
    case Chunk::capture_id: return u32(packet.capture_id);
    case auth_key: packet.key = as_text(value.rest()); return {};
    case correlation_id: packet.correlation = as_text(value.rest()); return {};
    case Chunk::payload:
      packet.payload = as_text(value.rest());
      payload = true;
      return {};
    default: return {};
  }
}

} // namespace

Result<HepPacket> parse_hep(Bytes datagram) {
  Reader reader(datagram);
  const auto name = reader.take(kMagic.size());
  if (!name || as_text(*name) != kMagic) return fail(Errc::malformed, 0, "HEP3");
  const auto length = reader.u16();
  if (!length) return Unexpected(length.error());
  if (*length != datagram.size()) return fail(Errc::malformed, kMagic.size(), "the length of the datagram");
  Found found;
  while (reader.remaining() > 0) {
    const std::size_t at = reader.offset();
    const auto vendor = reader.u16();
    const auto type = reader.u16();
    const auto size = reader.u16();
    if (!vendor || !type || !size || *size < kChunkHeader)
      return fail(Errc::malformed, at, "a chunk of six bytes and more");
    const auto value = reader.take(*size - kChunkHeader);
    if (!value) return Unexpected(value.error());
    if (*vendor != 0) continue;
    if (const auto taken = found.take(*type, Reader(*value), at); !taken) return Unexpected(taken.error());
  }
  if (!found.whole()) return fail(Errc::malformed, reader.offset(), "all chunks that a packet needs");
  const bool v4 = found.family == kFamilyV4;
  if ((!v4 && found.family != kFamilyV6) || found.packet.from.ip.is_v4() != v4 ||
      found.packet.to.ip.is_v4() != v4)
    return fail(Errc::malformed, 0, "addresses of the family that is named");
  if (*found.microseconds >= 1'000'000) return fail(Errc::malformed, 0, "microseconds below a second");
  found.packet.transport = *found.protocol;
  found.packet.type = static_cast<HepPacket::Type>(*found.type);
  found.packet.time_us = std::int64_t{*found.seconds} * 1'000'000 + *found.microseconds;
  return found.packet;
}

} // namespace talky::telemetry
