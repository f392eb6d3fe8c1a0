// FLAC (RFC 9639), read and written as a stream by libFLAC, on files and pipes. Samples are kept to the bit.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "audio/frame.hpp"
#include "core/error.hpp"
#include "file/io.hpp"

namespace talky::file {

class FlacReader {
 public:
  // At the start of the stream. Errors: malformed, truncated, io.
  static Result<FlacReader> create(Input input);
  FlacReader(FlacReader&&) noexcept;
  FlacReader& operator=(FlacReader&&) noexcept;
  ~FlacReader();

  audio::Format format() const;
  unsigned bits() const; // of a sample: 4 to 32
  // Replaces `out` by up to `max_frames` interleaved frames, at the top of 32 bits; empty at the end. Errors:
  // malformed (damaged frames, a checksum that is wrong, another format in mid-stream), io.
  Result<> read(std::size_t max_frames, std::vector<std::int32_t>& out);
  // The header promised this many frames more than there were, known at the end.
  std::uint64_t missing() const;

 private:
  struct Impl;
  explicit FlacReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

class FlacWriter {
 public:
  struct Options {
    audio::Format format;
    unsigned bits = 16; // of a sample: 16 or 24
    bool live = false;  // blocks of 20 ms, so that little is held back; else of 4096 samples
  };
  // Errors: unsupported (a rate above 655,350 Hz or more than 8 channels), io.
  static Result<FlacWriter> create(Output output, const Options& options);
  FlacWriter(FlacWriter&&) noexcept;
  FlacWriter& operator=(FlacWriter&&) noexcept;
  ~FlacWriter(); // without close(): as of an Output that was not closed

  // Whole interleaved frames, at the bottom of 32 bits (-32768 to 32767 for 16 bits). Errors: io.
  Result<> write(std::span<const std::int32_t> interleaved);
  Result<> flush(); // what is encoded goes out; a block that is not full cannot
  // The last block, and the lengths and checksum in the header where the output can be patched.
  Result<> close();

 private:
  struct Impl;
  explicit FlacWriter(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

} // namespace talky::file
