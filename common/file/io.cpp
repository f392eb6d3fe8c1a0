#include "file/io.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>
#include <utility>

namespace talky::file {

namespace {

constexpr std::align_val_t kPage{4096};

} // namespace

void PageBuffer::Free::operator()(std::byte* memory) const {
  ::operator delete(memory, kPage);
}

PageBuffer::PageBuffer(std::size_t size)
    : memory_(static_cast<std::byte*>(::operator new(size, kPage))), size_(size) {}

void PageBuffer::grow(std::size_t size, std::size_t kept) {
  if (size <= size_) return;
  PageBuffer larger(size);
  std::copy_n(data(), kept, larger.data());
  *this = std::move(larger);
}

Result<Input> Input::open(const std::string& path) {
  Input input;
  if (path == "-") {
    input.fd_ = STDIN_FILENO;
  } else {
    input.fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (input.fd_ < 0) return fail(Errc::io, 0, "a file that can be opened", errno);
    input.owned_ = true;
    struct stat status {};
    if (::fstat(input.fd_, &status) != 0) return fail(Errc::io, 0, "a file that can be opened", errno);
    if (S_ISDIR(status.st_mode)) return fail(Errc::unsupported, 0, "a file, not a directory", EISDIR);
    if (S_ISREG(status.st_mode)) ::posix_fadvise(input.fd_, 0, 0, POSIX_FADV_SEQUENTIAL);
  }
  input.buffer_ = PageBuffer(kBuffer);
  input.data_ = input.buffer_.data();
  return input;
}

Input Input::memory(Bytes bytes) {
  Input input;
  input.data_ = bytes.data();
  input.end_ = bytes.size();
  input.eof_ = true;
  return input;
}

Input Input::wrap(std::unique_ptr<ByteSource> source) {
  Input input;
  input.source_ = std::move(source);
  input.buffer_ = PageBuffer(kBuffer);
  input.data_ = input.buffer_.data();
  return input;
}

Input::Input(Input&& other) noexcept {
  *this = std::move(other);
}

Input& Input::operator=(Input&& other) noexcept {
  if (this == &other) return *this;
  if (owned_) ::close(fd_);
  source_ = std::move(other.source_);
  fd_ = std::exchange(other.fd_, -1);
  owned_ = std::exchange(other.owned_, false);
  eof_ = other.eof_;
  buffer_ = std::move(other.buffer_); // the memory moves with it, so data_ stays right
  data_ = std::exchange(other.data_, nullptr);
  begin_ = std::exchange(other.begin_, 0);
  end_ = std::exchange(other.end_, 0);
  base_ = other.base_;
  return *this;
}

Input::~Input() {
  if (owned_) ::close(fd_);
}

Result<Bytes> Input::refill(std::size_t count) {
  if (!eof_) {
    if (begin_ > 0) {
      std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
      base_ += begin_;
      end_ -= begin_;
      begin_ = 0;
    }
    if (buffer_.size() < count) {
      buffer_.grow(count, end_);
      data_ = buffer_.data();
    }
    while (!eof_ && end_ < count) {
      if (source_) {
        const auto got = source_->read(buffer_.from(end_));
        if (!got) return tl::unexpected(got.error());
        if (*got == 0) eof_ = true;
        end_ += *got;
        continue;
      }
      const ssize_t got = ::read(fd_, buffer_.data() + end_, buffer_.size() - end_);
      if (got < 0) {
        if (errno == EINTR) continue;
        if (errno == EAGAIN) break;
        return fail(Errc::io, static_cast<std::size_t>(base_ + end_), "readable input", errno);
      }
      if (got == 0) eof_ = true;
      end_ += static_cast<std::size_t>(got);
    }
  }
  return Bytes(data_ + begin_, end_ - begin_);
}

Result<std::uint64_t> Input::discard(std::uint64_t count) {
  std::uint64_t passed = 0;
  while (passed < count) {
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(count - passed, kBuffer));
    const auto bytes = peek(wanted);
    if (!bytes) return tl::unexpected(bytes.error());
    const std::size_t step = std::min(bytes->size(), wanted);
    if (step == 0) break;
    skip(step);
    passed += step;
  }
  return passed;
}

