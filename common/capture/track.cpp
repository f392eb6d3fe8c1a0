#include "capture/track.hpp"

#include <algorithm>
#include <utility>

#include "file/wav.hpp"

namespace talky::capture {

namespace {

constexpr std::uint64_t kMaxWav = 0xffffffffU - 44;       // bytes of samples that the header can tell of
constexpr std::uint64_t kLarge = std::uint64_t{16} << 20; // bytes for which a thread pays
constexpr std::size_t kPart = 8'192; // frames: what is interleaved stays in the first-level cache

// Little-endian, as every machine that this is built for. A frame is one word, which the compiler makes
// vectors of.
void interleave(std::span<const std::int16_t> left, std::span<const std::int16_t> right, std::byte* out) {
  auto* const frames = static_cast<std::uint32_t*>(static_cast<void*>(out));
  for (std::size_t i = 0; i < left.size(); ++i) {
    frames[i] = static_cast<std::uint32_t>(static_cast<std::uint16_t>(left[i])) |
                static_cast<std::uint32_t>(static_cast<std::uint16_t>(right[i])) << 16;
  }
}

} // namespace

Track::Track(file::Output output, std::string path, const Format& format)
    : output_(std::move(output)),
      path_(std::move(path)),
      format_(format),
      lanes_(format.channels * format.layers) {}

Result<Track> Track::create(const std::string& path, file::Output::Mode mode, const Format& format) {
  auto output = file::Output::create(path, mode);
  if (!output) return tl::unexpected(output.error());
  const auto header =
      file::make_wav_header(file::SampleFormat::s16le, format.rate, format.channels, std::nullopt);
  if (const auto written = output->write(header); !written) return tl::unexpected(written.error());
  return Track(std::move(*output), path, format);
}

void Track::expect(std::int64_t frames) {
  if (frames <= 0) return;
  const std::uint64_t bytes = static_cast<std::uint64_t>(frames) * format_.channels * sizeof(std::int16_t);
  output_.expect(bytes);
  if (bytes >= kLarge) output_.write_behind();
}

std::size_t Track::held() const {
  std::size_t longest = start_;
  for (const Lane& lane : lanes_)
    longest = std::max(longest, lane.size());
  return longest - start_;
}

// Where so many samples from `position` on lie; `position` is not closed.
std::int16_t* Track::room(Lane& lane, std::int64_t position, std::size_t samples) const {
  const std::size_t at = start_ + static_cast<std::size_t>(position - base_);
  if (lane.size() < at + samples) lane.resize(at + samples);
  return lane.data() + at;
}

void Track::place(std::size_t channel, std::int64_t position, std::span<const std::int16_t> samples,
                  std::size_t layer) {
  if (position < base_) {
    const auto gone = std::min<std::size_t>(samples.size(), static_cast<std::size_t>(base_ - position));
    samples = samples.subspan(gone);
    position = base_;
  }
  if (samples.empty()) return;
  std::copy(samples.begin(), samples.end(),
            room(lanes_[layer * format_.channels + channel], position, samples.size()));
}

// To the next frames that are to be written: those of the first layer become the sum.
void Track::add_layers(std::size_t frames) {
  for (std::size_t i = format_.channels; i < lanes_.size(); ++i) {
    const Lane& more = lanes_[i];
    const std::size_t end = std::min(more.size(), start_ + frames);
    if (end <= start_) continue;
    std::int16_t* const sum = room(lanes_[i % format_.channels], base_, end - start_);
    for (std::size_t k = 0; k < end - start_; ++k)
      sum[k] = static_cast<std::int16_t>(std::clamp(sum[k] + more[start_ + k], -32768, 32767));
  }
}

Result<> Track::write_until(std::int64_t position) {
  // What is open and before `position`, then silence if that was not all of it: a pause can be long.
  while (base_ < position) {
    const auto wanted = static_cast<std::size_t>(std::min(position - base_, 4 * kBlock));
    if (const auto written = write(wanted); !written) return written;
  }
  return {};
}

Result<> Track::write(std::size_t frames) {
  add_layers(frames);
  for (std::size_t channel = 0; channel < format_.channels; ++channel)
    room(lanes_[channel], base_, frames);
  const auto open = [this](std::size_t channel) {
    return std::span<const std::int16_t>(lanes_[channel]).subspan(start_);
  };
  if (format_.channels == 1) {
    if (const auto written = output_.write(std::as_bytes(open(0).first(frames))); !written) return written;
  } else {
    for (std::size_t at = 0; at < frames; at += kPart) {
      const std::size_t part = std::min(kPart, frames - at);
      const auto out = output_.reserve(part * 2 * sizeof(std::int16_t));
      if (!out) return tl::unexpected(out.error());
      interleave(open(0).subspan(at, part), open(1).subspan(at, part), *out);
      output_.commit(part * 2 * sizeof(std::int16_t));
    }
  }
  data_bytes_ += frames * format_.channels * sizeof(std::int16_t);
  base_ += static_cast<std::int64_t>(frames);
  drop(frames);
  return {};
}

// Moves what stays to the front once that is the smaller part.
void Track::drop(std::size_t frames) {
  start_ += frames;
  if (held() > start_) return;
  for (Lane& lane : lanes_)
    lane.erase(lane.begin(), lane.begin() + static_cast<std::ptrdiff_t>(std::min(start_, lane.size())));
  start_ = 0;
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

} // namespace talky::capture
