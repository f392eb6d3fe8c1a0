#include "rtp/rtcp.hpp"

#include <algorithm>

namespace talky::rtp {

namespace {

enum Type : std::uint8_t { kSenderReport = 200, kReceiverReport = 201, kSdes = 202, kBye = 203 };
constexpr std::uint8_t kCnameItem = 1;
constexpr std::size_t kBlockSize = 24;
constexpr std::size_t kSenderInfoSize = 20;
constexpr std::size_t kMaxCount = 31;

// Readers below work on bodies whose size has been checked, so the values are there.
std::uint32_t u32(Reader& reader) {
  return reader.u32().value_or(0);
}

Result<Report> parse_report(Bytes body, std::uint8_t type, std::uint8_t count, std::size_t offset) {
  const std::size_t need = 4 + (type == kSenderReport ? kSenderInfoSize : 0) + count * kBlockSize;
  if (body.size() < need) return fail(Errc::truncated, offset + body.size(), "the report blocks");
  Reader reader(body);
  Report report;
  report.ssrc = u32(reader);
  if (type == kSenderReport) {
    SenderInfo info;
    info.ntp = reader.u64().value_or(0);
    info.rtp_timestamp = u32(reader);
    info.packets = u32(reader);
    info.octets = u32(reader);
    report.sender = info;
  }
  report.blocks.reserve(count);
  for (std::uint8_t i = 0; i < count; ++i) {
    ReportBlock block;
    block.ssrc = u32(reader);
    const std::uint32_t lost = u32(reader);
    block.fraction_lost = static_cast<std::uint8_t>(lost >> 24);
    const auto low = static_cast<std::int32_t>(lost & 0xffffff);
    block.cumulative_lost = low >= 0x800000 ? low - 0x1000000 : low;
    block.highest_sequence = u32(reader);
    block.jitter = u32(reader);
    block.last_sr = u32(reader);
    block.delay_since_sr = u32(reader);
    report.blocks.push_back(block);
  }
  return report;
}

// RFC 3550 6.5: chunks of an SSRC and items, each chunk ended by a zero and filled up to a word.
Result<> parse_sdes(Bytes body, std::uint8_t count, std::size_t offset, std::vector<RtcpPacket>& out) {
  Reader reader(body);
  for (std::uint8_t chunk = 0; chunk < count; ++chunk) {
    const auto ssrc = reader.u32();
    if (!ssrc) return fail(Errc::truncated, offset + reader.offset(), "an SDES chunk");
    while (true) {
      const auto item = reader.u8();
      if (!item)
        return fail(Errc::truncated, offset + reader.offset(), "an SDES item or the end of its chunk");
      if (*item == 0) break;
      const auto length = reader.u8();
      if (!length) return fail(Errc::truncated, offset + reader.offset(), "the length of an SDES item");
      const auto text = reader.take(*length);
      if (!text) return fail(Errc::truncated, offset + reader.offset(), "the text of an SDES item");
      if (*item == kCnameItem) out.emplace_back(Cname{*ssrc, as_text(*text)});
    }
    while (reader.offset() % 4 != 0 && reader.remaining() > 0)
      (void)reader.u8();
  }
  return {};
}

Result<Bye> parse_bye(Bytes body, std::uint8_t count, std::size_t offset) {
  if (body.size() < std::size_t{4} * count)
    return fail(Errc::truncated, offset + body.size(), "the SSRCs of a BYE");
  Reader reader(body);
  Bye bye;
  bye.ssrcs.reserve(count);
  for (std::uint8_t i = 0; i < count; ++i)
    bye.ssrcs.push_back(u32(reader));
  if (reader.remaining() > 0) {
    const std::size_t length = reader.u8().value_or(0);
    const auto reason = reader.take(length);
    if (!reason) return fail(Errc::truncated, offset + reader.offset(), "the reason of a BYE");
    bye.reason = as_text(*reason);
  }
  return bye;
}

// The header; returns where its length goes.
std::size_t append_header(std::uint8_t type, std::size_t count, Writer& writer) {
  writer.u8(static_cast<std::uint8_t>(0x80 | count));
  writer.u8(type);
  writer.u16(0);
  return writer.size() - 2;
}

void finish(std::size_t length_at, Writer& writer) {
  while ((writer.size() - length_at + 2) % 4 != 0)
    writer.u8(0);
  writer.patch_u16(length_at, static_cast<std::uint16_t>((writer.size() - length_at + 2) / 4 - 1));
}

} // namespace

Result<std::vector<RtcpPacket>> parse_rtcp(Bytes datagram) {
  std::vector<RtcpPacket> packets;
  Reader reader(datagram);
  if (datagram.empty()) return fail(Errc::truncated, 0, "an RTCP header");
  while (reader.remaining() > 0) {
    const std::size_t start = reader.offset();
    if (reader.remaining() < 4) return fail(Errc::truncated, start, "an RTCP header of 4 bytes");
    const std::uint8_t first = reader.u8().value_or(0);
    const std::uint8_t type = reader.u8().value_or(0);
    const std::size_t length = std::size_t{4} * reader.u16().value_or(0);
    if (first >> 6 != 2) return fail(Errc::unsupported, start, "RTCP version 2");
    if (type < 192 || type > 223) return fail(Errc::malformed, start + 1, "an RTCP packet type");
    auto body = reader.take(length);
    if (!body) return fail(Errc::truncated, start, "an RTCP packet of its own length");
    const std::uint8_t count = first & 0x1f;
    if ((first & 0x20) != 0) {
      if (reader.remaining() > 0) return fail(Errc::malformed, start, "padding in the last packet only");
      const std::size_t padding = body->empty() ? 0 : std::to_integer<std::size_t>(body->back());
      if (padding == 0 || padding % 4 != 0 || padding > body->size()) {
        return fail(Errc::malformed, start, "a padding count within the packet");
      }
      body = body->first(body->size() - padding);
    }
    const std::size_t offset = start + 4;
    if (type == kSenderReport || type == kReceiverReport) {
      auto report = parse_report(*body, type, count, offset);
      if (!report) return tl::make_unexpected(report.error());
      packets.emplace_back(std::move(*report));
    } else if (type == kSdes) {
      const auto done = parse_sdes(*body, count, offset, packets);
      if (!done) return tl::make_unexpected(done.error());
    } else if (type == kBye) {
      auto bye = parse_bye(*body, count, offset);
      if (!bye) return tl::make_unexpected(bye.error());
      packets.emplace_back(std::move(*bye));
    } else {
      packets.emplace_back(OtherRtcp{type, count, Reader(*body).u32().value_or(0)});
    }
  }
  return packets;
}

void append_report(const Report& report, std::vector<std::byte>& out) {
  Writer writer(out);
  const std::size_t count = std::min(report.blocks.size(), kMaxCount);
  const std::size_t length = append_header(report.sender ? kSenderReport : kReceiverReport, count, writer);
  writer.u32(report.ssrc);
  if (report.sender) {
    writer.u64(report.sender->ntp);
    writer.u32(report.sender->rtp_timestamp);
    writer.u32(report.sender->packets);
    writer.u32(report.sender->octets);
  }
  for (const ReportBlock& block : std::span(report.blocks).first(count)) {
    writer.u32(block.ssrc);
    writer.u8(block.fraction_lost);
    writer.u24(static_cast<std::uint32_t>(std::clamp(block.cumulative_lost, -0x800000, 0x7fffff)) & 0xffffff);
    writer.u32(block.highest_sequence);
    writer.u32(block.jitter);
    writer.u32(block.last_sr);
    writer.u32(block.delay_since_sr);
  }
  finish(length, writer);
}

void append_cname(std::uint32_t ssrc, std::string_view cname, std::vector<std::byte>& out) {
  Writer writer(out);
  const std::size_t length = append_header(kSdes, 1, writer);
  cname = cname.substr(0, 255);
  writer.u32(ssrc);
  writer.u8(kCnameItem);
  writer.u8(static_cast<std::uint8_t>(cname.size()));
  writer.text(cname);
  writer.u8(0); // the end of the chunk: at least one, then up to the word
  finish(length, writer);
}

void append_bye(std::uint32_t ssrc, std::string_view reason, std::vector<std::byte>& out) {
  Writer writer(out);
  const std::size_t length = append_header(kBye, 1, writer);
  writer.u32(ssrc);
  reason = reason.substr(0, 255);
  if (!reason.empty()) {
    writer.u8(static_cast<std::uint8_t>(reason.size()));
    writer.text(reason);
  }
  finish(length, writer);
}

std::uint64_t ntp_time(Time time, std::uint64_t ntp_at_epoch) {
  const std::int64_t us = to_us(time);
  std::int64_t seconds = us / 1'000'000;
  std::int64_t rest = us % 1'000'000;
  if (rest < 0) {
    rest += 1'000'000;
    --seconds;
  }
  return ntp_at_epoch + (static_cast<std::uint64_t>(seconds) << 32) +
         ((static_cast<std::uint64_t>(rest) << 32) / 1'000'000);
}

} // namespace talky::rtp
