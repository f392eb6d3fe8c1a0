// The packets of one RTP stream, in the order of their arrival, as sound without a gap.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "audio/frame.hpp"
#include "capture/stream.hpp"
#include "codec/codec.hpp"
#include "file/link.hpp"

namespace talky::capture {

// Fed with packets, drained of samples a stretch at a time; a stretch is never more than a packet holds, or
// a second.
class StreamDecoder {
 public:
  virtual ~StreamDecoder() = default;

  virtual audio::Format format() const = 0;
  virtual void receive(const file::Segment& segment) = 0;
  // Nothing that is still to come arrived before `time_ns`: what waits for it need wait no longer.
  virtual void advance(std::int64_t time_ns) = 0;
  virtual void end() = 0; // nothing more is received
  // Appends the next stretch that is certain, and gives true; false: more packets are needed, or it has
  // ended.
  virtual bool produce(std::vector<std::int16_t>& out) = 0;
  // What could not be decoded or came too late, in packets.
  virtual std::uint64_t left_out() const = 0;
};

// Each sample stands where its RTP timestamp says (stream_clock.hpp). Packets that come out of order find
// their place within a second; what is lost is concealed for a moment by FEC, by the codec or by
// audio::Concealer, and then is silence, as is what the sender did not send. Where all packets came, the
// decoder's samples are given as they are. `stream` says what the payload types mean, and outlives this; one
// of them can be decoded.
std::unique_ptr<StreamDecoder> make_exact_decoder(const Stream& stream, const codec::Options& options);

// As a telephone heard it: through talky's jitter buffer, see playout.hpp; 16 kHz, one channel.
std::unique_ptr<StreamDecoder> make_phone_decoder(const Stream& stream);

} // namespace talky::capture
