#include "capture/loss_pattern.hpp"

#include <doctest/doctest.h>

#include <string_view>

namespace talky::capture {

namespace {

// '.' came, 'x' was lost.
LossPattern::Summary of(std::string_view packets) {
  LossPattern pattern;
  for (std::size_t i = 0; i < packets.size(); ++i) {
    if (packets[i] == 'x') pattern.lose(i);
  }
  return pattern.summary(packets.size());
}

} // namespace

TEST_CASE("without loss there is one gap") {
  const auto all = of("....................");
  CHECK(all.lost == 0);
  CHECK(all.bursts == 0);
  CHECK(all.burst_density == 0);
  CHECK(all.gap_density == 0);
  CHECK(all.gap_packets == 20);
  CHECK(all.burst_ratio == 1);
}

TEST_CASE("losses that stand alone belong to the gap") {
  const auto all = of("....x................x................x...");
  CHECK(all.lost == 3);
  CHECK(all.bursts == 0);
  CHECK(all.gap_density == doctest::Approx(3.0 / 42));
}

TEST_CASE("sixteen packets between two losses end a burst, fifteen do not") {
  CHECK(of("x...............x").bursts == 1);  // 15 between
  CHECK(of("x................x").bursts == 0); // 16
  CHECK(of("x...............x").burst_packets == 17);
}

TEST_CASE("a burst counts from its first loss to its last, with what came between") {
  // Two bursts (xx.x: 4 packets with 3 losses; xxx) and a lone loss.
  const auto all =
      of("....................xx.x....................x....................xxx....................");
  CHECK(all.lost == 7);
  CHECK(all.bursts == 2);
  CHECK(all.burst_density == doctest::Approx(6.0 / 7));
  CHECK(all.burst_packets == doctest::Approx(3.5));
  CHECK(all.gap_density == doctest::Approx(1.0 / 81));
  CHECK(all.gap_packets == doctest::Approx(81.0 / 3));
}

TEST_CASE("a burst that is still open at the end is counted") {
  const auto all = of("...................xxx");
  CHECK(all.bursts == 1);
  CHECK(all.burst_packets == 3);
  CHECK(all.burst_density == 1);
}

TEST_CASE("the burst ratio is the mean run over that of random loss") {
  CHECK(of("xx........xx........").burst_ratio == doctest::Approx(2 * (1 - 4.0 / 20)));
  CHECK(of("x.........x.........").burst_ratio == 1);
}

} // namespace talky::capture
