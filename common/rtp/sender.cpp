#include "rtp/sender.hpp"

namespace talky::rtp {

Sender::Sender(Random& random) : Sender(random.u32(), random.u16(), random.u32()) {}

Sender::Sender(std::uint32_t ssrc, std::uint16_t sequence, std::uint32_t timestamp)
    : ssrc_(ssrc), sequence_(sequence), timestamp_(timestamp) {}

void Sender::audio(std::uint8_t payload_type, std::uint32_t timestamp, std::uint32_t units, Bytes payload,
                   std::vector<std::byte>& out) {
  const bool spurt = !any_audio_ || timestamp != follows_;
  any_audio_ = true;
  follows_ = timestamp + units;
  send({payload_type, spurt, sequence_, timestamp, ssrc_}, payload, out);
}

void Sender::event(std::uint8_t payload_type, const EventPacket& event, std::vector<std::byte>& out) {
  send({payload_type, event.marker, sequence_, event.timestamp, ssrc_}, event.payload, out);
}

void Sender::send(const Header& header, Bytes payload, std::vector<std::byte>& out) {
  build(header, payload, out);
  ++sequence_;
  ++packets_;
  octets_ += payload.size();
}

} // namespace talky::rtp
