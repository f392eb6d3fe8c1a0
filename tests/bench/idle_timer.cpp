// Wakes up each millisecond, does nothing, and measures by how much it is late: the machine's own share of
// what the servers of tests/bench/calls are late by.
//
//   idle_timer SECONDS
//
// Prints one JSON object. Exit status 2 for a usage error.
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <vector>

#include "load_tools.hpp"

int main(int argc, char** argv) {
  const int seconds = argc == 2 ? load::number(argv[1]) : 0;
  if (seconds <= 0) {
    std::fputs("idle_timer: wants SECONDS\n", stderr);
    return 2;
  }
  // A stall makes all that was due meanwhile late, as it does a server's packets: hence one grid for all, and
  // no sleep from one's own last waking.
  constexpr std::int64_t kStepNs = 1'000'000;
  constexpr std::int64_t kSecondNs = 1'000'000'000;
  std::vector<double> late_ms;
  const std::int64_t begin = load::now_ns(CLOCK_MONOTONIC);
  for (std::int64_t due = begin + kStepNs; due <= begin + seconds * kSecondNs; due += kStepNs) {
    const timespec until{.tv_sec = due / kSecondNs, .tv_nsec = due % kSecondNs};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr) == EINTR) {
    }
    late_ms.push_back(static_cast<double>(load::now_ns(CLOCK_MONOTONIC) - due) / 1e6);
  }
  const auto late = std::count_if(late_ms.begin(), late_ms.end(), [](double ms) { return ms > 20; });
  fmt::print("{{\"late_over_20ms\":{},\"pacing_ms\":{{\"p50\":{:.3f},\"p99\":{:.3f},\"max\":{:.3f}}}}}\n",
             late, load::percentile(late_ms, 0.5), load::percentile(late_ms, 0.99),
             load::percentile(late_ms, 1.0));
  return 0;
}
