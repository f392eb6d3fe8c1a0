#include "file/wav_recorder.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "file/wav.hpp"

namespace talky::file {

namespace {

constexpr std::size_t kHeaderSize = 44;
// The RIFF size, which counts 36 bytes of the header, must fit 32 bits; and stay clear of the sizes that mean
// "unknown".
constexpr std::uint64_t kLargestData = 0xfff00000;

constexpr const char* kRoom = "room to write";

// What went in, and why it was not all: errno, or 0.
struct Written {
  std::size_t bytes = 0;
  int reason = 0;
};

// All of it, at its place.
Written write_at(int fd, Bytes bytes, std::uint64_t offset) {
  std::size_t written = 0;
  while (written < bytes.size()) {
    const ssize_t count =
        ::pwrite(fd, bytes.data() + written, bytes.size() - written, static_cast<off_t>(offset + written));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return {written, count < 0 ? errno : ENOSPC};
    written += static_cast<std::size_t>(count);
  }
  return {written, 0};
}

} // namespace

WavRecorder::WavRecorder(int fd, std::string path, audio::Format format)
    : fd_(fd), path_(std::move(path)), format_(format) {}

Result<WavRecorder> WavRecorder::create(const std::string& path, audio::Format format) {
  if (format.rate == 0 || format.channels == 0)
    return fail(Errc::unsupported, 0, "a rate and channels above zero");
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd < 0) return fail(Errc::io, 0, "a new file", errno);
  WavRecorder recorder(fd, path, format);
  ::flock(fd, LOCK_EX | LOCK_NB); // advisory: a file system without locks is no reason not to record
  if (const auto made = recorder.update_header(); !made) {
    ::unlink(path.c_str());
    return tl::unexpected(made.error());
  }
  return recorder;
}

WavRecorder::WavRecorder(WavRecorder&& other) noexcept {
  *this = std::move(other);
}

WavRecorder& WavRecorder::operator=(WavRecorder&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(path_, other.path_);
  std::swap(format_, other.format_);
  std::swap(buffer_, other.buffer_);
  std::swap(stereo_, other.stereo_);
  std::swap(frames_, other.frames_);
  std::swap(data_bytes_, other.data_bytes_);
  std::swap(header_bytes_, other.header_bytes_);
  std::swap(broken_, other.broken_);
  return *this;
}

WavRecorder::~WavRecorder() {
  if (fd_ >= 0) (void)close();
}

Result<> WavRecorder::update_header() {
  const auto header = make_wav_header(SampleFormat::s16le, format_.rate, format_.channels, data_bytes_);
  if (const Written written = write_at(fd_, header, 0); written.reason != 0) {
    broken_ = written.reason;
    return fail(Errc::io, 0, kRoom, broken_);
  }
  header_bytes_ = data_bytes_;
  return {};
}

Result<> WavRecorder::write_out() {
  const auto bytes = std::as_bytes(std::span(buffer_));
  const auto [written, reason] = write_at(fd_, bytes, kHeaderSize + data_bytes_);
  const std::size_t frame = std::size_t{2} * format_.channels;
  data_bytes_ += written - written % frame;
  buffer_.clear();
  if (reason == 0) return {};
  (void)update_header(); // the header's place is there already: what was written plays
  broken_ = reason;
  return fail(Errc::io, static_cast<std::size_t>(kHeaderSize + data_bytes_), kRoom, broken_);
}

Result<> WavRecorder::write(std::span<const std::int16_t> interleaved) {
  if (fd_ < 0) return fail(Errc::closed, 0, "an open recording");
  if (broken_ != 0)
    return fail(Errc::io, static_cast<std::size_t>(kHeaderSize + data_bytes_), kRoom, broken_);
  const std::size_t whole = interleaved.size() - interleaved.size() % format_.channels;
  if (data_bytes_ + 2 * (buffer_.size() + whole) > kLargestData) {
    return fail(Errc::too_large, static_cast<std::size_t>(kHeaderSize + data_bytes_),
                "a recording of at most 4 GiB");
  }
  buffer_.insert(buffer_.end(), interleaved.begin(),
                 interleaved.begin() + static_cast<std::ptrdiff_t>(whole));
  frames_ += whole / format_.channels;
  const std::size_t second = std::size_t{format_.rate} * format_.channels;
  if (buffer_.size() * 4 < second) return {};
  if (const auto written = write_out(); !written) return written;
  return data_bytes_ - header_bytes_ >= 2 * second ? update_header() : Result<>{};
}

