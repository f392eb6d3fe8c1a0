// AudioSocket, the stream protocol between Asterisk (and talky-sipd) and a voice agent, one connection a
// call:
//
//     kind u8 | length u16, big-endian | payload, `length` bytes
//
// Audio is signed linear, little-endian, mono. The kind 0xe0 is talky's own: one JSON object of
// ipc/control.hpp. It goes only to a peer that sent one first or whose target says `talky`. Frames of a kind
// that one does not know are skipped by whoever reads them. man/talky-bridge.7 has the whole protocol.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.hpp"
#include "core/error.hpp"

namespace talky::ipc {

enum class Kind : std::uint8_t {
  hangup = 0x00,  // no payload
  uuid = 0x01,    // 16 bytes, the first frame of a connection
  dtmf = 0x03,    // one ASCII digit
  slin8 = 0x10,   // 8 kHz
  slin16 = 0x12,  // 16 kHz
  control = 0xe0, // JSON, UTF-8
  error = 0xff,   // an optional code, one byte
};

struct Frame {
  Kind kind{};   // may hold a value that has no name
  Bytes payload; // borrowed
};

inline constexpr std::size_t kHeaderSize = 3;
inline constexpr std::size_t kMaxPayload = 65535; // what the length field can say

// Cuts a byte stream, chunked in any way, into frames. Limit: the undecoded rest of one feed() plus one frame
// is kept. A uuid that is not 16 bytes, a dtmf that is not one byte, or audio of an odd length is malformed:
// the stream is given up, and every later next() says the same.
class Decoder {
 public:
  void feed(Bytes bytes); // copies
  // nullopt: more bytes are needed. The frame borrows from the decoder until the next feed().
  Result<std::optional<Frame>> next();
  // True between two frames: where a stream may end without having been cut off.
  bool at_boundary() const { return read_ == buffer_.size(); }

 private:
  std::vector<std::byte> buffer_;
  std::size_t read_ = 0;     // start of the undecoded rest in buffer_
  std::size_t consumed_ = 0; // bytes of the stream before buffer_[read_], for the offset of an error
  std::optional<Error> error_;
};

// Appends one frame to `out`. A payload above kMaxPayload is refused with `too_large`; nothing is appended.
Result<> encode(const Frame& frame, std::vector<std::byte>& out);

// Audio frames from samples and back, in the wire's byte order. Samples above 32,767 are split into several
// frames. decode_audio gives nothing for other kinds; `out` is appended to.
void encode_audio(std::span<const std::int16_t> samples, Kind kind, std::vector<std::byte>& out);
void decode_audio(Bytes payload, std::vector<std::int16_t>& out);

// "f81d4fae-7dec-41d0-a765-00a0c91e6bf6" and its 16 bytes.
std::optional<std::array<std::byte, 16>> uuid_bytes(std::string_view text);
std::optional<std::string> uuid_text(Bytes bytes);

} // namespace talky::ipc
