// Where the samples go.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "audio/frame.hpp"
#include "core/bytes.hpp"
#include "file/sample_format.hpp"
#include "format.hpp"

namespace talky::transcode {

// Everything that fails is thrown as cli::Failure. A file appears under its name when close() has succeeded,
// and not before.
class Sink {
 public:
  virtual ~Sink() = default;

  virtual void write(std::span<const std::int16_t> interleaved) = 0;
  virtual void write(std::span<const float> interleaved) = 0;
  // Samples that have the sink's own format already.
  virtual void write_raw(Bytes bytes) = 0;
  // Where samples are bytes of one format, as raw and in WAV: which, and room for so many of them, to be
  // filled in place and kept with commit(). Nothing is copied.
  virtual std::optional<file::SampleFormat> samples() const { return std::nullopt; }
  virtual std::span<std::byte> room(std::size_t) { return {}; }
  virtual void commit(std::size_t) {}
  // About so many bytes of samples will come.
  virtual void expect(std::uint64_t) {}
  // Making them takes about as long as writing them: see file::Output::write_behind().
  virtual void write_behind() {}
  // Whoever reads the other end shall have what was written so far.
  virtual void flush() = 0;
  virtual void close() = 0;
};

// How sound becomes RTP.
struct RtpOutput {
  const codec::Entry* codec = nullptr; // nullptr: PCMU
  codec::Options options;              // of the encoder
  std::uint32_t ptime_ms = 20;
  std::optional<std::uint8_t> payload_type; // else the static one, 111 for Opus, 96
  std::uint32_t ssrc = 0x74616c6b;          // of the first stream; the next counts up

  const codec::Entry& entry() const { return codec != nullptr ? *codec : *codec::find("PCMU"); }
};

struct SinkOptions {
  RtpOutput rtp;
  bool live = false; // what comes in shall go out at once
};

std::unique_ptr<Sink> open_sink(const std::string& path, const Kind& kind, audio::Format format, bool force,
                                const SinkOptions& options);

} // namespace talky::transcode
