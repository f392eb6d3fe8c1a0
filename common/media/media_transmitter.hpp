// The sending half of a call's media: 20 ms frames of 16 kHz in, one for every tick; RTP packets out.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "audio/resampler.hpp"
#include "codec/codec.hpp"
#include "core/bytes.hpp"
#include "core/error.hpp"
#include "core/random.hpp"
#include "core/time.hpp"
#include "rtp/sender.hpp"
#include "rtp/telephone_event.hpp"

namespace talky::media {

struct MediaScratch;
struct MediaSession;

class MediaTransmitter {
 public:
  explicit MediaTransmitter(Random& random) : sender_(random) {}

  // Fails with `unsupported` and changes nothing. Sequence numbers and timestamps go on.
  Result<> configure(const MediaSession& session);
  Result<> send_dtmf(std::string_view digits, Duration duration, Duration gap);

  // One of these three for every tick, then packet() until it gives none.
  void audio(std::span<const std::int16_t> frame); // 320 samples
  void dtmf();                                     // while dtmf_active(): an event packet, or a pause
  void nothing();                                  // time passes, nothing is sent

  // The next packet of this tick, in scratch.datagram.
  std::optional<Bytes> packet(MediaScratch& scratch);

  bool dtmf_active() const { return !events_.idle() && event_type_.has_value(); }
  bool dtmf_idle() const { return events_.idle(); }
  bool complete() const { return pcm_.empty(); } // no audio waits for its packet to be full
  std::size_t delay() const { return delay_; }   // of the resampler, in samples of 16 kHz
  const rtp::Sender& sender() const { return sender_; }
  std::uint32_t clock_rate() const { return clock_rate_; }
  // What an RTP packet would bear that is made so long after the coming tick (negative: before it).
  std::uint32_t timestamp_at(Duration since_tick) const;

 private:
  void set_apart();
  std::uint32_t units(std::size_t frames) const; // of the timestamp

  rtp::Sender sender_;
  rtp::EventSender events_;
  std::unique_ptr<codec::Codec> codec_;
  std::optional<audio::Resampler> resampler_;
  std::uint32_t codec_rate_ = 0; // of the PCM that the codec takes
  std::uint8_t payload_type_ = 0;
  std::optional<std::uint8_t> event_type_;
  std::uint32_t clock_rate_ = 8000;
  std::uint32_t step_ = 160;        // timestamp units in a tick
  std::size_t packet_frames_ = 160; // of the codec's PCM, in a packet
  std::size_t delay_ = 0;

  // Packets are encoded whole, when their last sample is there: a codec need not be one whose payloads can be
  // cut.
  std::vector<std::int16_t> pcm_; // that waits for its packet to be full
  std::uint32_t start_ = 0;       // timestamp of its first sample
  struct Apart { // what waited when a gap in time came: it leaves in a shorter packet of its own
    std::vector<std::byte> bytes;
    std::uint8_t payload_type = 0;
    std::uint32_t start = 0;
    std::uint32_t units = 0;
  };
  Apart apart_;
  std::optional<rtp::EventPacket> event_;
};

} // namespace talky::media
