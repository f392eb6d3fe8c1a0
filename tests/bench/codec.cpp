// G.711 blocks by every implementation that this machine has, in bytes of code a second.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <vector>

#include "codec/g711.hpp"

namespace {

namespace g711 = talky::codec::g711;
constexpr std::size_t kBlock = 16000;

std::vector<std::int16_t> ramp() {
  std::vector<std::int16_t> pcm(kBlock);
  for (std::size_t i = 0; i < kBlock; ++i)
    pcm[i] = static_cast<std::int16_t>(i * 7919);
  return pcm;
}

// Arguments: place in implementations(), law.
void encode(benchmark::State& state) {
  const auto all = g711::implementations();
  const auto which = static_cast<std::size_t>(state.range(0));
  if (which >= all.size()) return state.SkipWithError("not on this machine");
  state.SetLabel(all[which]);
  const auto pcm = ramp();
  std::vector<std::byte> codes(kBlock);
  for ([[maybe_unused]] auto _ : state) {
    g711::encode_with(all[which], static_cast<g711::Law>(state.range(1)), pcm, codes);
    benchmark::DoNotOptimize(codes.data());
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(kBlock));
}
BENCHMARK(encode)->ArgsProduct({{0, 1, 2, 3}, {0, 1}});

void decode(benchmark::State& state) {
  const auto all = g711::implementations();
  const auto which = static_cast<std::size_t>(state.range(0));
  if (which >= all.size()) return state.SkipWithError("not on this machine");
  state.SetLabel(all[which]);
  const auto pcm = ramp();
  std::vector<std::byte> codes(kBlock);
  g711::encode(g711::Law::mu, pcm, codes);
  std::vector<std::int16_t> out(kBlock);
  for ([[maybe_unused]] auto _ : state) {
    g711::decode_with(all[which], static_cast<g711::Law>(state.range(1)), codes, out);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(kBlock));
}
BENCHMARK(decode)->ArgsProduct({{0, 1, 2, 3}, {0, 1}});

} // namespace
