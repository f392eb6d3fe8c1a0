#include "audio/resampler.hpp"

#include <speex/speex_resampler.h>

#include <algorithm>
#include <array>
#include <utility>
#include <variant>

#include "audio/half_rate.hpp"

namespace talky::audio {

namespace {

constexpr int kSpeexQuality = 7;

struct FreeSpeex {
  void operator()(SpeexResamplerState* state) const { speex_resampler_destroy(state); }
};
using Speex = std::unique_ptr<SpeexResamplerState, FreeSpeex>;

struct Copy {};
using Up = std::vector<Upsampler2>; // one after the other
using Down = std::vector<Downsampler2>;

// How often the smaller rate must be doubled to give the larger one; 0 if it cannot be in three times.
std::size_t doublings(std::uint32_t small, std::uint32_t large) {
  for (std::size_t n = 1; n <= 3; ++n) {
    if (small << n == large) return n;
  }
  return 0;
}

} // namespace

struct Resampler::Impl {
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  std::variant<Copy, Up, Down, Speex> engine;
  std::array<std::vector<std::int16_t>, 2> between; // scratch of the stages
  std::uint64_t taken = 0, given = 0;               // since the start of the stream

  template <class Stages>
  void run(Stages& stages, std::span<const std::int16_t> in, std::vector<std::int16_t>& out) {
    for (std::size_t i = 0; i + 1 < stages.size(); ++i) {
      auto& next = between[i % 2];
      next.clear();
      stages[i].process(in, next);
      in = next;
    }
    stages.back().process(in, out);
  }

  void run(Speex& speex, std::span<const std::int16_t> in, std::vector<std::int16_t>& out) {
    while (!in.empty()) {
      const auto part = in.first(std::min<std::size_t>(in.size(), 4096));
      const std::size_t start = out.size();
      out.resize(start + static_cast<std::size_t>(std::uint64_t{part.size()} * to / from) + 16);
      auto used = static_cast<spx_uint32_t>(part.size());
      auto made = static_cast<spx_uint32_t>(out.size() - start);
      speex_resampler_process_int(speex.get(), 0, part.data(), &used, out.data() + start, &made);
      out.resize(start + made);
      in = in.subspan(used);
    }
  }
  void run(Copy&, std::span<const std::int16_t> in, std::vector<std::int16_t>& out) {
    out.insert(out.end(), in.begin(), in.end());
  }

  void process(std::span<const std::int16_t> in, std::vector<std::int16_t>& out) {
    const std::size_t before = out.size();
    std::visit([&](auto& e) { run(e, in, out); }, engine);
    taken += in.size();
    given += out.size() - before;
  }

  std::size_t delay() const {
    std::size_t samples = 0;
    if (const auto* up = std::get_if<Up>(&engine)) {
      for (std::size_t i = 0; i < up->size(); ++i)
        samples = 2 * samples + Upsampler2::kDelay;
    } else if (const auto* down = std::get_if<Down>(&engine)) {
      for (std::size_t i = 0; i < down->size(); ++i)
        samples = samples / 2 + Downsampler2::kDelay;
    } else if (const auto* speex = std::get_if<Speex>(&engine)) {
      samples = static_cast<std::size_t>(speex_resampler_get_output_latency(speex->get()));
    }
    return samples;
  }

  void reset() {
    if (auto* up = std::get_if<Up>(&engine)) {
      std::fill(up->begin(), up->end(), Upsampler2());
    } else if (auto* down = std::get_if<Down>(&engine)) {
      std::fill(down->begin(), down->end(), Downsampler2());
    } else if (auto* speex = std::get_if<Speex>(&engine)) {
      speex_resampler_reset_mem(speex->get());
    }
    taken = given = 0;
  }
};

Resampler::Resampler(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Resampler::Resampler(Resampler&&) noexcept = default;
Resampler& Resampler::operator=(Resampler&&) noexcept = default;
Resampler::~Resampler() = default;

Result<Resampler> Resampler::create(std::uint32_t from, std::uint32_t to) {
  if (std::min(from, to) < kMinRate || std::max(from, to) > kMaxRate) {
    return fail(Errc::unsupported, 0, "sample rates from 1,000 to 384,000 Hz");
  }
  auto impl = std::make_unique<Impl>();
  impl->from = from;
  impl->to = to;
  if (const std::size_t n = doublings(from, to); n > 0) {
    impl->engine = Up(n);
  } else if (const std::size_t m = doublings(to, from); m > 0) {
    impl->engine = Down(m);
  } else if (from != to) {
    int error = RESAMPLER_ERR_SUCCESS;
    Speex speex(speex_resampler_init(1, from, to, kSpeexQuality, &error));
    if (!speex) return fail(Errc::unsupported, 0, "a ratio of sample rates that speexdsp can do");
    impl->engine = std::move(speex);
  }
  return Resampler(std::move(impl));
}

void Resampler::process(std::span<const std::int16_t> in, std::vector<std::int16_t>& out) {
  impl_->process(in, out);
}

void Resampler::flush(std::vector<std::int16_t>& out) {
  const std::uint64_t total = (impl_->taken * impl_->to + impl_->from - 1) / impl_->from + impl_->delay();
  constexpr std::array<std::int16_t, 64> kSilence{};
  while (impl_->given < total)
    impl_->process(kSilence, out);
  out.resize(out.size() - static_cast<std::size_t>(impl_->given - total));
  reset();
}

void Resampler::reset() {
  impl_->reset();
}

std::size_t Resampler::delay() const {
  return impl_->delay();
}

} // namespace talky::audio
