#include "temporary_file.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>

#include "failure.hpp"

namespace talky::transcode {

namespace {

[[noreturn]] void fail() {
  const char* reason = ::strerrordesc_np(errno);
  throw cli::Failure(cli::ExitCode::io,
                     fmt::format("the temporary file: {}", reason != nullptr ? reason : "cannot be used"));
}

int create() {
  const char* folder = std::getenv("TMPDIR");
  std::string name =
      fmt::format("{}/talky-transcode.XXXXXX", folder != nullptr && *folder != '\0' ? folder : "/tmp");
  const int fd = ::mkostemp(name.data(), 0);
  if (fd < 0) fail();
  ::unlink(name.c_str());
  return fd;
}

} // namespace

TemporaryFile::~TemporaryFile() {
  if (fd_ >= 0) ::close(fd_);
}

void TemporaryFile::append(Bytes bytes) {
  if (fd_ < 0) fd_ = create();
  while (!bytes.empty()) {
    const ssize_t count = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(size_));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail();
    bytes = bytes.subspan(static_cast<std::size_t>(count));
    size_ += static_cast<std::uint64_t>(count);
  }
}

std::size_t TemporaryFile::read(std::uint64_t at, std::span<std::byte> room) const {
  std::size_t got = 0;
  while (fd_ >= 0 && got < room.size()) {
    const ssize_t count = ::pread(fd_, room.data() + got, room.size() - got, static_cast<off_t>(at + got));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail();
    if (count == 0) break;
    got += static_cast<std::size_t>(count);
  }
  return got;
}

void TemporaryFile::clear() {
  if (size_ > 0 && ::ftruncate(fd_, 0) != 0) fail();
  size_ = 0;
}

} // namespace talky::transcode
