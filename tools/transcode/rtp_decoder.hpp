// The packets of one RTP stream, in the order of their arrival, as sound.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "audio/concealer.hpp"
#include "audio/frame.hpp"
#include "codec/codec.hpp"
#include "core/time.hpp"
#include "packets.hpp"
#include "rtp/packet.hpp"

namespace talky::transcode {

// Fed with packets, drained of samples a stretch at a time; a stretch is never more than a packet holds, or
// a second.
class StreamDecoder {
 public:
  virtual ~StreamDecoder() = default;

  virtual audio::Format format() const = 0;
  virtual void receive(const rtp::PacketView& packet, Time arrival) = 0;
  virtual void end() = 0; // nothing more is received
  // Appends the next stretch that is certain, and says true; false: more packets are needed, or it has ended.
  virtual bool produce(std::vector<std::int16_t>& out) = 0;
  // What could not be decoded or came too late, in packets.
  virtual std::uint64_t left_out() const = 0;
};

// Each sample stands where its RTP timestamp says. Packets that come out of order find their place within a
// second; what is lost is concealed for a moment by FEC, by the codec or by audio::Concealer, and then is
// silence, as is what the sender did not send. Where all packets came, the decoder's samples are given as
// they are. A timestamp that leaps by more than five seconds against the arrival is a new start of the
// sender's clock: the arrival then says how long the gap is.
std::unique_ptr<StreamDecoder> make_exact_decoder(const PayloadTypes& types, const Endpoint& to,
                                                  std::uint8_t payload_type, const codec::Options& options);

// As a telephone heard it: through the jitter buffer of talky-sipd, in frames of 20 ms by the clock of
// arrival; 16 kHz, one channel.
std::unique_ptr<StreamDecoder> make_phone_decoder(const PayloadTypes& types, const Endpoint& to,
                                                  std::uint8_t payload_type);

} // namespace talky::transcode