Result<> WavRecorder::write_stereo(std::span<const std::int16_t> left, std::span<const std::int16_t> right) {
  if (format_.channels != 2 || left.size() != right.size()) {
    return fail(Errc::malformed, 0, "two channels of one length");
  }
  stereo_.resize(2 * left.size());
  for (std::size_t i = 0; i < left.size(); ++i) {
    stereo_[2 * i] = left[i];
    stereo_[2 * i + 1] = right[i];
  }
  return write(stereo_);
}

Result<> WavRecorder::flush() {
  if (fd_ < 0) return fail(Errc::closed, 0, "an open recording");
  if (broken_ != 0)
    return fail(Errc::io, static_cast<std::size_t>(kHeaderSize + data_bytes_), kRoom, broken_);
  if (const auto written = write_out(); !written) return written;
  return update_header();
}

Result<> WavRecorder::close() {
  const auto flushed = flush();
  if (fd_ < 0) return flushed;
  int reason = ::fdatasync(fd_) == 0 ? 0 : errno;
  if (::close(std::exchange(fd_, -1)) != 0 && reason == 0) reason = errno;
  if (!flushed) return flushed;
  if (reason != 0) return fail(Errc::io, 0, kRoom, reason);
  return {};
}

namespace {

// Takes over the descriptor for the time of a repair.
Result<Repair> repair(int fd) {
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) return Repair::in_use;
  std::array<std::byte, kHeaderSize> start{};
  struct stat status {};
  if (::fstat(fd, &status) != 0) return fail(Errc::io, 0, "a readable file", errno);
  if (!S_ISREG(status.st_mode)) return Repair::foreign;
  const ssize_t got = ::pread(fd, start.data(), start.size(), 0);
  if (got < 0) return fail(Errc::io, 0, "a readable file", errno);
  if (static_cast<std::size_t>(got) < start.size()) return Repair::foreign;
  const auto header = parse_wav_header(start);
  if (!header || !*header) return Repair::foreign;
  const WavHeader& wav = **header;
  const auto size_at = [&start](std::size_t at) {
    std::uint64_t value = 0;
    for (std::size_t i = 4; i > 0; --i)
      value = value << 8 | std::to_integer<std::uint64_t>(start[at + i - 1]);
    return value;
  };
  const std::uint64_t declared = size_at(40);
  // As we write it: 16-bit PCM, 44 bytes, and nothing behind the data.
  const bool ours =
      wav.format == SampleFormat::s16le && wav.data_offset == kHeaderSize && size_at(4) == declared + 36;
  if (!ours) return Repair::foreign;

  const std::uint64_t present = static_cast<std::uint64_t>(status.st_size) - kHeaderSize;
  const std::uint64_t whole = std::min(present - present % wav.frame_bytes(), kLargestData);
  if (declared == present) return Repair::sound;
  if (whole != present && ::ftruncate(fd, static_cast<off_t>(kHeaderSize + whole)) != 0) {
    return fail(Errc::io, kHeaderSize + static_cast<std::size_t>(whole), kRoom, errno);
  }
  const auto mended = make_wav_header(SampleFormat::s16le, wav.rate, wav.channels, whole);
  if (const Written written = write_at(fd, mended, 0); written.reason != 0)
    return fail(Errc::io, 0, kRoom, written.reason);
  return Repair::mended;
}

} // namespace

Result<Repair> repair_wav(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) return fail(Errc::io, 0, "a file that can be opened", errno);
  const auto result = repair(fd);
  ::close(fd);
  return result;
}

RepairReport repair_recordings(const std::filesystem::path& folder) {
  RepairReport report;
  std::vector<std::string> paths;
  std::error_code error;
  for (std::filesystem::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (it->path().extension() == ".wav") paths.push_back(it->path().string());
  }
  std::sort(paths.begin(), paths.end());
  for (const auto& path : paths) {
    const auto result = repair_wav(path);
    if (!result) report.failed.push_back(path);
    if (result && *result == Repair::mended) report.mended.push_back(path);
  }
  return report;
}

} // namespace talky::file
