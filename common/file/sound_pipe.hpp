// A pipe as something that libsndfile can seek in: what has come is kept in a temporary file, and no more is
// taken from the pipe than is asked for. How long it will be is taken from the size in its header, as in WAV
// and AIFF, so that sound comes out while more goes in; what does not say it (Ogg, CAF) is read to its end
// when libsndfile asks. Where the pipe ends before that length, libsndfile would go on with what is none:
// then settle(), and begin again.
#pragma once
#include <sndfile.h>

#include <cstdint>
#include <optional>

#include "file/io.hpp"
#include "file/temporary_file.hpp"

namespace talky::file {

class SoundPipe {
 public:
  explicit SoundPipe(Input input) : input_(std::move(input)) {}

  // For sf_open_virtual, with this as the user's data.
  static SF_VIRTUAL_IO functions();
  // Whether less was there than the length promised.
  bool fell_short() const { return fell_short_; }
  // To the end of the pipe, and back to the start: now the length is right.
  void settle();
  // What went wrong below libsndfile, which knows only that there is no more.
  const std::optional<Error>& error() const { return error_; }

 private:
  std::uint64_t length();
  bool fetch(std::uint64_t until); // false: there is no more
  sf_count_t seek(sf_count_t offset, int whence);
  sf_count_t read(void* room, sf_count_t count);

  Input input_;
  TemporaryFile kept_;
  std::uint64_t at_ = 0;
  std::optional<std::uint64_t> length_;
  bool fell_short_ = false;
  std::optional<Error> error_;
};

} // namespace talky::file
