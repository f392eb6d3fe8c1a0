// What can be read only once, and is needed twice: a pipe, in a temporary file.
#pragma once
#include <memory>
#include <string>

#include "file/temporary_file.hpp"
#include "source.hpp"

namespace talky::transcode {

class Spool {
 public:
  // Reads the source to its end. `wide`: in float. Throws Failure where the disk is full.
  Spool(Source& source, bool wide);

  // The same samples from the start, as often as wanted; the spool must outlive it.
  std::unique_ptr<Source> reader() const;

 private:
  file::TemporaryFile file_;
  audio::Format format_;
  bool wide_;
  std::string described_;
  std::vector<std::string> remarks_;
  bool damaged_ = false;
};

} // namespace talky::transcode
