#include "file/temporary_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

namespace talky::file {

TemporaryFile::TemporaryFile(TemporaryFile&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), size_(std::exchange(other.size_, 0)) {}

TemporaryFile& TemporaryFile::operator=(TemporaryFile&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(size_, other.size_);
  return *this;
}

TemporaryFile::~TemporaryFile() {
  if (fd_ >= 0) ::close(fd_);
}

Result<> TemporaryFile::make() {
  if (fd_ >= 0) return {};
  const char* folder = std::getenv("TMPDIR");
  std::string path = fmt::format("{}/talky.XXXXXX", folder != nullptr && *folder != '\0' ? folder : "/tmp");
  fd_ = ::mkostemp(path.data(), O_CLOEXEC);
  if (fd_ < 0) return fail(Errc::io, 0, "room for a temporary file", errno);
  ::unlink(path.c_str());
  return {};
}

Result<> TemporaryFile::append(Bytes bytes) {
  if (const auto made = make(); !made) return made;
  while (!bytes.empty()) {
    const ssize_t count = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(size_));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(Errc::io, static_cast<std::size_t>(size_), "room for a temporary file", errno);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
    size_ += static_cast<std::uint64_t>(count);
  }
  return {};
}

Result<std::size_t> TemporaryFile::read(std::uint64_t at, std::span<std::byte> room) const {
  std::size_t got = 0;
  while (fd_ >= 0 && got < room.size()) {
    const ssize_t count = ::pread(fd_, room.data() + got, room.size() - got, static_cast<off_t>(at + got));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(Errc::io, static_cast<std::size_t>(at), "a readable temporary file", errno);
    if (count == 0) break;
    got += static_cast<std::size_t>(count);
  }
  return got;
}

Result<> TemporaryFile::clear() {
  if (fd_ >= 0 && ::ftruncate(fd_, 0) != 0) return fail(Errc::io, 0, "a writable temporary file", errno);
  size_ = 0;
  return {};
}

Result<std::string> TemporaryFile::name() {
  if (const auto made = make(); !made) return tl::unexpected(made.error());
  return fmt::format("/dev/fd/{}", fd_);
}

} // namespace talky::file
