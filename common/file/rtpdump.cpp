#include "file/rtpdump.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <array>

#include "core/ascii.hpp"

namespace talky::file {

namespace {

constexpr std::string_view kMagic = "#!rtpplay1.0";
constexpr std::size_t kHeader = 16;
constexpr std::size_t kPacketHeader = 8;
constexpr std::int64_t kNs = 1'000'000'000;

} // namespace

bool RtpdumpReader::recognises(Bytes start) {
  return as_text(start).starts_with(kMagic.substr(0, 10));
}

Result<RtpdumpReader> RtpdumpReader::open(Input input) {
  RtpdumpReader reader(std::move(input));
  // No more than the header is waited for: behind it a live recording may pause.
  std::size_t wanted = kMagic.size() + 1;
  auto start = reader.input_.peek(wanted);
  std::size_t end = std::string_view::npos;
  while (start) {
    end = as_text(*start).substr(0, kMaxLine).find('\n');
    if (start->size() < wanted || start->size() >= kMaxLine + kHeader) break;
    if (end != std::string_view::npos && start->size() >= end + 1 + kHeader) break;
    wanted = end != std::string_view::npos ? end + 1 + kHeader : start->size() + 1;
    start = reader.input_.peek(wanted);
  }
  if (!start) return tl::unexpected(start.error());
  const std::string_view text = as_text(*start);
  if (!text.starts_with(kMagic)) return fail(Errc::malformed, 0, "#!rtpplay1.0");
  if (end == std::string_view::npos)
    return fail(Errc::malformed, kMagic.size(), "a line of at most 256 bytes");
  if (text.size() < end + 1 + kHeader) return fail(Errc::truncated, text.size(), "a file header of 16 bytes");

  const std::string_view where = ascii::trim(text.substr(kMagic.size(), end - kMagic.size()));
  const std::size_t slash = where.rfind('/');
  if (slash != std::string_view::npos) {
    if (const auto ip = IpAddress::parse(where.substr(0, slash))) reader.source_.ip = *ip;
    reader.source_.port = ascii::to_number<std::uint16_t>(where.substr(slash + 1)).value_or(0);
  }
  Reader header(start->subspan(end + 1, kHeader));
  const std::uint32_t seconds = *header.u32();
  const std::uint32_t microseconds = *header.u32();
  reader.start_ns_ = std::int64_t{seconds} * kNs + std::int64_t{microseconds} * 1000;
  reader.input_.skip(end + 1 + kHeader);
  return reader;
}

void RtpdumpReader::resume() {
  if (failed_) return;
  ended_ = truncated_ = false;
  input_.resume();
}

Result<std::optional<RtpdumpPacket>> RtpdumpReader::next() {
  if (ended_) return std::nullopt;
  input_.skip(pending_skip_);
  pending_skip_ = 0;
  const auto head = input_.peek(kPacketHeader);
  if (!head) return tl::unexpected(head.error());
  if (head->size() < kPacketHeader) {
    ended_ = true;
    truncated_ = !head->empty();
    return std::nullopt;
  }
  Reader fields(*head);
  const std::uint16_t length = *fields.u16();
  const std::uint16_t original = *fields.u16();
  const std::uint32_t offset = *fields.u32();
  if (length < kPacketHeader) {
    ended_ = failed_ = true;
    return fail(Errc::malformed, static_cast<std::size_t>(input_.offset()), "a packet length of at least 8");
  }
  const auto record = input_.peek(length);
  if (!record) return tl::unexpected(record.error());
  if (record->size() < length) {
    ended_ = true;
    truncated_ = true;
    return std::nullopt;
  }
  pending_skip_ = length;
  RtpdumpPacket packet;
  packet.offset_ns = std::int64_t{offset} * 1'000'000;
  packet.rtcp = original == 0;
  packet.data = record->subspan(kPacketHeader, length - kPacketHeader);
  packet.wire_length = std::max<std::uint16_t>(original, static_cast<std::uint16_t>(packet.data.size()));
  return packet;
}

Result<RtpdumpWriter> RtpdumpWriter::create(const std::string& path, Output::Mode mode,
                                            const Endpoint& source, std::int64_t start_ns) {
  auto output = Output::create(path, mode);
  if (!output) return tl::unexpected(output.error());
  RtpdumpWriter writer(std::move(*output), start_ns);
  std::vector<std::byte> bytes;
  Writer out(bytes);
  out.text(fmt::format("{} {}/{}\n", kMagic, source.ip.to_string(), source.port));
  out.u32(static_cast<std::uint32_t>(start_ns / kNs));
  out.u32(static_cast<std::uint32_t>(start_ns % kNs / 1000));
  for (std::size_t i = 12; i < 16; ++i)
    out.u8(source.ip.is_v4() ? source.ip.octets[i] : std::uint8_t{0});
  out.u16(source.port);
  out.u16(0);
  if (const auto written = writer.output_.write(bytes); !written) return tl::unexpected(written.error());
  return writer;
}

Result<> RtpdumpWriter::packet(std::int64_t time_ns, bool rtcp, Bytes data) {
  if (data.size() > 65'535 - kPacketHeader)
    return fail(Errc::too_large, 0, "a packet of at most 65527 bytes");
  std::vector<std::byte> bytes;
  bytes.reserve(kPacketHeader + data.size());
  Writer out(bytes);
  out.u16(static_cast<std::uint16_t>(kPacketHeader + data.size()));
  out.u16(rtcp ? std::uint16_t{0} : static_cast<std::uint16_t>(data.size()));
  const std::int64_t since =
      std::clamp<std::int64_t>(time_ns - start_ns_, 0, std::int64_t{0xffffffff} * 1'000'000);
  out.u32(static_cast<std::uint32_t>((since + 500'000) / 1'000'000));
  out.bytes(data);
  return output_.write(bytes);
}

} // namespace talky::file
