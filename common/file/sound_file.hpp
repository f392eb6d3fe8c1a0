// Every other sound file, through libsndfile: FLAC, AU, AIFF, Ogg (Vorbis, Opus), CAF, W64, WAV with GSM or
// ADPCM ... Files, and pipes by sound_pipe.hpp.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "audio/frame.hpp"
#include "core/error.hpp"
#include "file/io.hpp"

namespace talky::file {

class SoundFileReader {
 public:
  // Errors: io, unsupported (a directory: EISDIR, or nothing that libsndfile knows), malformed.
  static Result<SoundFileReader> open(const std::string& path);
  // From its start on; of a pipe that says how long it will be, as WAV and AIFF do, no more than is wanted.
  static Result<SoundFileReader> create(Input input);
  SoundFileReader(SoundFileReader&&) noexcept;
  SoundFileReader& operator=(SoundFileReader&&) noexcept;
  ~SoundFileReader();

  audio::Format format() const;
  bool wide() const;        // holds more than s16 does: float, 24 bits, or a lossy codec
  std::string name() const; // "FLAC, 16 bit PCM"
  std::uint64_t frames() const;
  // Replaces the contents of `out` by up to `max_frames` interleaved sample frames; empty at the end. Errors:
  // malformed.
  Result<> read(std::size_t max_frames, std::vector<std::int16_t>& out);
  Result<> read(std::size_t max_frames, std::vector<float>& out);

 private:
  struct Impl;
  static Result<SoundFileReader> finish(std::unique_ptr<Impl> impl);
  explicit SoundFileReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// The kinds of file that SoundFileWriter makes.
struct SoundFileKind {
  std::string_view name;    // "flac"; also the ending of the file's name
  std::string_view meaning; // one line for a list
  int libsndfile;           // its format word
};
std::span<const SoundFileKind> sound_file_kinds();
const SoundFileKind* sound_file_kind(std::string_view name); // any case; nullptr: none

class SoundFileWriter {
 public:
  // Writes `path` in place, which is overwritten: give it a temporary name. Errors: io, unsupported (a rate
  // or number of channels that this kind cannot hold).
  static Result<SoundFileWriter> create(const std::string& path, const SoundFileKind& kind,
                                        audio::Format format);
  SoundFileWriter(SoundFileWriter&&) noexcept;
  SoundFileWriter& operator=(SoundFileWriter&&) noexcept;
  ~SoundFileWriter();

  // Whole sample frames. Every count is checked: a full disk is an Errc::io.
  Result<> write(std::span<const std::int16_t> interleaved);
  Result<> write(std::span<const float> interleaved);
  Result<> close();

 private:
  struct Impl;
  explicit SoundFileWriter(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

} // namespace talky::file
