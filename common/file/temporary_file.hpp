// An unnamed file below TMPDIR (or /tmp), for what does not fit into constant memory. Made when the first
// byte comes.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "core/bytes.hpp"
#include "core/error.hpp"

namespace talky::file {

// Errors: io (a full disk, no such folder).
class TemporaryFile {
 public:
  TemporaryFile() = default;
  TemporaryFile(TemporaryFile&& other) noexcept;
  TemporaryFile& operator=(TemporaryFile&& other) noexcept;
  ~TemporaryFile();

  Result<> append(Bytes bytes);
  // Fills `room` from byte `at` on; fewer only at the end.
  Result<std::size_t> read(std::uint64_t at, std::span<std::byte> room) const;
  std::uint64_t size() const { return size_; } // that was appended
  Result<> clear();
  // A name under which another library may open and write it, as long as this lives.
  Result<std::string> name();

 private:
  Result<> make();

  int fd_ = -1;
  std::uint64_t size_ = 0;
};

} // namespace talky::file