Result<std::string> read_whole(const std::string& path, std::size_t most) {
  auto input = Input::open(path);
  if (!input) return tl::unexpected(input.error());
  std::string text;
  for (;;) {
    const auto bytes = input->peek(1);
    if (!bytes) return tl::unexpected(bytes.error());
    if (bytes->empty()) return text;
    if (bytes->size() > most - text.size()) return fail(Errc::too_large, most, "a shorter file");
    text += as_text(*bytes);
    input->skip(bytes->size());
  }
}

namespace {

constexpr std::size_t kOutputBuffer = std::size_t{256} * 1024;

} // namespace

// The other half of write_behind(): takes one full buffer at a time.
struct Output::Background {
  explicit Background(int fd) : fd_(fd), thread_([this] { run(); }) {}
  ~Background() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

  // Takes the first `count` bytes of the buffer and gives an empty one, once what came before is written.
  // Gives errno of the first failure, 0 if there was none.
  int take(PageBuffer& buffer, std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return count_ == 0; });
    if (reason_ != 0 || count == 0) return reason_;
    std::swap(buffer, full_);
    if (buffer.size() == 0) buffer = PageBuffer(full_.size());
    count_ = count;
    lock.unlock();
    changed_.notify_all();
    return 0;
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return stop_ || count_ > 0; });
      if (count_ == 0) return;
      lock.unlock();
      const int reason = write_all(); // full_ and count_ are this thread's until count_ is 0 again
      lock.lock();
      if (reason_ == 0) reason_ = reason;
      count_ = 0;
      changed_.notify_all();
    }
  }
  int write_all() const {
    std::size_t written = 0;
    while (written < count_) {
      const ssize_t count = ::write(fd_, full_.data() + written, count_ - written);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return errno;
      written += static_cast<std::size_t>(count);
    }
    return 0;
  }

  int fd_;
  std::mutex mutex_;
  std::condition_variable changed_;
  PageBuffer full_;
  std::size_t count_ = 0; // bytes of full_ to be written; 0: idle
  int reason_ = 0;        // errno of the first failure
  bool stop_ = false;
  std::thread thread_; // the last to be made: it uses all of these
};

Output::Output() = default;

void Output::write_behind() {
  if (background_ || !patchable() || std::thread::hardware_concurrency() < 2 || !flush()) return;
  try {
    background_ = std::make_unique<Background>(fd_);
  } catch (const std::system_error&) {
    background_.reset(); // no thread to be had: as before, then
  }
}

Result<> Output::hand_over() {
  if (const int reason = background_->take(buffer_, used_); reason != 0)
    return fail(Errc::io, static_cast<std::size_t>(flushed_), "room to write", reason);
  flushed_ += used_;
  used_ = 0;
  return {};
}

Result<Output> Output::create(const std::string& path, Mode mode) {
  Output output;
  output.mode_ = mode;
  output.path_ = path;
  if (path == "-") {
    output.fd_ = STDOUT_FILENO;
  } else {
    struct stat status {};
    const bool there = ::lstat(path.c_str(), &status) == 0;
    if (there && mode != Mode::replace) return fail(Errc::io, 0, "a name that is free", EEXIST);
    // A device or a pipe is written in place: it cannot be renamed into being.
    const bool in_place = mode == Mode::live || (there && !S_ISREG(status.st_mode));
    if (!in_place) output.temporary_ = fmt::format("{}.{}.part", path, ::getpid());
    const std::string& name = in_place ? path : output.temporary_;
    const int flags = O_WRONLY | O_CLOEXEC | (there && in_place ? 0 : O_CREAT | O_EXCL);
    output.fd_ = ::open(name.c_str(), flags, 0666);
    if (output.fd_ < 0) return fail(Errc::io, 0, "a file that can be written", errno);
    output.owned_ = true;
  }
  struct stat made {};
  if (::fstat(output.fd_, &made) == 0 && S_ISREG(made.st_mode) &&
      (::fcntl(output.fd_, F_GETFL) & O_APPEND) == 0) {
    output.patch_base_ = ::lseek(output.fd_, 0, SEEK_CUR);
  }
  output.buffer_ = PageBuffer(kOutputBuffer);
  return output;
}

Output::Output(Output&& other) noexcept {
  *this = std::move(other);
}

Output& Output::operator=(Output&& other) noexcept {
  if (this == &other) return *this;
  std::swap(background_, other.background_);
  std::swap(fd_, other.fd_);
  std::swap(owned_, other.owned_);
  std::swap(mode_, other.mode_);
  path_.swap(other.path_);
  temporary_.swap(other.temporary_);
  std::swap(buffer_, other.buffer_);
  std::swap(allocated_, other.allocated_);
  std::swap(used_, other.used_);
  std::swap(flushed_, other.flushed_);
  std::swap(patch_base_, other.patch_base_);
  return *this;
}

