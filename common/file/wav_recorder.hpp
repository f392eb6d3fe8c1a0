// A recording that survives the death of its writer: 16-bit PCM WAV whose header is brought up to date once a
// second, so that after kill -9 or a full disk the file plays, and repair_wav() finds the rest.
//
// Plain and synchronous: write() may block on the disk, so sipd gives it a thread of its own. Not
// thread-safe.
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "audio/frame.hpp"
#include "core/error.hpp"

namespace talky::file {

class WavRecorder {
 public:
  // Makes a new file; an existing one is never overwritten (Errc::io, EEXIST). Holds an advisory lock
  // (flock) on it, so that a repair in another process leaves it alone.
  static Result<WavRecorder> create(const std::string& path, audio::Format format);

  WavRecorder(WavRecorder&&) noexcept;
  WavRecorder& operator=(WavRecorder&&) noexcept;
  ~WavRecorder(); // closes; what goes wrong then is lost: call close()

  // Interleaved, whole sample frames. A short write is an error (Errc::io with the system's reason,
  // such as ENOSPC), after which the header counts what the file holds, and every further
  // write fails alike. Past 4 GiB: too_large.
  Result<> write(std::span<const std::int16_t> interleaved);
  // Two channels of one length; the format must have two.
  Result<> write_stereo(std::span<const std::int16_t> left, std::span<const std::int16_t> right);
  // Writes out what is buffered and updates the header, as happens by itself every second of audio.
  Result<> flush();
  // flush(), fdatasync and close. Afterwards every call fails with Errc::closed.
  Result<> close();

  std::uint64_t frames() const { return frames_; } // accepted so far
  const std::string& path() const { return path_; }

 private:
  WavRecorder(int fd, std::string path, audio::Format format);
  Result<> write_out();
  Result<> update_header();

  int fd_ = -1;
  std::string path_;
  audio::Format format_;
  std::vector<std::int16_t> buffer_; // less than a second
  std::vector<std::int16_t> stereo_;
  std::uint64_t frames_ = 0;
  std::uint64_t data_bytes_ = 0;   // in the file
  std::uint64_t header_bytes_ = 0; // that its header counts
  int broken_ = 0;                 // errno: why nothing can be written any more
};

enum class Repair : std::uint8_t {
  sound,  // nothing to mend
  mended, // the header was made to fit the file
  in_use, // somebody is writing it
  foreign // not a recording of WavRecorder: left alone
};
// Mends the header of a recording whose writer died. A last frame that was cut off is cut away. Errors: io.
Result<Repair> repair_wav(const std::string& path);

struct RepairReport {
  std::vector<std::string> mended;
  std::vector<std::string> failed; // could not be opened or written
};
// repair_wav for every *.wav in the folder (not below it), in order of name; for the start of a recording
// program.
RepairReport repair_recordings(const std::filesystem::path& folder);

} // namespace talky::file
