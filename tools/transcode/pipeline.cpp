#include "pipeline.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <type_traits>

#include "audio/level.hpp"
#include "audio/resampler.hpp"
#include "cli/failure.hpp"
#include "cut.hpp"

namespace talky::transcode {

namespace {

// Any number of channels at once, without delay in the result.
template <class Sample>
class RateChanger {
 public:
  virtual ~RateChanger() = default;
  virtual void process(std::span<const Sample> in, std::vector<Sample>& out) = 0; // appends
  virtual void flush(std::vector<Sample>& out) = 0;
};

template <class Sample>
class WholeFile final : public RateChanger<Sample> {
 public:
  WholeFile(std::uint32_t from, std::uint32_t to, std::uint16_t channels, file::Quality quality)
      : engine_(create(from, to, channels, quality)) {}
  void process(std::span<const Sample> in, std::vector<Sample>& out) override {
    check(engine_.process(in, out));
  }
  void flush(std::vector<Sample>& out) override { check(engine_.flush(out)); }

 private:
  static file::Resampler<Sample> create(std::uint32_t from, std::uint32_t to, std::uint16_t channels,
                                        file::Quality quality) {
    auto made = file::Resampler<Sample>::create(from, to, channels, quality);
    if (!made) cli::fail_usage(fmt::format("{} Hz cannot be converted to {} Hz", from, to));
    return std::move(*made);
  }
  static void check(const Result<>& done) {
    if (!done) throw cli::Failure(cli::ExitCode::software, done.error().what);
  }
  file::Resampler<Sample> engine_;
};

// talky's own, one a channel; its run-in is dropped.
class Live final : public RateChanger<std::int16_t> {
 public:
  Live(std::uint32_t from, std::uint32_t to, std::uint16_t channels)
      : planes_(channels), converted_(channels) {
    for (std::uint16_t c = 0; c < channels; ++c) {
      auto made = audio::Resampler::create(from, to);
      if (!made) cli::fail_usage(fmt::format("{} Hz cannot be converted to {} Hz", from, to));
      engines_.push_back(std::move(*made));
    }
    run_in_ = engines_.front().delay();
  }

  void process(std::span<const std::int16_t> in, std::vector<std::int16_t>& out) override {
    const std::size_t channels = engines_.size();
    if (channels == 1) {
      const std::size_t start = out.size();
      engines_[0].process(in, out);
      drop_run_in(out, start);
      return;
    }
    for (std::size_t c = 0; c < channels; ++c) {
      planes_[c].resize(in.size() / channels);
      for (std::size_t i = 0; i < planes_[c].size(); ++i)
        planes_[c][i] = in[i * channels + c];
      converted_[c].clear();
      engines_[c].process(planes_[c], converted_[c]);
    }
    interleave(out);
  }

  void flush(std::vector<std::int16_t>& out) override {
    if (engines_.size() == 1) {
      const std::size_t start = out.size();
      engines_[0].flush(out);
      drop_run_in(out, start);
      return;
    }
    for (std::size_t c = 0; c < engines_.size(); ++c) {
      converted_[c].clear();
      engines_[c].flush(converted_[c]);
    }
    interleave(out);
  }

 private:
  void interleave(std::vector<std::int16_t>& out) {
    const std::size_t channels = engines_.size();
    const std::size_t start = out.size();
    out.resize(start + converted_[0].size() * channels);
    for (std::size_t c = 0; c < channels; ++c) {
      for (std::size_t i = 0; i < converted_[c].size(); ++i)
        out[start + i * channels + c] = converted_[c][i];
    }
    drop_run_in(out, start);
  }
  void drop_run_in(std::vector<std::int16_t>& out, std::size_t start) {
    const std::size_t frames = std::min(run_in_, (out.size() - start) / engines_.size());
    run_in_ -= frames;
    const auto from = out.begin() + static_cast<std::ptrdiff_t>(start);
    out.erase(from, from + static_cast<std::ptrdiff_t>(frames * engines_.size()));
  }

