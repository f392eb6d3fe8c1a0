// Where the samples go.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "audio/frame.hpp"
#include "core/bytes.hpp"
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
  // Whoever reads the other end shall have what was written so far.
  virtual void flush() = 0;
  virtual void close() = 0;
};

std::unique_ptr<Sink> open_sink(const std::string& path, const Kind& kind, audio::Format format, bool force);

} // namespace talky::transcode
