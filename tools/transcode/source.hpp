// Where the samples come from: raw samples, a file with a header, a coded stream, RTP, several joined, or a
// generator.
#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "audio/frame.hpp"
#include "capture/format.hpp"
#include "core/bytes.hpp"
#include "core/endpoint.hpp"
#include "file/sample_format.hpp"
#include "format.hpp"
#include "rtp/impairment.hpp"

namespace talky::transcode {

// What SDP says of one stream.
struct AnnouncedStream {
  Endpoint to;
  std::vector<std::pair<std::uint8_t, capture::Format>> formats;
};

// A packet of the streams that were chosen, after the bad line.
struct CopiedPacket {
  std::int64_t time_ns = 0;
  Endpoint from, to;
  std::vector<std::byte> datagram;
};
class PacketSource {
 public:
  virtual ~PacketSource() = default;
  virtual std::optional<CopiedPacket> next_packet() = 0; // in order of time
  virtual std::vector<AnnouncedStream> announcement() const = 0;
};

// Everything that fails is thrown as cli::Failure.
class Source {
 public:
  virtual ~Source() = default;

  virtual audio::Format format() const = 0;
  virtual bool wide() const = 0;            // more than s16 holds
  virtual std::string describe() const = 0; // "WAV, mulaw"
  // Replaces `out` by up to `max_frames` interleaved frames, as many as there are without waiting; empty at
  // the end.
  virtual void read(std::size_t max_frames, std::vector<std::int16_t>& out) = 0;
  virtual void read(std::size_t max_frames, std::vector<float>& out) = 0;
  // Where the samples stand in the input as they are: their format, and the next whole frames of them, valid
  // until the next call.
  virtual std::optional<file::SampleFormat> samples() const { return std::nullopt; }
  virtual Bytes read_raw(std::size_t max_frames);
  // Where it is a recording of RTP: the packets themselves, instead of the sound in them. nullptr: it is
  // none.
  virtual PacketSource* packets() { return nullptr; }
  // What the user should know, once the end is reached, a line each.
  virtual std::vector<std::string> remarks() const { return {}; }
  // Whether it ended at something damaged; one of the remarks says what, and the program fails once it is
  // done.
  virtual bool damaged() const { return false; }
};

struct RtpOptions {
  std::vector<std::uint32_t> ssrcs;              // one or two; none: the only stream, or the two of a call
  std::map<std::uint8_t, capture::Format> types; // as the user says
  bool jitter_buffer = false;                    // as a telephone hears it
  std::optional<rtp::Impairment> impairment;
  std::optional<std::uint32_t> rate; // that Opus shall be decoded to
};

struct SourceOptions {
  const Kind* kind = nullptr;            // nullptr: by header, then by name
  std::optional<std::uint32_t> rate;     // of a raw input
  std::optional<std::uint16_t> channels; // of a raw input
  RtpOptions rtp;
};

std::unique_ptr<Source> open_source(const std::string& path, const SourceOptions& options);
// The channels of all of them side by side, to the end of the longest; rates must agree.
std::unique_ptr<Source> join_sources(std::vector<std::unique_ptr<Source>> sources);

// --tone and --dtmf. `seconds` nullopt: one second; DTMF ends by itself.
std::unique_ptr<Source> make_tone(const std::string& hertz, std::uint32_t rate,
                                  std::optional<double> seconds);
std::unique_ptr<Source> make_dtmf(const std::string& digits, std::uint32_t rate);

// Ctrl-C while recording from standard input is its end; otherwise it stops the program, and the unfinished
// file is removed.
void watch_signals(bool reads_stdin);
bool interrupted(); // and not as the end of standard input

} // namespace talky::transcode
