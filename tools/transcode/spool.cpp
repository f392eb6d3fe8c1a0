#include "spool.hpp"

#include <algorithm>

#include "byte_source.hpp"
#include "cut.hpp"

namespace talky::transcode {

namespace {

constexpr std::size_t kBlockFrames = 16384;

template <class Sample>
void fill(Source& source, file::TemporaryFile& file) {
  std::vector<Sample> block;
  for (;;) {
    check_interrupt();
    source.read(kBlockFrames, block);
    if (block.empty()) return;
    cli::check_temporary(file.append(std::as_bytes(std::span(block))));
  }
}

class Reader final : public ByteSource {
 public:
  Reader(const file::TemporaryFile& file, audio::Format format, bool wide, std::string described,
         std::vector<std::string> remarks, bool damaged)
      : ByteSource("", wide ? file::SampleFormat::f32le : file::SampleFormat::s16le),
        file_(file),
        format_(format),
        described_(std::move(described)),
        remarks_(std::move(remarks)),
        damaged_(damaged) {}

  audio::Format format() const override { return format_; }
  std::string describe() const override { return described_; }
  std::vector<std::string> remarks() const override { return remarks_; }
  bool damaged() const override { return damaged_; }
  Bytes read_raw(std::size_t max_frames) override {
    bytes_.resize(std::min(max_frames, kBlockFrames) * format_.channels * file::info(*samples()).bytes);
    const std::size_t got = cli::check_temporary(file_.read(at_, bytes_));
    at_ += got;
    return Bytes(bytes_).first(got);
  }

 private:
  const file::TemporaryFile& file_;
  audio::Format format_;
  std::string described_;
  std::vector<std::string> remarks_;
  bool damaged_;
  std::vector<std::byte> bytes_;
  std::uint64_t at_ = 0;
};

} // namespace

Spool::Spool(Source& source, bool wide)
    : format_(source.format()), wide_(wide), described_(source.describe()) {
  if (wide) {
    fill<float>(source, file_);
  } else {
    fill<std::int16_t>(source, file_);
  }
  remarks_ = source.remarks();
  damaged_ = source.damaged();
}

std::unique_ptr<Source> Spool::reader() const {
  return std::make_unique<Reader>(file_, format_, wide_, described_, remarks_, damaged_);
}

} // namespace talky::transcode
