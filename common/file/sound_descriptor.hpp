// A file that libsndfile writes through us: of what its block codecs (GSM, ADPCM) cannot write it says
// nothing.
#pragma once
#include <sndfile.h>

#include <string>

#include "core/error.hpp"

namespace talky::file {

class SoundDescriptor {
 public:
  // An empty file; an older one is overwritten. Errors: io.
  static Result<SoundDescriptor> create(const std::string& path);

  SoundDescriptor(SoundDescriptor&& other) noexcept;
  SoundDescriptor& operator=(SoundDescriptor&& other) noexcept;
  SoundDescriptor(const SoundDescriptor&) = delete;
  SoundDescriptor& operator=(const SoundDescriptor&) = delete;
  ~SoundDescriptor();

  static SF_VIRTUAL_IO functions(); // their data is a SoundDescriptor*
  // What went wrong so far. Errors: io, with what the system said first.
  Result<> state() const;
  Result<> close();

 private:
  explicit SoundDescriptor(int fd) : fd_(fd) {}
  sf_count_t write(const void* from, sf_count_t count);

  int fd_;
  int reason_ = 0; // errno of the first failure
};

} // namespace talky::file
