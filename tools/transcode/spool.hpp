// What can be read only once, and is needed twice: a pipe, in an unnamed temporary file below TMPDIR.
#pragma once
#include <memory>

#include "source.hpp"

namespace talky::transcode {

class Spool {
 public:
  // Reads the source to its end. `wide`: in float. Throws Failure where the disk is full.
  Spool(Source& source, bool wide);
  ~Spool();
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;

  // The same samples from the start, as often as wanted; the spool must outlive it.
  std::unique_ptr<Source> reader() const;

 private:
  int fd_ = -1;
  audio::Format format_;
  bool wide_;
  bool source_wide_;
  std::string described_, remark_;
};

} // namespace talky::transcode
