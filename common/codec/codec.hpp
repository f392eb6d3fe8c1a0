// Speech codecs behind one interface, and the one table that names them all. A codec turns interleaved s16
// PCM at Info::sample_rate into RTP payload bytes and back. To add one: a class in its own file and a line in
// codec.cpp.
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
  std::uint32_t sample_rate;             // of the PCM, Hz; differs from clock_rate for G.722
  std::uint8_t channels;                 // interleaved in the PCM

  bool operator==(const Info&) const = default;
};

// One direction of one stream: codecs may keep state between calls, so make one for each stream and
// direction.
class Codec {
 public:
  virtual ~Codec() = default;

  virtual const Info& info() const = 0;
  // Appends the payload of `pcm` (whole sample frames) to `out`.
  virtual void encode(std::span<const std::int16_t> pcm, std::vector<std::byte>& out) = 0;
  // Appends the PCM of one payload to `out`; on an error `out` is as it was. An empty payload gives no
  // samples.
  virtual Result<> decode(Bytes payload, std::vector<std::int16_t>& out) = 0;
  // Appends what the codec itself makes of a lost packet of `samples` sample frames, and says true. Codecs
  // without concealment of their own say false and append nothing: audio::Concealer then works on their PCM.
  virtual bool conceal(std::size_t samples, std::vector<std::int16_t>& out);
  // How many sample frames a payload of this size holds: nullopt if the size alone does not tell.
  virtual std::optional<std::size_t> frames_in(Bytes payload) const = 0;
};

struct Entry {
  Info info;
  std::unique_ptr<Codec> (*make)();
};

// Every codec, the preferred ones first.
std::span<const Entry> all();

// By SDP's rtpmap; the name is matched in any case. nullptr: not ours.
const Entry* find(std::string_view name, std::uint32_t clock_rate, std::uint8_t channels = 1);
// The first of that name, e.g. for a command line. nullptr: not ours.
const Entry* find(std::string_view name);
// By a static payload type of RFC 3551. nullptr: dynamic, or not ours.
const Entry* find_static(std::uint8_t payload_type);

} // namespace talky::codec
