#include "spool.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "cut.hpp"

namespace talky::transcode {

namespace {

constexpr std::size_t block_frames = 16384;

[[noreturn]] void fail_spool() {
  const char* reason = ::strerrordesc_np(errno);
  throw cli::Failure(cli::ExitCode::io, fmt::format("the temporary file for the second pass: {}",
                                                    reason != nullptr ? reason : "cannot be used"));
}

void append(int fd, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail_spool();
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
}

template <class Sample>
void fill(Source& source, int fd) {
  std::vector<Sample> block;
  for (;;) {
    check_interrupt();
    source.read(block_frames, block);
    if (block.empty()) return;
    append(fd, std::as_bytes(std::span(block)));
  }
}

class Reader final : public Source {
 public:
  Reader(int fd, audio::Format format, bool wide, bool source_wide, std::string described, std::string remark)
      : fd_(fd),
        format_(format),
        stored_(wide ? file::SampleFormat::f32le : file::SampleFormat::s16le),
        wide_(source_wide),
        described_(std::move(described)),
        remark_(std::move(remark)) {}

  audio::Format format() const override { return format_; }
  bool wide() const override { return wide_; }
  std::string describe() const override { return described_; }
  std::string remark() const override { return remark_; }
  void read(std::size_t max_frames, std::vector<std::int16_t>& out) override {
    const auto bytes = next(max_frames);
    out.resize(bytes.size() / file::info(stored_).bytes);
    file::to_s16(stored_, bytes, out);
  }
  void read(std::size_t max_frames, std::vector<float>& out) override {
    const auto bytes = next(max_frames);
    out.resize(bytes.size() / file::info(stored_).bytes);
    file::to_float(stored_, bytes, out);
  }

 private:
  Bytes next(std::size_t max_frames) {
    bytes_.resize(std::min(max_frames, block_frames) * format_.channels * file::info(stored_).bytes);
    std::size_t got = 0;
    while (got < bytes_.size()) {
      const ssize_t count = ::pread(fd_, bytes_.data() + got, bytes_.size() - got, static_cast<off_t>(at_));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) fail_spool();
      if (count == 0) break;
      got += static_cast<std::size_t>(count);
      at_ += static_cast<std::uint64_t>(count);
    }
    return Bytes(bytes_).first(got);
  }

  int fd_;
  audio::Format format_;
  file::SampleFormat stored_;
  bool wide_;
  std::string described_, remark_;
  std::vector<std::byte> bytes_;
  std::uint64_t at_ = 0;
};

} // namespace

Spool::Spool(Source& source, bool wide)
    : format_(source.format()), wide_(wide), source_wide_(source.wide()), described_(source.describe()) {
  const char* folder = std::getenv("TMPDIR");
  std::string name =
      fmt::format("{}/talky-transcode.XXXXXX", folder != nullptr && *folder != '\0' ? folder : "/tmp");
  fd_ = ::mkostemp(name.data(), 0);
  if (fd_ < 0) fail_spool();
  ::unlink(name.c_str());
  if (wide) {
    fill<float>(source, fd_);
  } else {
    fill<std::int16_t>(source, fd_);
  }
  remark_ = source.remark();
}

Spool::~Spool() {
  if (fd_ >= 0) ::close(fd_);
}

std::unique_ptr<Source> Spool::reader() const {
  return std::make_unique<Reader>(fd_, format_, wide_, source_wide_, described_, remark_);
}

} // namespace talky::transcode
