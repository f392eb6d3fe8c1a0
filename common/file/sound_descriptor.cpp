#include "file/sound_descriptor.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace talky::file {

namespace {

SoundDescriptor& self(void* data) {
  return *static_cast<SoundDescriptor*>(data);
}

} // namespace

Result<SoundDescriptor> SoundDescriptor::create(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) return fail(Errc::io, 0, "a file that can be written", errno);
  return SoundDescriptor(fd);
}

SoundDescriptor::SoundDescriptor(SoundDescriptor&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), reason_(other.reason_) {}

SoundDescriptor& SoundDescriptor::operator=(SoundDescriptor&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(reason_, other.reason_);
  return *this;
}

SoundDescriptor::~SoundDescriptor() {
  if (fd_ >= 0) ::close(fd_);
}

SF_VIRTUAL_IO SoundDescriptor::functions() {
  SF_VIRTUAL_IO io{};
  io.get_filelen = [](void* data) {
    struct stat status {};
    return ::fstat(self(data).fd_, &status) == 0 ? static_cast<sf_count_t>(status.st_size) : sf_count_t{-1};
  };
  io.seek = [](sf_count_t offset, int whence, void* data) {
    return static_cast<sf_count_t>(::lseek(self(data).fd_, offset, whence));
  };
  io.read = [](void* room, sf_count_t count, void* data) {
    const auto got = ::read(self(data).fd_, room, static_cast<std::size_t>(count));
    return static_cast<sf_count_t>(got > 0 ? got : 0);
  };
  io.write = [](const void* from, sf_count_t count, void* data) { return self(data).write(from, count); };
  io.tell = [](void* data) { return static_cast<sf_count_t>(::lseek(self(data).fd_, 0, SEEK_CUR)); };
  return io;
}

sf_count_t SoundDescriptor::write(const void* from, sf_count_t count) {
  sf_count_t written = 0;
  while (written < count) {
    const auto got =
        ::write(fd_, static_cast<const char*>(from) + written, static_cast<std::size_t>(count - written));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      if (reason_ == 0) reason_ = errno;
      break;
    }
    written += got;
  }
  return written;
}

Result<> SoundDescriptor::state() const {
  if (reason_ == 0) return {};
  return fail(Errc::io, 0, "room to write", reason_);
}

Result<> SoundDescriptor::close() {
  // A network file system may report only here that it could not write.
  if (::close(std::exchange(fd_, -1)) != 0 && reason_ == 0) reason_ = errno;
  return state();
}

} // namespace talky::file