  std::vector<audio::Resampler> engines_;
  std::vector<std::vector<std::int16_t>> planes_, converted_;
  std::size_t run_in_ = 0; // frames that are still to be dropped
};

bool is_octave(std::uint32_t a, std::uint32_t b) {
  const auto small = std::min(a, b);
  const auto large = std::max(a, b);
  return large == 2 * small || large == 4 * small || large == 8 * small;
}

template <class Sample>
std::unique_ptr<RateChanger<Sample>> make_rate_changer(std::uint32_t from, audio::Format to,
                                                       const Processing& p) {
  using Resampling = Processing::Resampling;
  if (from == to.rate) return nullptr;
  if constexpr (std::is_same_v<Sample, std::int16_t>) {
    const bool own = is_octave(from, to.rate) && audio::Resampler::create(from, to.rate).has_value();
    if (p.resampling == Resampling::live || (p.resampling == Resampling::automatic && own)) {
      return std::make_unique<Live>(from, to.rate, to.channels);
    }
  }
  return std::make_unique<WholeFile<Sample>>(from, to.rate, to.channels, p.quality);
}

float mean(float sum, std::size_t channels) {
  return sum / static_cast<float>(channels);
}
std::int16_t mean(int sum, std::size_t channels) { // rounded to nearest
  const int n = static_cast<int>(channels);
  return static_cast<std::int16_t>((sum >= 0 ? sum + n / 2 : sum - n / 2) / n);
}

// In place: from `channels` to what the processing wants.
template <class Sample>
void choose_channels(std::vector<Sample>& block, std::size_t channels, std::size_t wanted,
                     const Processing& p) {
  using Sum = std::conditional_t<std::is_same_v<Sample, float>, float, int>;
  const std::size_t frames = block.size() / channels;
  if (p.pick) {
    for (std::size_t i = 0; i < frames; ++i)
      block[i] = block[i * channels + *p.pick];
    block.resize(frames);
    channels = 1;
  }
  if (wanted == channels) return;
  if (wanted == 1) {
    for (std::size_t i = 0; i < frames; ++i) {
      Sum sum{};
      for (std::size_t c = 0; c < channels; ++c)
        sum += block[i * channels + c];
      block[i] = mean(sum, channels);
    }
    block.resize(frames);
    return;
  }
  std::vector<Sample> wide(frames * wanted);
  for (std::size_t i = 0; i < frames; ++i)
    std::fill_n(wide.begin() + static_cast<std::ptrdiff_t>(i * wanted), wanted, block[i]);
  block.swap(wide);
}

// A constant factor; what goes beyond full scale is clipped, if it has to fit into s16, and counted in any
// case.
class Amplifier {
 public:
  explicit Amplifier(double db) : factor_(static_cast<float>(audio::from_dbfs(db))), active_(db != 0) {}

  bool attenuates() const { return active_ && factor_ < 1; }
  bool amplifies() const { return active_ && factor_ >= 1; }
  std::uint64_t clipped() const { return clipped_; }
  double loudest() const { return static_cast<double>(loudest_); }

  void operator()(std::span<std::int16_t> pcm) {
    std::uint32_t clipped = 0;
    float loudest = 0;
    for (std::int16_t& sample : pcm) {
      const float x = static_cast<float>(sample) * factor_;
      const float magnitude = x < 0 ? -x : x;
      loudest = magnitude > loudest ? magnitude : loudest;
      clipped += x >= 32767.5F || x < -32768.5F ? 1U : 0U;
      const float inside = x < -32768.0F ? -32768.0F : x > 32767.0F ? 32767.0F : x;
      sample = static_cast<std::int16_t>(inside + (inside < 0 ? -0.5F : 0.5F));
    }
    clipped_ += clipped;
    loudest_ = std::max(loudest_, loudest / 32768.0F);
  }
  void operator()(std::span<float> pcm) {
    for (float& sample : pcm) {
      sample *= factor_;
      const float magnitude = std::abs(sample);
      loudest_ = std::max(loudest_, magnitude);
      clipped_ += magnitude > 1.0F ? 1U : 0U;
    }
  }

 private:
  float factor_;
  bool active_;
  std::uint64_t clipped_ = 0;
  float loudest_ = 0;
};

template <class Sample>
class Pipeline {
 public:
  Pipeline(Source& source, std::vector<Sink*> sinks, const Processing& processing,
           std::span<Listener* const> listeners)
      : source_(source),
        sinks_(std::move(sinks)),
        listeners_(listeners),
        processing_(processing),
        from_(source.format()),
        to_(output_format(source, processing)),
        amplify_(processing.gain_db),
        rate_changer_(make_rate_changer<Sample>(from_.rate, to_, processing)) {
    if (processing.trim)
      trimmer_.emplace(to_, *processing.trim, std::is_same_v<Sample, float> ? 1.0 : 32768.0);
  }

