// The bad line does what it says, as counted on what comes out of it.
#include "rtp/impairment.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <cmath>
#include <string>

using namespace talky;
using namespace talky::rtp;
using std::chrono::milliseconds;

namespace {

constexpr int kPackets = 200'000;
constexpr Duration kSpacing = milliseconds(20);

Impairment parsed(std::string_view text) {
  const auto impairment = Impairment::parse(text);
  REQUIRE(impairment);
  return *impairment;
}

struct Counted {
  double loss = 0, burst = 0, duplicates = 0, overtaken = 0, jitter_ms = 0, mean_delay_ms = 0;
};

Counted count(const Impairment& impairment) {
  NetworkImpairer network(impairment);
  Counted result;
  int lost = 0, bursts = 0, twice = 0, overtaken = 0, arrived = 0;
  bool before_lost = false;
  std::vector<std::pair<Time, int>> arrivals;
  for (int i = 0; i < kPackets; ++i) {
    const Time sent = Time{} + i * kSpacing;
    const auto delivery = network.send(sent);
    const bool is_lost = delivery.copies == 0;
    lost += is_lost ? 1 : 0;
    bursts += is_lost && !before_lost ? 1 : 0;
    before_lost = is_lost;
    if (is_lost) continue;
    twice += delivery.copies == 2 ? 1 : 0;
    arrivals.emplace_back(delivery.arrival[0], i);
    result.mean_delay_ms += static_cast<double>((delivery.arrival[0] - sent).count()) / 1000;
    CHECK(delivery.arrival[0] >= sent);
    if (delivery.copies == 2) CHECK(delivery.arrival[1] >= delivery.arrival[0]);
    ++arrived;
  }
  std::stable_sort(arrivals.begin(), arrivals.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  int newest = -1;
  for (std::size_t i = 0; i < arrivals.size(); ++i) {
    overtaken += arrivals[i].second < newest ? 1 : 0;
    newest = std::max(newest, arrivals[i].second);
    if (i == 0) continue;
    const Duration spacing = arrivals[i].first - arrivals[i - 1].first;
    const Duration wanted = kSpacing * (arrivals[i].second - arrivals[i - 1].second);
    result.jitter_ms += std::abs(static_cast<double>((spacing - wanted).count())) / 1000;
  }
  result.loss = static_cast<double>(lost) / kPackets;
  result.burst = bursts == 0 ? 0 : static_cast<double>(lost) / bursts;
  result.duplicates = static_cast<double>(twice) / arrived;
  result.overtaken = static_cast<double>(overtaken) / arrived;
  result.jitter_ms /= arrived;
  result.mean_delay_ms /= arrived;
  return result;
}

doctest::Approx near(double value, double relative) {
  return doctest::Approx(value).epsilon(relative);
}

} // namespace

TEST_CASE("bad line: the share of lost packets and the mean burst are those asked for") {
  for (const char* text : {"loss=2%,burst=3", "loss=10%,burst=5,seed=9", "loss=1%,burst=1,seed=3",
                           "loss=30%,burst=2,seed=4", "loss=50%,burst=8,seed=5"}) {
    CAPTURE(std::string(text));
    const Impairment impairment = parsed(text);
    const Counted seen = count(impairment);
    CHECK(seen.loss == near(impairment.loss, 0.08));
    CHECK(seen.burst == near(*impairment.burst, 0.06));
    CHECK(seen.overtaken == 0);
    CHECK(seen.duplicates == 0);
    CHECK(seen.mean_delay_ms == 0);
  }
  // Without a burst the losses are independent: runs have a mean of 1 / (1 - loss).
  const Counted random = count(parsed("loss=20%"));
  CHECK(random.loss == near(0.2, 0.03));
  CHECK(random.burst == near(1.25, 0.02));
  CHECK(count(parsed("loss=0%,burst=3")).loss == 0);
  CHECK(count(parsed("loss=100%")).loss == 1);
}

TEST_CASE("bad line: jitter is RFC 3550's, order is kept; reordered and doubled are as many as asked for") {
  const Counted quiet = count(parsed("jitter=2ms"));
  CHECK(quiet.jitter_ms == near(2, 0.03));
  CHECK(quiet.mean_delay_ms == near(2, 0.03));
  const Counted wild = count(parsed("jitter=60ms"));
  CHECK(wild.overtaken == 0);
  CHECK(wild.mean_delay_ms > 60);
  CHECK(count(parsed("reorder=1%")).overtaken == near(0.01, 0.08));
  CHECK(count(parsed("reorder=5%,seed=2")).overtaken == near(0.05, 0.06));
  CHECK(count(parsed("dup=3%")).duplicates == near(0.03, 0.06));
}

TEST_CASE("bad line: a slow clock stretches the stream, a fast one shrinks it") {
  for (const double ppm : {50.0, -200.0}) {
    Impairment impairment;
    impairment.ppm = ppm;
    NetworkImpairer network(impairment);
    (void)network.send(Time{});
    const Time sent = Time{} + std::chrono::hours(1);
    CHECK((network.send(sent).arrival[0] - sent).count() == std::llround(3600e6 * ppm * 1e-6));
  }
}

TEST_CASE("bad line: the same seed gives the same line, another another; jitter does not move the losses") {
  const auto deliveries = [](std::string_view text) {
    NetworkImpairer network(parsed(text));
    std::vector<std::size_t> copies;
    std::vector<Time> arrivals;
    for (int i = 0; i < 2000; ++i) {
      const auto delivery = network.send(Time{} + i * kSpacing);
      copies.push_back(delivery.copies);
      if (delivery.copies > 0) arrivals.push_back(delivery.arrival[0]);
    }
    return std::pair(copies, arrivals);
  };
  const auto once = deliveries("loss=5%,burst=2,jitter=10ms,reorder=2%,dup=2%,seed=7");
  CHECK(once == deliveries("loss=5%,burst=2,jitter=10ms,reorder=2%,dup=2%,seed=7"));
  CHECK(once.first != deliveries("loss=5%,burst=2,jitter=10ms,reorder=2%,dup=2%,seed=8").first);
  CHECK(once.first == deliveries("loss=5%,burst=2,jitter=90ms,reorder=9%,dup=2%,seed=7").first);
  CHECK(once.second != deliveries("loss=5%,burst=2,jitter=90ms,reorder=9%,dup=2%,seed=7").second);
}

TEST_CASE("the queue gives what arrives in order of time, as soon as nothing can come before it") {
  CHECK(rc::check("all copies, sorted", [] {
    Impairment impairment;
    impairment.loss = *rc::gen::inRange(0, 50) / 100.0;
    impairment.jitter = milliseconds(*rc::gen::inRange(0, 100));
    impairment.reorder = *rc::gen::inRange(0, 30) / 100.0;
    impairment.duplicate = *rc::gen::inRange(0, 30) / 100.0;
    impairment.ppm = *rc::gen::inRange(-1000, 1000);
    impairment.seed = *rc::gen::arbitrary<std::uint64_t>();
    NetworkImpairer network(impairment);
    ImpairedQueue<int> queue(impairment);
    std::size_t expected = 0, got = 0;
    std::optional<Time> before;
    const auto drain = [&] {
      while (const auto next = queue.poll()) {
        RC_ASSERT(!before || *before <= next->first);
        before = next->first;
        ++got;
      }
    };
    for (int i = 0; i < 300; ++i) {
      expected += network.send(Time{} + i * kSpacing).copies;
      queue.send(i, Time{} + i * kSpacing);
      drain();
    }
    queue.end();
    drain();
    RC_ASSERT(got == expected);
  }));
  // A line without faults holds nothing back.
  ImpairedQueue<int> plain(Impairment{});
  plain.send(1, Time{} + milliseconds(5));
  CHECK(plain.poll().has_value());
}

TEST_CASE("the words for a bad line, and where they are wrong") {
  const Impairment all = parsed("loss=2%,burst=3,jitter=30ms,reorder=1%,dup=0.5%,ppm=-50,seed=7");
  CHECK(all.loss == doctest::Approx(0.02));
  CHECK(all.burst == 3.0);
  CHECK(all.jitter == milliseconds(30));
  CHECK(all.reorder == doctest::Approx(0.01));
  CHECK(all.duplicate == doctest::Approx(0.005));
  CHECK(all.ppm == -50);
  CHECK(all.seed == 7);
  CHECK(parsed("jitter=0.5s").jitter == milliseconds(500));
  CHECK(parsed("jitter=250us").jitter == Duration(250));

  struct Wrong {
    const char* text;
    std::size_t at;
  };
  for (const Wrong wrong :
       {Wrong{"", 0}, Wrong{"loss", 0}, Wrong{"loss=2", 5}, Wrong{"loss=101%", 5},
        Wrong{"loss=2%,,dup=1%", 8}, Wrong{"jitter=30", 7}, Wrong{"dup=1%,los=1%", 7}, Wrong{"burst=0.5", 6},
        Wrong{"ppm=1e9", 4}, Wrong{"seed=-1", 5}, Wrong{"loss=2%,loss=3%", 8}, Wrong{"jitter=11s", 7},
        Wrong{"loss=90%,burst=2", 9}, Wrong{"loss=2%,", 8}, Wrong{"loss=.%", 5}}) {
    CAPTURE(std::string(wrong.text));
    const auto refused = Impairment::parse(wrong.text);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::malformed);
    CHECK(refused.error().offset == wrong.at);
  }
}
