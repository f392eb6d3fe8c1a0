#include "rtp/statistics.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "core/random.hpp"
#include "rtp/emodel.hpp"

using namespace talky;
using namespace talky::rtp;
using namespace std::chrono_literals;

namespace {

void receive(Statistics& statistics, std::uint16_t sequence, std::uint32_t timestamp, Time at,
             std::uint32_t ssrc = 1) {
  std::vector<std::byte> wire;
  build({0, false, sequence, timestamp, ssrc}, as_bytes(std::string_view("0123456789")), wire);
  statistics.received(*PacketView::parse(wire), at);
}

} // namespace

TEST_CASE("a whole stream across the wrap of the sequence number") {
  Statistics statistics(8000);
  for (std::uint32_t i = 0; i < 200; ++i)
    receive(statistics, static_cast<std::uint16_t>(65'500 + i), i * 160, Time{i * 20ms});
  const auto s = statistics.snapshot();
  CHECK(s.received == 200);
  CHECK(s.expected == 200);
  CHECK(s.lost == 0);
  CHECK(s.payload_bytes == 2000);
  CHECK(s.burst_ratio == 1);
  CHECK(s.jitter == 0ms);
  CHECK(statistics.extended_highest() == 65'699);
  CHECK(statistics.fraction_lost() == 0);
}

TEST_CASE("loss, duplicates and reordering are told apart") {
  Statistics statistics(8000);
  for (const std::uint16_t sequence : std::vector<std::uint16_t>{1, 2, 4, 3, 4, 8, 9, 2})
    receive(statistics, sequence, sequence * 160u, Time{sequence * 20ms});
  const auto s = statistics.snapshot();
  CHECK(s.received == 6);
  CHECK(s.expected == 9);
  CHECK(s.lost == 3);
  CHECK(s.duplicates == 2);
  CHECK(s.reordered == 1);
  CHECK(s.loss_bursts == 1);
  CHECK(statistics.cumulative_lost() == 3);
  CHECK(statistics.fraction_lost() == (3 << 8) / 9);
  CHECK(statistics.fraction_lost() == 0); // nothing since
}

TEST_CASE("jitter is RFC 3550's") {
  Statistics statistics(8000);
  // Packets in turn 0 and 10 ms late: every difference of transit is 80 units, so jitter tends to 80 (10 ms).
  for (std::uint32_t i = 0; i < 300; ++i)
    receive(statistics, static_cast<std::uint16_t>(i), i * 160, Time{i * 20ms + (i % 2) * 10ms});
  CHECK(statistics.snapshot().jitter > 9900us);
  CHECK(statistics.snapshot().jitter <= 10ms);
  CHECK(statistics.jitter_units() == 79);
  // One step of the formula: J += (|D| - J) / 16.
  Statistics one(8000);
  receive(one, 0, 0, Time{0ms});
  receive(one, 1, 160, Time{24ms}); // 32 units late
  CHECK(one.jitter_units() == 2);
}

TEST_CASE("the burst ratio is 1 for random loss and grows with clusters") {
  Random random(5);
  Statistics independent(8000);
  for (std::uint32_t i = 0; i < 50'000; ++i) {
    if (random.uniform() >= 0.1) receive(independent, static_cast<std::uint16_t>(i), i * 160, Time{i * 20ms});
  }
  CHECK(independent.snapshot().loss == doctest::Approx(0.1).epsilon(0.05));
  CHECK(independent.snapshot().burst_ratio == doctest::Approx(1.0).epsilon(0.05));

  Statistics clustered(8000);
  for (std::uint32_t i = 0; i < 10'000; ++i) {
    if (i % 40 >= 4) receive(clustered, static_cast<std::uint16_t>(i), i * 160, Time{i * 20ms});
  }
  CHECK(clustered.snapshot().loss == doctest::Approx(0.1).epsilon(0.01));
  CHECK(clustered.snapshot().burst_ratio == doctest::Approx(3.6).epsilon(0.01)); // 4 / (1 / (1 - 0.1))
}

TEST_CASE("a new SSRC goes on with the totals, a stray packet counts for nothing") {
  Statistics statistics(8000);
  for (std::uint16_t i = 0; i < 10; ++i)
    receive(statistics, i, i * 160u, Time{i * 20ms});
  receive(statistics, 30'000, 0, Time{200ms});
  CHECK(statistics.snapshot().expected == 10);
  for (std::uint16_t i = 0; i < 10; ++i)
    receive(statistics, static_cast<std::uint16_t>(50'000 + i), i * 160u, Time{300ms + i * 20ms}, 2);
  CHECK(statistics.snapshot().expected == 20);
  CHECK(statistics.snapshot().received == 20);
  CHECK(statistics.snapshot().lost == 0);
  CHECK(statistics.ssrc() == 2);
  CHECK(statistics.snapshot().jitter == 0ms);
}

TEST_CASE("the E-model gives the values of G.107 and G.113") {
  const auto g711 = impairment_of("PCMU");
  CHECK(r_factor({}, g711) == doctest::Approx(93.2));
  CHECK(mos(93.2) == doctest::Approx(4.41).epsilon(0.002));
  CHECK(mos(70) == doctest::Approx(3.60).epsilon(0.005)); // G.107 Annex B
  CHECK(mos(50) == doctest::Approx(2.58).epsilon(0.005));
  CHECK(mos(0) == 1);
  CHECK(mos(100) == doctest::Approx(4.5));
  // 5 % random loss with concealment: 95 * 5 / (5 + 25.1)
  CHECK(r_factor({0.05, 1, 0}, g711) == doctest::Approx(93.2 - 15.78).epsilon(0.001));
  CHECK(r_factor({0.05, 2, 0}, g711) < r_factor({0.05, 1, 0}, g711));
  // Delay costs nothing up to 100 ms, and G.107's Idd at 400 ms is about 24.
  CHECK(r_factor({0, 1, 100}, g711) == doctest::Approx(93.2));
  CHECK(93.2 - r_factor({0, 1, 400}, g711) == doctest::Approx(23.6).epsilon(0.03));
  double before = 94;
  for (int delay = 0; delay < 1000; delay += 50) {
    CHECK(r_factor({0, 1, static_cast<double>(delay)}, g711) <= before);
    before = r_factor({0, 1, static_cast<double>(delay)}, g711);
  }
}
