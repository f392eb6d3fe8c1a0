// Opus in Ogg (RFC 7845), read and written as a stream on files and pipes; the pages are libogg's affair.
// Positions are exact: what libopus needs to run in is dropped (pre-skip), and the last page says where the
// sound ends, so a file holds as many samples as were written.
//
//   OpusHead: version, channels, pre-skip (48 kHz), rate of the input, gain (Q7.8 dB), mapping
//   OpusTags: vendor, comments
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "audio/frame.hpp"
#include "core/error.hpp"
#include "file/io.hpp"

namespace talky::file {

struct OpusHead {
  std::uint8_t channels = 1;    // 1 or 2: mapping family 0
  std::uint16_t pre_skip = 0;   // samples at 48 kHz
  std::uint32_t input_rate = 0; // what was encoded; 0: not said
  std::int16_t gain = 0;        // dB in Q7.8
};
// Errors: malformed, truncated, unsupported (a later version, more channels).
Result<OpusHead> parse_opus_head(Bytes packet);
std::vector<std::byte> make_opus_head(const OpusHead& head);

class OggOpusReader {
 public:
  // At the start of the stream; other streams beside it are passed over. `rate` is what is decoded to: 8, 12,
  // 16, 24 or 48 kHz. Errors: malformed (no Opus in it), truncated, unsupported, io.
  static Result<OggOpusReader> create(Input input, std::uint32_t rate = 48000);
  OggOpusReader(OggOpusReader&&) noexcept;
  OggOpusReader& operator=(OggOpusReader&&) noexcept;
  ~OggOpusReader();

  const OpusHead& head() const;
  audio::Format format() const;
  // Replaces `out` by up to `max_frames` interleaved frames; empty at the end. A chained stream goes on with
  // the next one, if it has as many channels. Errors: malformed, unsupported, io.
  Result<> read(std::size_t max_frames, std::vector<std::int16_t>& out);
  // What was made good on the way: pages that are missing or damaged. And whether the end was there.
  std::uint64_t holes() const;
  bool cut_off() const;

 private:
  struct Impl;
  explicit OggOpusReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

class OggOpusWriter {
 public:
  struct Options {
    audio::Format format;      // 8, 12, 16, 24 or 48 kHz; 1 or 2 channels
    std::uint32_t bitrate = 0; // bit/s; 0: as libopus finds fit
    std::uint32_t serial = 0x74616c6b;
  };
  // Errors: unsupported, io.
  static Result<OggOpusWriter> create(Output output, const Options& options);
  OggOpusWriter(OggOpusWriter&&) noexcept;
  OggOpusWriter& operator=(OggOpusWriter&&) noexcept;
  ~OggOpusWriter();

  // Whole interleaved frames. A page is a second long.
  Result<> write(std::span<const std::int16_t> interleaved);
  // Ends the page: what was encoded goes out. Up to 20 ms still wait to be a packet.
  Result<> flush();
  Result<> close();

 private:
  struct Impl;
  explicit OggOpusWriter(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

} // namespace talky::file
