#include "file/pcap.hpp"

#include <algorithm>

namespace talky::file {

namespace {

constexpr std::uint32_t kMagicMicro = 0xa1b2c3d4;
constexpr std::uint32_t kMagicNano = 0xa1b23c4d;
constexpr std::uint32_t kSectionHeader = 0x0a0d0d0a; // reads the same in both byte orders
constexpr std::uint32_t kByteOrder = 0x1a2b3c4d;
constexpr std::size_t kPcapHeader = 24;
constexpr std::size_t kRecordHeader = 16;
constexpr std::int64_t kNs = 1'000'000'000;

std::uint32_t little(const std::byte* p) {
  return std::to_integer<std::uint32_t>(p[0]) | std::to_integer<std::uint32_t>(p[1]) << 8 |
         std::to_integer<std::uint32_t>(p[2]) << 16 | std::to_integer<std::uint32_t>(p[3]) << 24;
}
std::uint32_t big(const std::byte* p) {
  return std::to_integer<std::uint32_t>(p[3]) | std::to_integer<std::uint32_t>(p[2]) << 8 |
         std::to_integer<std::uint32_t>(p[1]) << 16 | std::to_integer<std::uint32_t>(p[0]) << 24;
}

// Ticks of a pcapng interface to nanoseconds, without overflow for any input.
std::int64_t to_ns(std::uint64_t ticks, std::uint64_t per_second, std::int64_t offset_seconds) {
  constexpr std::uint64_t kLatest = 9'000'000'000; // seconds: int64 nanoseconds hold the year 2255
  const std::uint64_t seconds = std::min(ticks / per_second, kLatest);
  const std::uint64_t rest = ticks % per_second;
  const std::uint64_t ns = per_second <= kNs
                               ? rest * (kNs / per_second) + rest * (kNs % per_second) / per_second
                               : rest / (per_second / kNs);
  const std::int64_t shifted =
      std::clamp<std::int64_t>(static_cast<std::int64_t>(seconds) +
                                   std::clamp<std::int64_t>(offset_seconds, -9'000'000'000, 9'000'000'000),
                               0, static_cast<std::int64_t>(kLatest));
  return shifted * kNs + static_cast<std::int64_t>(ns);
}

} // namespace

std::uint16_t PcapReader::u16(const std::byte* p) const {
  const auto low = std::to_integer<unsigned>(p[big_endian_ ? 1 : 0]);
  const auto high = std::to_integer<unsigned>(p[big_endian_ ? 0 : 1]);
  return static_cast<std::uint16_t>(low | high << 8);
}

bool PcapReader::recognises(Bytes start) {
  if (start.size() < 4) return false;
  for (const std::uint32_t magic : {little(start.data()), big(start.data())}) {
    if (magic == kMagicMicro || magic == kMagicNano || magic == kSectionHeader) return true;
  }
  return false;
}

Result<PcapReader> PcapReader::open(Input input) {
  PcapReader reader(std::move(input));
  const auto start = reader.input_.peek(kPcapHeader);
  if (!start) return tl::unexpected(start.error());
  if (!recognises(*start)) return fail(Errc::malformed, 0, "a pcap or pcapng file");
  if (start->size() < kPcapHeader) return fail(Errc::truncated, start->size(), "a file header of 24 bytes");
  if (little(start->data()) == kSectionHeader) {
    reader.pcapng_ = true;
    // Read here, so that a wrong version is an error of open().
    const auto bytes = reader.input_.peek(28);
    if (!bytes) return tl::unexpected(bytes.error());
    if (bytes->size() < 28) return fail(Errc::truncated, bytes->size(), "a section header of 28 bytes");
    if (const auto section = reader.section_header(*bytes); !section) return tl::unexpected(section.error());
    return reader;
  }
  if (const auto header = reader.read_pcap_header(*start); !header) return tl::unexpected(header.error());
  return reader;
}

Result<> PcapReader::read_pcap_header(Bytes start) {
  const std::byte* p = start.data();
  big_endian_ = big(p) == kMagicMicro || big(p) == kMagicNano;
  nanoseconds_ = u32(p) == kMagicNano;
  if (u16(p + 4) != 2) return fail(Errc::unsupported, 4, "version 2 of the pcap format");
  // The upper bits hold the length of a frame check sequence.
  link_ = static_cast<LinkType>(u32(p + 20) & 0xffff);
  input_.skip(kPcapHeader);
  return {};
}

bool PcapReader::cut() {
  truncated_ = true;
  return false;
}

void PcapReader::resume() {
  if (failed_) return;
  ended_ = truncated_ = false;
  input_.resume();
}

Result<bool> PcapReader::read(CapturedFrame& frame) {
  if (ended_) return false;
  const auto got = pcapng_ ? read_pcapng(frame) : read_pcap(frame);
  failed_ = !got;
  ended_ = !got || !*got;
  return got;
}

Result<bool> PcapReader::read_pcap(CapturedFrame& frame) {
  input_.skip(pending_skip_);
  pending_skip_ = 0;
  auto record = input_.peek(kRecordHeader);
  if (!record) return tl::unexpected(record.error());
  if (record->empty()) return false;
  if (record->size() < kRecordHeader) return cut();
  const std::uint32_t captured = u32(record->data() + 8);
  if (captured > kMaxFrame) {
    return fail(Errc::too_large, static_cast<std::size_t>(input_.offset()) + 8, "a frame of at most 256 KiB");
  }
  const std::size_t length = kRecordHeader + captured;
  if (record->size() < length) {
    record = input_.peek(length);
    if (!record) return tl::unexpected(record.error());
    if (record->size() < length) return cut();
  }
  const std::byte* p = record->data();
  // The headers of the record behind the next, if that is as long as this one, are all that will be looked
  // at.
  const std::size_t ahead = std::min(2 * length, record->size() - 1);
  __builtin_prefetch(p + ahead);
  __builtin_prefetch(p + std::min(ahead + 64, record->size() - 1));
  frame.time_ns = static_cast<std::int64_t>(u32(p)) * kNs +
                  static_cast<std::int64_t>(u32(p + 4)) * (nanoseconds_ ? 1 : 1000);
  frame.link = link_;
  frame.data = Bytes(p + kRecordHeader, captured);
  frame.wire_length = std::max(captured, u32(p + 12));
  pending_skip_ = length;
  return true;
}

Result<> PcapReader::section_header(Bytes block) {
  const std::byte* p = block.data();
  const auto at = static_cast<std::size_t>(input_.offset());
  if (little(p + 8) == kByteOrder) {
    big_endian_ = false;
  } else if (big(p + 8) == kByteOrder) {
    big_endian_ = true;
  } else {
    return fail(Errc::malformed, at + 8, "the byte-order magic of a pcapng section");
  }
  if (u16(p + 12) != 1) return fail(Errc::unsupported, at + 12, "version 1 of the pcapng format");
  interfaces_.clear();
  return {};
}

Result<bool> PcapReader::read_pcapng(CapturedFrame& frame) {
  for (;;) {
    input_.skip(pending_skip_);
    pending_skip_ = 0;
    if (pending_discard_ > 0) {
      const auto passed = input_.discard(pending_discard_);
      if (!passed) return tl::unexpected(passed.error());
      pending_discard_ -= *passed;
      if (pending_discard_ > 0) return cut();
    }
    const auto start = input_.peek(12);
    if (!start) return tl::unexpected(start.error());
    if (start->empty()) return false;
    if (start->size() < 12) return cut();
    const auto at = static_cast<std::size_t>(input_.offset());
    if (little(start->data()) == kSectionHeader) {
      const auto section = input_.peek(16);
      if (!section) return tl::unexpected(section.error());
      if (section->size() < 16) return cut();
      if (const auto read = section_header(*section); !read) return tl::unexpected(read.error());
    }
    const auto head = input_.peek(8);
    if (!head) return tl::unexpected(head.error());
    const std::uint32_t type = u32(head->data());
    const std::uint32_t length = u32(head->data() + 4);
    if (length < 12 || length % 4 != 0)
      return fail(Errc::malformed, at + 4, "a block length that is a multiple of four");
    if (length > kMaxBlock) return fail(Errc::too_large, at + 4, "a block of at most 16 MiB");
    if (type != 1 && type != 2 && type != 3 && type != 6) { // not an interface or a packet
      pending_discard_ = length;
      continue;
    }
    const auto block = input_.peek(length);
    if (!block) return tl::unexpected(block.error());
    if (block->size() < length) return cut();
    pending_skip_ = length;
    const Bytes body = block->subspan(8, length - 12);
    if (type == 1) {
      if (const auto read = interface_description(body); !read) return tl::unexpected(read.error());
      continue;
    }
    const auto read = type == 3 ? simple_packet(body, frame) : enhanced_packet(body, type == 2, frame);
    if (!read) return tl::unexpected(read.error());
    return true;
  }
}

Result<> PcapReader::interface_description(Bytes body) {
  const auto at = static_cast<std::size_t>(input_.offset()) + 8;
  if (body.size() < 8) return fail(Errc::truncated, at, "an interface description of 8 bytes");
  if (interfaces_.size() >= kMaxInterfaces) return fail(Errc::too_large, at, "at most 256 interfaces");
  Interface interface;
  interface.link = static_cast<LinkType>(u16(body.data()));
  interface.snap_length = u32(body.data() + 4);
  for (std::size_t i = 8; i + 4 <= body.size();) {
    const std::uint16_t code = u16(body.data() + i);
    const std::uint16_t length = u16(body.data() + i + 2);
    if (code == 0 || i + 4 + length > body.size()) break;
    const std::byte* value = body.data() + i + 4;
    if (code == 9 && length >= 1) { // if_tsresol
      const auto resolution = std::to_integer<unsigned>(*value);
      const unsigned exponent = resolution & 0x7f;
      interface.ticks_per_second = 1;
      if ((resolution & 0x80) != 0) {
        if (exponent > 32) return fail(Errc::unsupported, at + i, "a time resolution of at most 2^-32 s");
        interface.ticks_per_second = std::uint64_t{1} << exponent;
      } else {
        if (exponent > 18) return fail(Errc::unsupported, at + i, "a time resolution of at most 10^-18 s");
        for (unsigned n = 0; n < exponent; ++n)
          interface.ticks_per_second *= 10;
      }
    } else if (code == 14 && length >= 8) { // if_tsoffset
      const std::uint64_t low = u32(value + (big_endian_ ? 4 : 0));
      const std::uint64_t high = u32(value + (big_endian_ ? 0 : 4));
      interface.offset_seconds = static_cast<std::int64_t>(high << 32 | low);
    }
    i += 4 + (std::size_t{length} + 3) / 4 * 4;
  }
  interfaces_.push_back(interface);
  return {};
}

// The obsolete packet block differs in its first field: 16 bits of it count drops.
Result<> PcapReader::enhanced_packet(Bytes body, bool obsolete, CapturedFrame& frame) const {
  const auto at = static_cast<std::size_t>(input_.offset()) + 8;
  if (body.size() < 20) return fail(Errc::truncated, at, "a packet block of 20 bytes");
  const std::byte* p = body.data();
  const std::uint32_t number = obsolete ? u16(p) : u32(p);
  if (number >= interfaces_.size()) return fail(Errc::malformed, at, "an interface that was described");
  const Interface& interface = interfaces_[number];
  const std::uint32_t captured = u32(p + 12);
  if (captured > body.size() - 20)
    return fail(Errc::malformed, at + 12, "a captured length within its block");
  if (captured > kMaxFrame) return fail(Errc::too_large, at + 12, "a frame of at most 256 KiB");
  const std::uint64_t ticks = std::uint64_t{u32(p + 4)} << 32 | u32(p + 8);
  frame.time_ns = to_ns(ticks, interface.ticks_per_second, interface.offset_seconds);
  frame.link = interface.link;
  frame.data = body.subspan(20, captured);
  frame.wire_length = std::max(captured, u32(p + 16));
  return {};
}

// Simple packets have no time. They count as of 1970.
Result<> PcapReader::simple_packet(Bytes body, CapturedFrame& frame) const {
  const auto at = static_cast<std::size_t>(input_.offset()) + 8;
  if (body.size() < 4) return fail(Errc::truncated, at, "a packet block of 4 bytes");
  if (interfaces_.empty()) return fail(Errc::malformed, at, "an interface that was described");
  const Interface& interface = interfaces_.front();
  frame.time_ns = 0;
  frame.link = interface.link;
  frame.wire_length = u32(body.data());
  std::size_t captured = std::min<std::size_t>(frame.wire_length, body.size() - 4);
  if (interface.snap_length > 0) captured = std::min<std::size_t>(captured, interface.snap_length);
  if (captured > kMaxFrame) return fail(Errc::too_large, at, "a frame of at most 256 KiB");
  frame.data = body.subspan(4, captured);
  return {};
}

} // namespace talky::file
