// Makes the packets of one RTP stream: sequence numbers, timestamps and marker bits that stay right whatever
// happens in between (RFC 3550 5.1, RFC 3551 4.1).
//
// The timestamp is a clock: the owner advances it by the passing of its media time, whether a packet is sent
// or not. So a gap in sending (hold, silence, DTMF, a stall) is a gap in the timestamps of just that length,
// and the first audio packet behind it bears the marker.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/bytes.hpp"
#include "core/random.hpp"
#include "rtp/packet.hpp"
#include "rtp/telephone_event.hpp"

namespace talky::rtp {

class Sender {
 public:
  explicit Sender(Random& random); // SSRC, first sequence number and timestamp (RFC 3550 5.1)
  Sender(std::uint32_t ssrc, std::uint16_t sequence, std::uint32_t timestamp);

  std::uint32_t ssrc() const { return ssrc_; }
  std::uint16_t next_sequence() const { return sequence_; }
  std::uint32_t timestamp() const { return timestamp_; } // of the present moment
  void advance(std::uint32_t units) { timestamp_ += units; }

  // An audio packet of `units` whose first sample is at `timestamp`. Replaces the content of `out`.
  void audio(std::uint8_t payload_type, std::uint32_t timestamp, std::uint32_t units, Bytes payload,
             std::vector<std::byte>& out);
  // A telephone-event packet; its timestamp is the beginning of its event.
  void event(std::uint8_t payload_type, const EventPacket& event, std::vector<std::byte>& out);

  std::uint64_t packets() const { return packets_; }
  std::uint64_t octets() const { return octets_; } // of payload, as a sender report counts them

 private:
  void send(const Header& header, Bytes payload, std::vector<std::byte>& out);

  std::uint32_t ssrc_;
  std::uint16_t sequence_;
  std::uint32_t timestamp_;
  std::uint32_t follows_ = 0; // timestamp that goes on where the audio packet before ended
  bool any_audio_ = false;
  std::uint64_t packets_ = 0, octets_ = 0;
};

} // namespace talky::rtp
