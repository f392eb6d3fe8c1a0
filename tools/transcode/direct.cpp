#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "audio/half_rate.hpp"
#include "cut.hpp"
#include "pipeline.hpp"

namespace talky::transcode {

namespace {

using file::SampleFormat;

// Samples of one block: in s16 they fill half a second-level cache, which the kernel copies from and to.
constexpr std::size_t kBlockSamples = 131'072;
// Samples that are between decoding and the filter, or between it and encoding: they stay in the first-level
// cache.
constexpr std::size_t kPartSamples = 16384;

bool is_aligned(const std::byte* at) {
  return std::bit_cast<std::uintptr_t>(at) % alignof(std::int16_t) == 0;
}

std::span<const std::int16_t> as_s16(Bytes bytes) {
  return {static_cast<const std::int16_t*>(static_cast<const void*>(bytes.data())), bytes.size() / 2};
}
std::span<std::int16_t> as_s16(std::span<std::byte> bytes) {
  return {static_cast<std::int16_t*>(static_cast<void*>(bytes.data())), bytes.size() / 2};
}

class Direct {
 public:
  Direct(Source& source, Sink& sink)
      : sink_(sink),
        from_(*source.samples()),
        to_(*sink.samples()),
        width_in_(file::info(from_).bytes),
        width_out_(file::info(to_).bytes) {}

  // One format to another.
  void convert(Bytes in) {
    const std::size_t samples = in.size() / width_in_;
    const auto out = sink_.room(samples * width_out_);
    if (from_ == to_) {
      std::memcpy(out.data(), in.data(), in.size());
    } else if (to_ == SampleFormat::s16le && is_aligned(out.data())) {
      file::to_s16(from_, in, as_s16(out));
    } else if (from_ == SampleFormat::s16le && is_aligned(in.data())) {
      file::from_s16(to_, as_s16(in), out);
    } else {
      for (std::size_t at = 0; at < samples; at += kPartSamples) {
        const auto part = std::span(decoded_).first(std::min(kPartSamples, samples - at));
        file::to_s16(from_, in.subspan(at * width_in_, part.size() * width_in_), part);
        file::from_s16(to_, part, out.subspan(at * width_out_, part.size() * width_out_));
      }
    }
    sink_.commit(out.size());
    written_ += samples;
  }

  // Through talky's own filter, whose run-in is dropped.
  template <class Filter>
  void filter(Filter& filter, Bytes in) {
    const std::size_t samples = in.size() / width_in_;
    for (std::size_t at = 0; at < samples; at += kPartSamples) {
      const auto part = std::span(decoded_).first(std::min(kPartSamples, samples - at));
      file::to_s16(from_, in.subspan(at * width_in_, part.size() * width_in_), part);
      filter_part(filter, part);
    }
  }
  // The end of `taken` samples: what is still inside.
  template <class Filter>
  void finish(Filter& filter, std::uint64_t taken, double ratio) {
    const auto total = static_cast<std::uint64_t>(std::ceil(static_cast<double>(taken) * ratio));
    const std::array<std::int16_t, 2 * audio::Upsampler2::kDelay> silence{};
    limit_ = total;
    while (written_ < total)
      filter_part(filter, silence);
  }

  std::uint64_t written() const { return written_; }

 private:
  template <class Filter>
  void filter_part(Filter& filter, std::span<const std::int16_t> in) {
    const std::size_t most = 2 * in.size();
    const bool settled = dropped_ == Filter::kDelay && limit_ == ~std::uint64_t{0};
    if (settled && to_ == SampleFormat::s16le) {
      const auto room = sink_.room(most * 2);
      if (is_aligned(room.data())) {
        const std::size_t made = run(filter, in, as_s16(room).data());
        sink_.commit(made * 2);
        written_ += made;
        return;
      }
    }
    const std::size_t made = run(filter, in, filtered_.data());
    const std::size_t run_in = std::min(Filter::kDelay - dropped_, made);
    dropped_ += run_in;
    const auto rest = std::span<const std::int16_t>(filtered_).subspan(run_in, made - run_in);
    const auto kept =
        rest.first(static_cast<std::size_t>(std::min<std::uint64_t>(rest.size(), limit_ - written_)));
    const auto out = sink_.room(kept.size() * width_out_);
    file::from_s16(to_, kept, out);
    sink_.commit(out.size());
    written_ += kept.size();
  }
  static std::size_t run(audio::Upsampler2& up, std::span<const std::int16_t> in, std::int16_t* out) {
    up.process(in, out);
    return 2 * in.size();
  }
  static std::size_t run(audio::Downsampler2& down, std::span<const std::int16_t> in, std::int16_t* out) {
    return down.process(in, out);
  }

  Sink& sink_;
  SampleFormat from_, to_;
  std::size_t width_in_, width_out_;
  std::size_t dropped_ = 0;
  std::uint64_t written_ = 0;
  std::uint64_t limit_ = ~std::uint64_t{0};
  std::array<std::int16_t, kPartSamples> decoded_;
  std::array<std::int16_t, 2 * kPartSamples> filtered_;
};

} // namespace

bool is_direct(const Source& source, const Sink& sink, const Processing& p, bool wide) {
  const audio::Format from = source.format();
  const audio::Format to = output_format(source, p);
  if (!source.samples() || !sink.samples() || p.pick || p.gain_db != 0 || p.trim) return false;
  if (from == to) return !wide || source.samples() == sink.samples();
  if (wide || from.channels != 1 || to.channels != 1 || p.resampling == Processing::Resampling::file)
    return false;
  // As audio::Resampler::create() has it.
  const std::uint32_t low = std::min(from.rate, to.rate);
  return low >= 1000 && std::max(from.rate, to.rate) == 2 * low && low <= 192000;
}

Outcome run_direct(Source& source, Sink& sink, const Processing& processing, bool live) {
  Outcome outcome;
  const audio::Format from = source.format();
  const std::uint32_t to_rate = output_format(source, processing).rate;
  const std::size_t frame = std::size_t{file::info(*source.samples()).bytes} * from.channels;
  Direct direct(source, sink);
  audio::Upsampler2 up;
  audio::Downsampler2 down;
  Cut cut(processing, from.rate, kBlockSamples / from.channels);
  // A filter and the kernel's copy take about the same time, so each has a processor. Not for a short file,
  // which would wait for the thread to come up.
  std::uint64_t long_enough = to_rate == from.rate ? ~std::uint64_t{0} : 1'000'000;
  while (!cut.ended()) {
    check_interrupt();
    const Bytes bytes = source.read_raw(cut.want());
    if (bytes.empty()) break;
    if (!cut.take(bytes.size() / frame)) continue;
    outcome.frames_in += bytes.size() / frame;
    if (outcome.frames_in > long_enough && !live) {
      sink.write_behind();
      long_enough = ~std::uint64_t{0};
    }
    if (to_rate == from.rate) {
      direct.convert(bytes);
    } else if (to_rate > from.rate) {
      direct.filter(up, bytes);
    } else {
      direct.filter(down, bytes);
    }
    if (live) sink.flush();
  }
  if (to_rate > from.rate) direct.finish(up, outcome.frames_in, 2.0);
  if (to_rate < from.rate) direct.finish(down, outcome.frames_in, 0.5);
  outcome.frames_out = direct.written() / from.channels;
  return outcome;
}

} // namespace talky::transcode
