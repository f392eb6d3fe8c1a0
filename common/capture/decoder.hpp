// The packets of one RTP stream, in the order of their arrival, as sound: what every program that hears
// captures hears them with.
#pragma once
#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "audio/concealer.hpp"
#include "audio/frame.hpp"
#include "capture/converter.hpp"
#include "capture/stream.hpp"
#include "capture/stream_clock.hpp"
#include "codec/codec.hpp"
#include "file/link.hpp"

namespace talky::capture {

// The highest rate that the stream's codecs give, Hz; 0: none of them can be decoded.
std::uint32_t rate_of(const Stream& stream);

// Each sample stands where its RTP timestamp says (stream_clock.hpp). Packets that come out of order find
// their place within a second; what is lost is concealed for a moment by FEC, by the codec or by
// audio::Concealer, and then is silence, as is what the sender did not send. Where all packets came, the
// decoder's samples are given as they are. Codecs of another rate than the stream's highest are converted to
// it.
class ExactDecoder {
 public:
  // `position`: frames since the first packet, at format().rate. Pieces follow each other and never overlap;
  // what lies between two is silence. The samples, interleaved, are valid during the call.
  using Hear = std::function<void(std::int64_t position, std::span<const std::int16_t> samples)>;
  struct Options {
    codec::Options codec;
    bool mono = false; // of two channels the mean
  };

  // `stream` says what the payload types mean, and outlives this; one of them can be decoded.
  ExactDecoder(const Stream& stream, const Options& options, Hear hear);

  audio::Format format() const { return format_; }
  // What is certain by now is heard during the call.
  void receive(std::int64_t time_ns, const rtp::Header& header, Bytes payload);
  // Nothing that is still to come arrived before `time_ns`: what waits for it need wait no longer.
  void advance(std::int64_t time_ns) {
    now_ns_ = std::max(now_ns_, time_ns);
    if (!waiting_.empty()) drain();
  }
  void end(); // nothing more is received
  // What could not be decoded or came too late, in packets.
  std::uint64_t left_out() const { return left_out_; }

 private:
  struct Packet {
    std::int64_t time_ns = 0;
    rtp::Header header;
    Bytes payload;
  };
  struct Waiting {
    std::int64_t time_ns = 0;
    rtp::Header header;
    std::vector<std::byte> payload;
  };
  struct Decoder { // of one payload type
    std::uint8_t payload_type = 0;
    std::unique_ptr<codec::Codec> codec; // nullptr: cannot be decoded
    std::uint32_t rate = 0, clock_rate = 0;
    std::uint16_t channels = 1;
    std::optional<Converter> converter; // to format_.rate
    std::vector<audio::Concealer> concealers;
    bool behind_gap = false, after_silence = false;
  };

  Decoder& decoder_of(std::uint8_t payload_type);
  bool is_sound_packet(Decoder& decoder, const Packet& packet);
  bool has_paused();
  void drain();
  void take(const Packet& packet, std::int64_t lost, bool paused);
  std::int64_t place(const Packet& packet, const Decoder& decoder, bool paused);
  void conceal(std::int64_t frames, Decoder& decoder, const Packet* next);
  void smooth(Decoder& decoder, std::span<std::int16_t> pcm);
  void give(Decoder& decoder, std::int64_t position, std::span<const std::int16_t> pcm);
  void emit(std::int64_t position, std::span<const std::int16_t> samples);

  const Stream& stream_;
  Options options_;
  Hear hear_;
  audio::Format format_;
  std::vector<std::unique_ptr<Decoder>> decoders_;
  Decoder* recent_ = nullptr; // of the packet before
  Decoder* last_ = nullptr;   // whose sound was heard last

  StreamClock clock_{8000};
  std::int64_t next_position_ = 0; // where the packet before ends
  std::int64_t emitted_ = 0;       // up to which was heard
  std::int64_t shift_ = 0;         // by which positions are later than the clock's
  std::int64_t last_frames_ = 0;   // of the packet before, at format_.rate

  std::map<std::int64_t, Waiting> waiting_; // by extended sequence number
  bool any_ = false, ended_ = false;
  std::int64_t highest_ = 0, next_sequence_ = 0; // counted from the first packet
  std::uint16_t newest_ = 0;                     // highest_ as the sender numbers it
  std::int64_t now_ns_ = std::numeric_limits<std::int64_t>::min();
  std::uint64_t left_out_ = 0;
  std::vector<std::int16_t> pcm_, plane_, converted_;
};

// The same without gaps: fed with packets, drained of samples a stretch at a time; a stretch is never more
// than some packets hold, or a second.
class StreamDecoder {
 public:
  virtual ~StreamDecoder() = default;

  virtual audio::Format format() const = 0;
  virtual void receive(const file::Segment& segment) = 0;
  virtual void advance(std::int64_t time_ns) = 0; // as of ExactDecoder
  virtual void end() = 0;
  // Appends the next stretch that is certain, and gives true; false: more packets are needed, or it has
  // ended.
  virtual bool produce(std::vector<std::int16_t>& out) = 0;
  virtual std::uint64_t left_out() const = 0;
};

std::unique_ptr<StreamDecoder> make_exact_decoder(const Stream& stream, const codec::Options& options);

// As a telephone heard it: through talky's jitter buffer, see playout.hpp; 16 kHz, one channel.
std::unique_ptr<StreamDecoder> make_phone_decoder(const Stream& stream);

} // namespace talky::capture