  Outcome run(bool live) {
    Cut cut(processing_, from_.rate);
    while (!cut.ended()) {
      check_interrupt();
      source_.read(cut.want(), block_);
      if (block_.empty()) break;
      const std::size_t frames = block_.size() / from_.channels;
      if (!cut.take(frames)) continue;
      outcome_.frames_in += frames;
      if (processing_.pick || to_.channels != from_.channels) {
        choose_channels(block_, from_.channels, to_.channels, processing_);
      }
      if (amplify_.attenuates()) amplify_(std::span(block_));
      if (rate_changer_) {
        converted_.clear();
        rate_changer_->process(block_, converted_);
        deliver(converted_);
      } else {
        deliver(block_);
      }
      if (live) flush();
    }
    if (rate_changer_ && outcome_.frames_in > 0) {
      converted_.clear();
      rate_changer_->flush(converted_);
      deliver(converted_);
    }
    if (trimmer_) {
      trimmer_->flush([this](std::span<const Sample> pcm) { pass_on(pcm); });
      outcome_.all_silence = !trimmer_->found_sound();
    }
    outcome_.clipped = amplify_.clipped();
    outcome_.loudest = amplify_.loudest();
    return outcome_;
  }

 private:
  void deliver(std::span<Sample> pcm) {
    if (!trimmer_) return pass_on(pcm);
    trimmer_->process(pcm, [this](std::span<const Sample> kept) { pass_on(kept); });
  }
  void pass_on(std::span<const Sample> kept) {
    amplified_.assign(kept.begin(), kept.end());
    pass_on(std::span(amplified_));
  }
  void pass_on(std::span<Sample> pcm) {
    if (amplify_.amplifies()) amplify_(pcm);
    outcome_.frames_out += pcm.size() / to_.channels;
    if (sinks_.size() == 1) sinks_[0]->write(pcm);
    if (sinks_.size() < 2 && listeners_.empty()) return;
    for (std::size_t c = 0; c < to_.channels; ++c) {
      std::span<const Sample> plane = pcm;
      if (to_.channels > 1) {
        plane_.resize(pcm.size() / to_.channels);
        for (std::size_t i = 0; i < plane_.size(); ++i)
          plane_[i] = pcm[i * to_.channels + c];
        plane = plane_;
      }
      for (Listener* listener : listeners_)
        listener->hear(c, plane);
      if (sinks_.size() > 1) sinks_[c]->write(plane);
    }
  }
  void flush() {
    for (Sink* sink : sinks_)
      sink->flush();
  }

  Source& source_;
  std::vector<Sink*> sinks_;
  std::span<Listener* const> listeners_;
  const Processing& processing_;
  audio::Format from_, to_;
  Amplifier amplify_;
  std::unique_ptr<RateChanger<Sample>> rate_changer_;
  std::optional<Trimmer<Sample>> trimmer_;
  std::vector<Sample> block_, converted_, amplified_, plane_;
  Outcome outcome_;
};

} // namespace

audio::Format output_format(const Source& source, const Processing& processing) {
  audio::Format format = source.format();
  if (processing.pick) {
    if (*processing.pick >= format.channels) {
      throw cli::Failure(cli::ExitCode::data, fmt::format("there is no channel {}: the input has {}",
                                                          *processing.pick + 1, format.channels));
    }
    format.channels = 1;
  }
  if (processing.channels && *processing.channels != format.channels) {
    if (*processing.channels != 1 && format.channels != 1) {
      cli::fail_usage(fmt::format("{} channels cannot be made of {}: -c 1 mixes, --channel picks",
                                  *processing.channels, format.channels));
    }
    format.channels = *processing.channels;
  }
  if (processing.rate) format.rate = *processing.rate;
  return format;
}

Outcome run(Source& source, std::vector<Sink*> sinks, const Processing& processing, bool wide, bool live,
            std::span<Listener* const> listeners) {
  if (wide) return Pipeline<float>(source, std::move(sinks), processing, listeners).run(live);
  return Pipeline<std::int16_t>(source, std::move(sinks), processing, listeners).run(live);
}

} // namespace talky::transcode
