#include "ipc/audiosocket.hpp"

#include <algorithm>

#include "core/ascii.hpp"

namespace talky::ipc {
namespace {

// What a payload of this kind must look like; null if it may be what it is.
const char* fault(Kind kind, std::size_t length) {
  switch (kind) {
    case Kind::uuid: return length == 16 ? nullptr : "a uuid of 16 bytes";
    case Kind::dtmf: return length == 1 ? nullptr : "one DTMF digit";
    case Kind::slin8:
    case Kind::slin16: return length % 2 == 0 ? nullptr : "audio of whole 16-bit samples";
    default: return nullptr;
  }
}

constexpr std::string_view kHexDigits = "0123456789abcdef";

} // namespace

void Decoder::feed(Bytes bytes) {
  // What was read moves out of the way first, so that the buffer never outgrows the undecoded rest.
  buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(read_));
  read_ = 0;
  if (!error_) buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
}

Result<std::optional<Frame>> Decoder::next() {
  if (error_) return Unexpected(*error_);
  Reader reader(Bytes(buffer_).subspan(read_));
  const auto kind = reader.u8();
  const auto length = reader.u16();
  if (!kind || !length) return std::nullopt;
  if (const char* what = fault(Kind{*kind}, *length)) {
    error_ = Error{Errc::malformed, consumed_, what};
    return Unexpected(*error_);
  }
  const auto payload = reader.take(*length);
  if (!payload) return std::nullopt;
  read_ += reader.offset();
  consumed_ += reader.offset();
  return Frame{Kind{*kind}, *payload};
}

Result<> encode(const Frame& frame, std::vector<std::byte>& out) {
  if (frame.payload.size() > kMaxPayload)
    return fail(Errc::too_large, 0, "a payload of at most 65,535 bytes");
  Writer writer(out);
  writer.u8(static_cast<std::uint8_t>(frame.kind));
  writer.u16(static_cast<std::uint16_t>(frame.payload.size()));
  writer.bytes(frame.payload);
  return {};
}

void encode_audio(std::span<const std::int16_t> samples, Kind kind, std::vector<std::byte>& out) {
  Writer writer(out);
  while (!samples.empty()) {
    const auto part = samples.first(std::min<std::size_t>(samples.size(), kMaxPayload / 2));
    writer.u8(static_cast<std::uint8_t>(kind));
    writer.u16(static_cast<std::uint16_t>(part.size() * 2));
    for (const std::int16_t sample : part) {
      const auto bits = static_cast<std::uint16_t>(sample);
      out.push_back(static_cast<std::byte>(bits & 0xff));
      out.push_back(static_cast<std::byte>(bits >> 8));
    }
    samples = samples.subspan(part.size());
  }
}

void decode_audio(Bytes payload, std::vector<std::int16_t>& out) {
  out.reserve(out.size() + payload.size() / 2);
  for (std::size_t i = 0; i + 1 < payload.size(); i += 2) {
    const auto bits = std::to_integer<unsigned>(payload[i]) | std::to_integer<unsigned>(payload[i + 1]) << 8;
    out.push_back(static_cast<std::int16_t>(static_cast<std::uint16_t>(bits)));
  }
}

std::optional<std::array<std::byte, 16>> uuid_bytes(std::string_view text) {
  if (text.size() != 36) return std::nullopt;
  std::array<std::byte, 16> out{};
  std::size_t nibbles = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i == 8 || i == 13 || i == 18 || i == 23) {
      if (text[i] != '-') return std::nullopt;
      continue;
    }
    const std::size_t value = kHexDigits.find(ascii::to_lower(text[i]));
    if (value == std::string_view::npos) return std::nullopt;
    std::byte& byte = out[nibbles / 2];
    byte = (byte << 4) | static_cast<std::byte>(value);
    ++nibbles;
  }
  return out;
}

std::optional<std::string> uuid_text(Bytes bytes) {
  if (bytes.size() != 16) return std::nullopt;
  std::string out;
  out.reserve(36);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) out += '-';
    const auto value = std::to_integer<std::size_t>(bytes[i]);
    out += kHexDigits[value >> 4];
    out += kHexDigits[value & 15];
  }
  return out;
}

} // namespace talky::ipc
