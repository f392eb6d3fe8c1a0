// What 20 ms of a call cost: decode and upsample, downsample and encode, conceal a loss.
#include <benchmark/benchmark.h>

#include <array>
#include <cstdint>
#include <vector>

#include "audio/concealer.hpp"
#include "audio/half_rate.hpp"
#include "audio/half_rate_kernels.hpp"
#include "audio/level.hpp"
#include "audio/resampler.hpp"
#include "audio/tone.hpp"
#include "codec/g711.hpp"

namespace {

using namespace talky;

std::array<std::int16_t, 160> packet() {
  std::array<std::int16_t, 160> pcm{};
  audio::Noise(1, -6).generate(pcm);
  return pcm;
}

void decode_and_upsample(benchmark::State& state) {
  std::array<std::byte, 160> codes{};
  codec::g711::encode(codec::g711::Law::mu, packet(), codes);
  std::array<std::int16_t, 160> pcm{};
  std::array<std::int16_t, 320> wide{};
  audio::Upsampler2 up;
  for ([[maybe_unused]] auto _ : state) {
    codec::g711::decode(codec::g711::Law::mu, codes, pcm);
    up.process(pcm, wide.data());
    benchmark::DoNotOptimize(wide);
  }
}
BENCHMARK(decode_and_upsample);

void downsample_and_encode(benchmark::State& state) {
  std::array<std::int16_t, 320> wide{};
  audio::Noise(1, -6).generate(wide);
  std::array<std::int16_t, 160> pcm{};
  std::array<std::byte, 160> codes{};
  audio::Downsampler2 down;
  for ([[maybe_unused]] auto _ : state) {
    down.process(wide, pcm.data());
    codec::g711::encode(codec::g711::Law::mu, pcm, codes);
    benchmark::DoNotOptimize(codes);
  }
}
BENCHMARK(downsample_and_encode);

// The kernels one by one: the argument is the place in half_rate::kernels().
void upsample_kernel(benchmark::State& state) {
  const auto kernels = audio::half_rate::kernels();
  const auto which = static_cast<std::size_t>(state.range(0));
  if (which >= kernels.size()) return state.SkipWithError("not on this machine");
  state.SetLabel(kernels[which]->name);
  std::array<std::int16_t, 256> window{};
  audio::Noise(1, -6).generate(window);
  std::array<std::int16_t, 320> out{};
  for ([[maybe_unused]] auto _ : state) {
    kernels[which]->up(window.data(), 160, out.data());
    benchmark::DoNotOptimize(out);
  }
}
BENCHMARK(upsample_kernel)->DenseRange(0, 3);

void speexdsp_16_to_24_khz(benchmark::State& state) {
  auto resampler = audio::Resampler::create(16000, 24000).value();
  std::array<std::int16_t, 320> wide{};
  audio::Noise(1, -6).generate(wide);
  std::vector<std::int16_t> out;
  for ([[maybe_unused]] auto _ : state) {
    out.clear();
    resampler.process(wide, out);
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK(speexdsp_16_to_24_khz);

// A lost packet, and the good one behind it.
void conceal_one_packet(benchmark::State& state) {
  audio::Concealer concealer(8000);
  auto pcm = packet();
  std::vector<std::int16_t> out;
  for ([[maybe_unused]] auto _ : state) {
    out.clear();
    concealer.conceal(160, out);
    concealer.good(pcm);
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK(conceal_one_packet);

void level_of_a_frame(benchmark::State& state) {
  std::array<std::int16_t, 320> wide{};
  audio::Noise(1, -6).generate(wide);
  for ([[maybe_unused]] auto _ : state)
    benchmark::DoNotOptimize(audio::rms_dbfs(wide));
}
BENCHMARK(level_of_a_frame);

} // namespace
