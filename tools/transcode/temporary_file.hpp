// An unnamed file below TMPDIR, for what does not fit into constant memory. Made when the first byte comes.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/bytes.hpp"

namespace talky::transcode {

// Throws cli::Failure (io) where the disk is full, or there is no such folder.
class TemporaryFile {
 public:
  TemporaryFile() = default;
  ~TemporaryFile();
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  void append(Bytes bytes);
  // Fills `room` from byte `at` on; fewer only at the end.
  std::size_t read(std::uint64_t at, std::span<std::byte> room) const;
  std::uint64_t size() const { return size_; }
  void clear();

 private:
  int fd_ = -1;
  std::uint64_t size_ = 0;
};

} // namespace talky::transcode
