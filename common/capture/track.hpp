// The samples of a WAV file while they are being laid out: any channel at any place, in any order, as long as
// it lies behind what is already closed. What was never placed is silence. Constant memory: what is closed is
// written. Each channel of each layer lies apart until then, so that laying out is copying.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "file/io.hpp"

namespace talky::capture {

class Track {
 public:
  struct Format {
    std::uint32_t rate = 0;
    std::uint16_t channels = 1; // 1 or 2
    std::size_t layers = 1;     // that are laid out apart and added up when they are written
  };
  // Errors: those of file::Output.
  static Result<Track> create(const std::string& path, file::Output::Mode mode, const Format& format);

  // About how many frames there will be: a large file is made ready for them.
  void expect(std::int64_t frames);
  // Frames from `position` on of one channel of a layer; what lies in the closed part is dropped.
  void place(std::size_t channel, std::int64_t position, std::span<const std::int16_t> samples,
             std::size_t layer = 0);
  // Nothing will be placed before `position` any more. Errors: io.
  Result<> close_until(std::int64_t position) {
    return position - base_ < kBlock ? Result<>{} : write_until(position);
  }
  // Writes the rest, puts the lengths into the header and the file under its name. Errors: io.
  Result<> finish();

  const Format& format() const { return format_; }
  const std::string& path() const { return path_; }

 private:
  static constexpr std::int64_t kBlock = 16'384; // frames that are written at a time
  using Lane = std::vector<std::int16_t>; // from start_ on those that are open; what is missing is silence

  Track(file::Output output, std::string path, const Format& format);
  std::size_t held() const; // frames
  std::int16_t* room(Lane& lane, std::int64_t position, std::size_t samples) const;
  void add_layers(std::size_t frames);
  Result<> write_until(std::int64_t position);
  Result<> write(std::size_t frames);
  void drop(std::size_t frames);

  file::Output output_;
  std::string path_;
  Format format_;
  std::vector<Lane> lanes_; // channel by channel, layer by layer
  std::size_t start_ = 0;
  std::int64_t base_ = 0; // frame at start_
  std::uint64_t data_bytes_ = 0;
};

} // namespace talky::capture