Output::~Output() {
  background_.reset();
  if (fd_ < 0) return;
  if (!temporary_.empty()) {
    ::unlink(temporary_.c_str());
  } else {
    (void)flush();
  }
  if (owned_) ::close(fd_);
}

Result<std::byte*> Output::reserve(std::size_t count) {
  if (buffer_.size() - used_ < count) {
    if (const auto flushed = background_ ? hand_over() : flush(); !flushed)
      return tl::unexpected(flushed.error());
    buffer_.grow(count, 0); // all of it has been written out
  }
  return buffer_.data() + used_;
}

Result<> Output::write(Bytes bytes) {
  const auto room = reserve(bytes.size());
  if (!room) return tl::unexpected(room.error());
  std::copy(bytes.begin(), bytes.end(), *room);
  commit(bytes.size());
  return {};
}

void Output::expect(std::uint64_t bytes) {
  constexpr std::uint64_t kWorthwhile = std::uint64_t{4} << 20;
  if (!patchable() || bytes < kWorthwhile || allocated_ != 0 || temporary_.empty()) return;
  // Where it cannot be done, or the disk is too small, write() will do or say so.
  if (::fallocate(fd_, 0, patch_base_, static_cast<off_t>(bytes)) == 0) allocated_ = bytes;
}

Result<> Output::flush() {
  if (fd_ < 0) return fail(Errc::closed, static_cast<std::size_t>(flushed_), "an open file");
  if (background_) {
    if (const auto taken = hand_over(); !taken) return taken;
    return hand_over(); // of nothing: waits until all is written
  }
  std::size_t written = 0;
  while (written < used_) {
    const ssize_t count = ::write(fd_, buffer_.data() + written, used_ - written);
    if (count < 0) {
      if (errno == EINTR) continue;
      const int reason = errno;
      // What was written is gone from the buffer: a second flush after a full disk continues in the right
      // place.
      std::memmove(buffer_.data(), buffer_.data() + written, used_ - written);
      used_ -= written;
      flushed_ += written;
      return fail(Errc::io, static_cast<std::size_t>(flushed_), "room to write", reason);
    }
    written += static_cast<std::size_t>(count);
  }
  flushed_ += written;
  used_ = 0;
  return {};
}

Result<> Output::patch(std::uint64_t offset, Bytes bytes) {
  if (!patchable())
    return fail(Errc::unsupported, static_cast<std::size_t>(offset), "a file that can be patched");
  if (const auto flushed = flush(); !flushed) return flushed;
  while (!bytes.empty()) {
    const ssize_t count =
        ::pwrite(fd_, bytes.data(), bytes.size(), patch_base_ + static_cast<std::int64_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      const int reason = count < 0 ? errno : ENOSPC;
      return fail(Errc::io, static_cast<std::size_t>(offset), "room to write", reason);
    }
    bytes = bytes.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
  return {};
}

Result<> Output::close() {
  if (const auto flushed = flush(); !flushed) return flushed;
  if (allocated_ > flushed_ && ::ftruncate(fd_, patch_base_ + static_cast<off_t>(flushed_)) != 0)
    return fail(Errc::io, static_cast<std::size_t>(flushed_), "room to write", errno);
  if (!owned_) {
    background_.reset();
    fd_ = -1;
    return {};
  }
  background_.reset();
  // A network file system may report only here that it could not write.
  if (::close(std::exchange(fd_, -1)) != 0) {
    const int reason = errno;
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
    return fail(Errc::io, 0, "room to write", reason);
  }
  owned_ = false;
  if (temporary_.empty()) return {};
  // A fresh file must not take the place of one that appeared meanwhile, so link() and not rename().
  const int done = mode_ == Mode::fresh ? ::link(temporary_.c_str(), path_.c_str())
                                        : ::rename(temporary_.c_str(), path_.c_str());
  const int reason = errno;
  if (mode_ == Mode::fresh || done != 0) ::unlink(temporary_.c_str());
  temporary_.clear();
  if (done == 0) return {};
  return fail(Errc::io, 0, "a name that is free", reason);
}

} // namespace talky::file
