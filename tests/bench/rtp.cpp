// Nanoseconds a packet on the way in and on the way out. A call has 50 of each in a second, so 1 us is 0.005
// % of a core in each direction.
#include <benchmark/benchmark.h>

#include <cmath>
#include <cstdint>
#include <variant>
#include <vector>

#include "core/random.hpp"
#include "media/media.hpp"
#include "rtp/jitter_buffer.hpp"
#include "rtp/packet.hpp"
#include "rtp/statistics.hpp"

namespace {

using namespace talky;
using namespace talky::media;

const Endpoint kPeer{IpAddress::v4(192, 0, 2, 1), 4000};

struct Source { // the packets of a peer, in one buffer used again
  std::vector<std::byte> payload = std::vector<std::byte>(160, std::byte{0x42});
  std::vector<std::byte> wire;
  std::uint16_t sequence = 0;
  std::uint32_t timestamp = 0;

  const std::vector<std::byte>& next() {
    rtp::build({0, false, ++sequence, timestamp += 160, 7}, payload, wire);
    return wire;
  }
};

void parse(benchmark::State& state) {
  Source source;
  const auto wire = source.next();
  for ([[maybe_unused]] auto _ : state)
    benchmark::DoNotOptimize(rtp::PacketView::parse(wire));
}
BENCHMARK(parse);

void statistics(benchmark::State& state) {
  Source source;
  rtp::Statistics statistics(8000);
  Time now{};
  for ([[maybe_unused]] auto _ : state) {
    statistics.received(*rtp::PacketView::parse(source.next()), now);
    now += kTick;
  }
}
BENCHMARK(statistics);

void jitter_buffer(benchmark::State& state) {
  Source source;
  rtp::JitterBuffer buffer({});
  Time now{};
  for ([[maybe_unused]] auto _ : state) {
    buffer.push(*rtp::PacketView::parse(source.next()), 160, now);
    now += kTick;
    benchmark::DoNotOptimize(buffer.pop(now, 160));
  }
}
BENCHMARK(jitter_buffer);

enum Load { kTick0, kReceive, kSend, kEcho };

// One 20 ms tick of a call.
void media(benchmark::State& state) {
  const auto load = static_cast<Load>(state.range(0));
  Random random(1);
  MediaConfig config;
  config.session.remote = kPeer;
  config.recording = false;
  auto media = *Media::create(config, random);
  media.attach_bridge();
  Time now{};
  media.start(now);
  Source source;
  std::vector<std::int16_t> speech(kFrameSamples);
  for (std::size_t i = 0; i < speech.size(); ++i)
    speech[i] = static_cast<std::int16_t>(8000 * std::sin(static_cast<double>(i) * 0.1));
  for ([[maybe_unused]] auto _ : state) {
    if (load == kReceive || load == kEcho) media.receive(source.next(), kPeer, false, now);
    if (load == kSend) media.play(speech);
    now += kTick;
    media.expire(now);
    while (auto output = media.poll()) {
      benchmark::DoNotOptimize(output);
      const auto* frame = std::get_if<CallerFrame>(&*output);
      if (load == kEcho && frame != nullptr) media.play(frame->samples);
    }
  }
  const char* const names[] = {"a tick without traffic in", "a tick with a packet in",
                               "a tick with agent audio out", "a tick of an echo"};
  state.SetLabel(names[load]);
}
BENCHMARK(media)->Arg(kTick0)->Arg(kReceive)->Arg(kSend)->Arg(kEcho);

} // namespace
