#include "rtp/packet.hpp"

namespace talky::rtp {

namespace {

constexpr std::uint8_t octet(Bytes bytes, std::size_t index) {
  return std::to_integer<std::uint8_t>(bytes[index]);
}

constexpr std::uint16_t load16(Bytes bytes, std::size_t offset) {
  return static_cast<std::uint16_t>(octet(bytes, offset) << 8 | octet(bytes, offset + 1));
}

constexpr std::uint32_t load32(Bytes bytes, std::size_t offset) {
  return static_cast<std::uint32_t>(load16(bytes, offset)) << 16 | load16(bytes, offset + 2);
}

} // namespace

Traffic classify(Bytes datagram) {
  if (datagram.empty()) return Traffic::other;
  const std::uint8_t first = octet(datagram, 0);
  if (first <= 3) return Traffic::stun;
  if (first >= 20 && first <= 63) return Traffic::dtls;
  if (first < 128 || first > 191 || datagram.size() < 2) return Traffic::other;
  return is_rtcp_type(octet(datagram, 1)) ? Traffic::rtcp : Traffic::rtp;
}

std::uint32_t PacketView::csrc(std::size_t index) const {
  return load32(csrc_, index * 4);
}

Result<PacketView> PacketView::parse(Bytes datagram) {
  if (datagram.size() < kHeaderSize)
    return fail(Errc::truncated, datagram.size(), "an RTP header of 12 bytes");
  const std::uint8_t first = octet(datagram, 0);
  if (first >> 6 != 2) return fail(Errc::unsupported, 0, "RTP version 2");

  PacketView view;
  view.header_.marker = (octet(datagram, 1) & 0x80) != 0;
  view.header_.payload_type = octet(datagram, 1) & 0x7f;
  view.header_.sequence = load16(datagram, 2);
  view.header_.timestamp = load32(datagram, 4);
  view.header_.ssrc = load32(datagram, 8);

  std::size_t offset = kHeaderSize;
  const std::size_t csrc_bytes = std::size_t{4} * (first & 0x0f);
  if (datagram.size() - offset < csrc_bytes) return fail(Errc::truncated, offset, "the CSRC list");
  view.csrc_ = datagram.subspan(offset, csrc_bytes);
  offset += csrc_bytes;

  if ((first & 0x10) != 0) {
    if (datagram.size() - offset < 4) return fail(Errc::truncated, offset, "a header extension");
    const std::uint16_t profile = load16(datagram, offset);
    const std::size_t length = std::size_t{4} * load16(datagram, offset + 2);
    offset += 4;
    if (datagram.size() - offset < length)
      return fail(Errc::truncated, offset, "the header extension's data");
    view.extension_ = Extension{profile, datagram.subspan(offset, length)};
    offset += length;
  }

  std::size_t end = datagram.size();
  if ((first & 0x20) != 0) {
    if (offset == end) return fail(Errc::truncated, offset, "padding");
    view.padding_ = octet(datagram, end - 1);
    if (view.padding_ == 0 || view.padding_ > end - offset) {
      return fail(Errc::malformed, end - 1, "a padding count within the payload");
    }
    end -= view.padding_;
  }
  view.payload_ = datagram.subspan(offset, end - offset);
  return view;
}

void build(const Header& header, Bytes payload, std::vector<std::byte>& out) {
  out.resize(kHeaderSize);
  const auto put = [&out](std::size_t offset, std::uint32_t value, std::size_t width) {
    for (std::size_t i = width; i-- > 0; value >>= 8)
      out[offset + i] = static_cast<std::byte>(value & 0xff);
  };
  put(0, 0x80, 1);
  put(1, (header.marker ? 0x80u : 0u) | (header.payload_type & 0x7fu), 1);
  put(2, header.sequence, 2);
  put(4, header.timestamp, 4);
  put(8, header.ssrc, 4);
  out.insert(out.end(), payload.begin(), payload.end());
}

} // namespace talky::rtp
