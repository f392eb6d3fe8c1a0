#include "file/sample_reader.hpp"

#include <algorithm>
#include <utility>

namespace talky::file {

Result<Bytes> SampleReader::read_raw(std::size_t max_bytes) {
  input_.skip(std::exchange(pending_skip_, 0));
  const std::size_t frame = header_.frame_bytes();
  const std::uint64_t left = header_.data_size ? *header_.data_size - taken_ : ~std::uint64_t{0};
  if (left < frame) {
    cut_off_ = static_cast<std::size_t>(left);
    return Bytes{};
  }
  const auto bytes = input_.peek(frame);
  if (!bytes) return bytes;
  if (bytes->size() < frame) {
    cut_off_ = bytes->size();
    if (header_.data_size) missing_ = left - bytes->size();
    return Bytes{};
  }
  std::size_t count = std::min(bytes->size(), std::max(max_bytes, frame));
  if (count > left) count = static_cast<std::size_t>(left);
  count -= count % frame;
  taken_ += count;
  pending_skip_ = count;
  return bytes->first(count);
}

Result<> SampleReader::read(std::size_t max_frames, std::vector<std::int16_t>& out) {
  const auto bytes = read_raw(max_frames * header_.frame_bytes());
  if (!bytes) return tl::unexpected(bytes.error());
  out.resize(bytes->size() / info(header_.format).bytes);
  to_s16(header_.format, *bytes, out);
  return {};
}

} // namespace talky::file
