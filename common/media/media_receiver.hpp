// The receiving half of a call's media: RTP packets in, 20 ms frames of 16 kHz out, one for every tick.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "audio/concealer.hpp"
#include "audio/resampler.hpp"
#include "codec/codec.hpp"
#include "core/error.hpp"
#include "core/time.hpp"
#include "rtp/jitter_buffer.hpp"
#include "rtp/packet.hpp"

namespace talky::media {

struct MediaFormat;

class MediaReceiver {
 public:
  struct Frame {
    bool concealed = false; // at least in part made up
    bool silent = true;     // no packet in it
  };
  struct Counters {
    std::uint64_t concealed_samples = 0; // 16 kHz
    std::uint64_t stretched_samples = 0;
    std::uint64_t shrunk_samples = 0;
    Duration delay_max{0};
  };

  explicit MediaReceiver(const rtp::JitterBuffer::Config& jitter) : jitter_config_(jitter), buffer_(jitter) {}

  // Fails with `unsupported` and changes nothing. Formats with another clock rate than the first are not
  // understood.
  Result<> configure(const std::vector<MediaFormat>& formats);

  // False: not a payload type of ours.
  bool push(const rtp::PacketView& packet, Time arrival);
  void push_other(const rtp::PacketView& packet, Time arrival) { buffer_.push_other(packet, arrival); }
  // 320 samples to `out`; what is in `resampled` is of no meaning before and after.
  Frame frame(Time now, std::span<std::int16_t> out, std::vector<std::int16_t>& resampled);
  void forget(); // what waits is not to be heard: hold
  bool holds_audio() const { return buffer_.size() > 0 || !pcm_.empty() || resampler_holds_; }

  std::uint32_t clock_rate() const { return jitter_config_.clock_rate; }
  const rtp::JitterBuffer& buffer() const { return buffer_; }
  rtp::JitterBuffer::Counters totals() const; // of this buffer and those before it
  const Counters& counters() const { return counters_; }

 private:
  struct Decoder {
    std::uint8_t payload_type;
    std::unique_ptr<codec::Codec> codec;
  };
  Decoder* decoder_of(std::uint8_t payload_type);
  void pull(Time now, std::size_t wanted, Frame& frame);
  void adapt(Time now, Frame& frame);
  void shorten(Time now, std::size_t most, bool quiet, Frame& frame);
  void lengthen(std::size_t most, bool quiet);
  std::size_t to_bridge(std::size_t samples) const; // in samples of 16 kHz

  rtp::JitterBuffer::Config jitter_config_;
  rtp::JitterBuffer buffer_;
  rtp::JitterBuffer::Counters before_; // of buffers replaced by configure()
  std::vector<Decoder> decoders_;
  std::uint32_t rate_ = 8000;       // of the decoded PCM
  std::size_t frame_samples_ = 160; // 20 ms of it
  std::vector<std::int16_t> pcm_;   // decoded, not yet heard
  std::optional<audio::Concealer> concealer_;
  std::optional<audio::Resampler> resampler_;
  bool resampler_holds_ = false; // the end of a packet
  std::uint32_t waiting_ = 0;    // ticks for which an adaptation has waited for a quiet moment
  Counters counters_;
};

} // namespace talky::media
