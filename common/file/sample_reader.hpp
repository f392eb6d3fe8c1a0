// Samples behind a header (WAV, AU), one block after the other, in constant memory, from a file or a pipe;
// what has come is given at once.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/bytes.hpp"
#include "core/error.hpp"
#include "file/io.hpp"
#include "file/sample_format.hpp"

namespace talky::file {

struct SampleHeader {
  SampleFormat format = SampleFormat::s16le;
  std::uint32_t rate = 0;                 // Hz: 1 to 1,000,000
  std::uint16_t channels = 0;             // 1 to 64
  std::uint64_t data_offset = 0;          // of the first sample in the file
  std::optional<std::uint64_t> data_size; // bytes; nullopt: to the end of the input

  std::size_t frame_bytes() const { return std::size_t{info(format).bytes} * channels; }
};

class SampleReader {
 public:
  const SampleHeader& header() const { return header_; }
  // Up to `max_bytes` raw bytes, whole sample frames, valid until the next call; empty at the end. A last
  // frame that was cut off is left out. Errors: io.
  Result<Bytes> read_raw(std::size_t max_bytes);
  // Replaces the contents of `out` by up to `max_frames` sample frames as interleaved s16; empty at the end.
  Result<> read(std::size_t max_frames, std::vector<std::int16_t>& out);
  // Bytes of a last frame that was cut off, known at the end.
  std::size_t cut_off() const { return cut_off_; }
  // The header promised this many bytes more than there were, known at the end.
  std::uint64_t missing() const { return missing_; }

 protected:
  SampleReader(Input input, SampleHeader header) : input_(std::move(input)), header_(header) {}

 private:
  Input input_; // at the first sample
  SampleHeader header_;
  std::uint64_t taken_ = 0; // of the samples' bytes
  std::size_t pending_skip_ = 0;
  std::size_t cut_off_ = 0;
  std::uint64_t missing_ = 0;
};

} // namespace talky::file
