#include "track.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "file/wav.hpp"

namespace talky::rtpdump {

namespace {

constexpr std::int64_t kBlock = 16'384;                   // frames that are written at a time
constexpr std::uint64_t kMaxWav = 0xffffffffU - 44;       // bytes of samples that the header can tell of
constexpr std::uint64_t kLarge = std::uint64_t{16} << 20; // bytes for which a thread pays
constexpr std::size_t kSilence = 65'536;                  // samples

} // namespace

Track::Track(file::Output output, std::string path, const Format& format)
    : output_(std::move(output)), path_(std::move(path)), format_(format), more_(format.layers - 1) {}

Result<Track> Track::create(const std::string& path, file::Output::Mode mode, const Format& format) {
  auto output = file::Output::create(path, mode);
  if (!output) return tl::unexpected(output.error());
  const auto header =
      file::make_wav_header(file::SampleFormat::s16le, format.rate, format.channels, std::nullopt);
  if (const auto written = output->write(header); !written) return tl::unexpected(written.error());
  return Track(std::move(*output), path, format);
}

// Where `frames` frames from `position` on lie; `position` is not closed.
std::int16_t* Track::room(std::int64_t position, std::size_t frames, std::size_t layer) {
  const std::size_t at = start_ + static_cast<std::size_t>(position - base_) * format_.channels;
  const std::size_t end = at + frames * format_.channels;
  if (samples_.size() < end) samples_.resize(end);
  if (layer == 0) return samples_.data() + at;
  auto& samples = more_[layer - 1];
  if (samples.size() < end) samples.resize(end);
  return samples.data() + at;
}

// To the next samples that are to be written.
void Track::add_layers(std::size_t count) {
  for (auto& layer : more_) {
    const std::size_t end = std::min(layer.size(), start_ + count);
    for (std::size_t i = start_; i < end; ++i)
      samples_[i] = static_cast<std::int16_t>(std::clamp(samples_[i] + layer[i], -32768, 32767));
  }
}

void Track::place(std::size_t channel, std::int64_t position, std::span<const std::int16_t> samples,
                  std::size_t layer) {
  if (position < base_) {
    const auto gone = std::min<std::size_t>(samples.size(), static_cast<std::size_t>(base_ - position));
    late_ += gone;
    samples = samples.subspan(gone);
    position = base_;
  }
  if (samples.empty()) return;
  std::int16_t* out = room(position, samples.size(), layer);
  if (format_.channels == 1) {
    std::copy(samples.begin(), samples.end(), out);
    return;
  }
  // Half of each frame is replaced, by whole frames at a time, which the compiler makes vectors of.
  const unsigned shift = channel == 0 ? 0 : 16;
  const std::uint32_t others = channel == 0 ? 0xffff0000U : 0xffffU;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    std::uint32_t frame;
    std::memcpy(&frame, out + 2 * i, sizeof frame);
    frame = (frame & others) | static_cast<std::uint32_t>(static_cast<std::uint16_t>(samples[i])) << shift;
    std::memcpy(out + 2 * i, &frame, sizeof frame);
  }
}

void Track::expect(std::int64_t frames) {
  if (frames <= 0) return;
  const std::uint64_t bytes = static_cast<std::uint64_t>(frames) * format_.channels * sizeof(std::int16_t);
  output_.expect(bytes);
  if (bytes >= kLarge) output_.write_behind();
}

void Track::place_frames(std::int64_t position, std::span<const std::int16_t> samples) {
  const std::size_t frames = samples.size() / format_.channels;
  std::size_t gone = 0;
  if (position < base_) gone = std::min<std::size_t>(frames, static_cast<std::size_t>(base_ - position));
  late_ += gone;
  if (gone == frames) return;
  samples = samples.subspan(gone * format_.channels);
  std::int16_t* out = room(position + static_cast<std::int64_t>(gone), frames - gone);
  std::copy(samples.begin(), samples.end(), out);
}

Result<> Track::close_until(std::int64_t position) {
  if (position - base_ < kBlock) return {};
  // What is open and before `position`, then silence if that was not all of it.
  const auto wanted = static_cast<std::size_t>(position - base_) * format_.channels;
  const std::size_t there = std::min(wanted, held());
  if (const auto written = write(there); !written) return written;
  if (there == wanted) return {};
  samples_.assign(kSilence, 0);
  start_ = 0;
  for (std::size_t left = wanted - there; left > 0;) {
    const std::size_t count = std::min(left, kSilence);
    const auto bytes = std::as_bytes(std::span(samples_).first(count));
    if (const auto written = output_.write(bytes); !written) return written;
    data_bytes_ += bytes.size();
    left -= count;
  }
  samples_.clear();
  for (auto& layer : more_)
    layer.clear();
  base_ = position;
  return {};
}

// Little-endian, as every machine that this is built for.
Result<> Track::write(std::size_t count) {
  add_layers(count);
  const auto bytes = std::as_bytes(std::span(samples_).subspan(start_, count));
  if (const auto written = output_.write(bytes); !written) return written;
  data_bytes_ += bytes.size();
  start_ += count;
  base_ += static_cast<std::int64_t>(count / format_.channels);
  if (start_ > samples_.size() / 2) {
    samples_.erase(samples_.begin(), samples_.begin() + static_cast<std::ptrdiff_t>(start_));
    for (auto& layer : more_)
      layer.erase(layer.begin(), layer.begin() + static_cast<std::ptrdiff_t>(std::min(start_, layer.size())));
    start_ = 0;
  }
  return {};
}

Result<> Track::finish() {
  if (const auto written = write(held()); !written) return written;
  if (data_bytes_ <= kMaxWav && output_.patchable()) {
    const auto header =
        file::make_wav_header(file::SampleFormat::s16le, format_.rate, format_.channels, data_bytes_);
    if (const auto patched = output_.patch(0, header); !patched) return patched;
  }
  return output_.close();
}

} // namespace talky::rtpdump
