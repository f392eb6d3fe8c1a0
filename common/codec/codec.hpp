// Speech codecs behind one interface, and the one table that names them all. A codec turns interleaved s16
// PCM at Info::sample_rate into RTP payload bytes and back. To add one: a class in its own file and a line in
// codec.cpp.
//
// "Frames" are sample frames: one sample of each channel.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "core/bytes.hpp"
#include "core/error.hpp"

namespace talky::codec {

struct Info {
  std::string_view name;                 // encoding name of RFC 3551 and SDP's rtpmap: "PCMU"
  std::optional<std::uint8_t> static_pt; // payload type of RFC 3551 table 4, where there is one
  std::uint32_t clock_rate;              // of RTP timestamps, Hz; as in rtpmap
  std::uint32_t sample_rate;             // of the PCM, Hz; differs from clock_rate for G.722 and Opus
  std::uint8_t channels;                 // interleaved in the PCM
  std::uint8_t rtpmap_channels;          // as in rtpmap: 2 for Opus, whatever the PCM (RFC 7587 7)

  bool operator==(const Info&) const = default;
};

// What a command line or SDP's fmtp may ask for. A codec takes what concerns it and leaves the rest.
struct Options {
  std::uint32_t sample_rate = 0; // of the PCM; 0: as in the table. Opus: 8, 12, 16, 24 or 48 kHz
  std::uint8_t channels = 0;     // of the PCM; 0: as in the table. Opus: 1 or 2
  // The encoder of Opus:
  std::uint32_t bitrate = 0;      // bit/s, 6,000 to 510,000; 0: as libopus finds fit
  bool constant_bitrate = false;  // every packet of one size
  bool fec = false;               // each packet holds a coarse copy of the one before (in-band FEC)
  bool dtx = false;               // silence becomes a packet of a byte or two every 400 ms, and else none
  std::uint8_t expected_loss = 0; // percent that FEC and the choice of modes should reckon with
  std::uint32_t max_playback_rate = 0; // Hz: nothing above half of it is worth coding; 0: all
  bool music = false;                  // tuned for any sound rather than for speech
};

// One direction of one stream: codecs may keep state between calls, so make one for each stream and
// direction. The order of the stream is the order of the calls: for a lost packet recover() or conceal()
// stands where its decode() would.
class Codec {
 public:
  virtual ~Codec() = default;

  virtual const Info& info() const = 0;

  // Whether one payload can hold exactly so many frames.
  virtual bool packs(std::size_t frames) const { return frames > 0; }
  // Whether payloads are stretches of one stream of bytes at a constant rate, which may be joined, and cut
  // wherever packs() allows. Otherwise each encode() makes a packet, and decode() wants it whole.
  virtual bool sliceable() const { return true; }

  // Appends the payload of `pcm`. With DTX the payload may be empty: then nothing is sent for this time.
  // Errors: unsupported (a length that one payload cannot hold, see packs()); `out` is then as it was.
  virtual Result<> encode(std::span<const std::int16_t> pcm, std::vector<std::byte>& out) = 0;
  // Appends the PCM of one payload to `out`; on an error `out` is as it was. An empty payload gives no
  // samples. Errors: malformed.
  virtual Result<> decode(Bytes payload, std::vector<std::int16_t>& out) = 0;
  // Appends what `next`, the payload behind a lost packet of `frames` frames, still tells of it (Opus's
  // in-band FEC), and says true. False, and nothing appended: it tells nothing. decode(next) follows.
  virtual bool recover(Bytes next, std::size_t frames, std::vector<std::int16_t>& out);
  // Appends what the codec itself makes of a lost packet of `frames` frames, any number, and says true.
  // Codecs without concealment of their own say false and append nothing: audio::Concealer then works on
  // their PCM.
  virtual bool conceal(std::size_t frames, std::vector<std::int16_t>& out);

  // How many frames a payload holds: nullopt if it cannot be one.
  virtual std::optional<std::size_t> frames_in(Bytes payload) const = 0;
  // How many frames of run-in stand before the first encoded sample in what is decoded.
  virtual std::size_t delay() const { return 0; }
};

struct Entry {
  Info info;
  std::unique_ptr<Codec> (*create)(const Info& info, const Options& options);

  // nullptr: the options ask for a rate or channels that the codec has not.
  std::unique_ptr<Codec> make(const Options& options) const { return create(info, options); }
  std::unique_ptr<Codec> make() const { return create(info, Options{}); } // never nullptr
};

// Every codec, the preferred ones first.
std::span<const Entry> all();

// By SDP's rtpmap; the name is matched in any case, the channels are those of the rtpmap or of the PCM.
// nullptr: not ours.
const Entry* find(std::string_view name, std::uint32_t clock_rate, std::uint8_t channels = 1);
// The first of that name, e.g. for a command line. nullptr: not ours.
const Entry* find(std::string_view name);
// By a static payload type of RFC 3551. nullptr: dynamic, or not ours.
const Entry* find_static(std::uint8_t payload_type);

} // namespace talky::codec
