// The echo guard of talky-sipd as a pipe, for tests/bench/echo: 20 ms of the caller and the 20 ms that were
// sent before them come in (640 + 640 bytes, s16le, 16 kHz), 640 bytes of what the agent gets go out. At the
// end one line of JSON goes to stderr: what was found, and the processor time a frame.
//   echo_guard [auto|on|off]
#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <string_view>

#include "echo/echo_guard.hpp"

using namespace talky::echo;

namespace {

double processor_us() {
  timespec t{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_nsec) / 1e3;
}

Mode mode_of(std::string_view text) {
  if (text == "on") return Mode::always;
  return text == "off" ? Mode::off : Mode::automatic;
}

} // namespace

int main(int argc, char** argv) {
  EchoGuard guard(mode_of(argc > 1 ? argv[1] : "auto"));
  std::array<std::int16_t, 2 * kFrame> in{};
  std::size_t frames = 0;
  std::size_t touched = 0;
  std::size_t found = 0;
  long first = -1; // frame
  double sum = 0;
  double most = 0;
  while (std::fread(in.data(), 2, in.size(), stdin) == in.size()) {
    const FrameView caller(in.data(), kFrame);
    const FrameView sent(in.data() + kFrame, kFrame);
    const double begin = processor_us();
    const FrameView out = guard.process(caller, sent);
    const double spent = processor_us() - begin;
    sum += spent;
    most = std::max(most, spent);
    if (out.data() != caller.data()) ++touched;
    if (const auto news = guard.poll(); news && news->cancelled) {
      ++found;
      if (first < 0) first = static_cast<long>(frames);
    }
    ++frames;
    std::fwrite(out.data(), 2, out.size(), stdout);
    std::fflush(stdout);
  }
  const auto end = guard.measured().value_or(EchoMeasure{});
  fmt::print(stderr,
             R"({{"frames":{},"touched":{},"found":{},"first_ms":{},"delay_ms":{:.1f},"level_db":{:.1f},)"
             R"("removed_db":{:.1f},"us":{:.2f},"most_us":{:.0f}}})"
             "\n",
             frames, touched, found, first < 0 ? -1 : first * 20,
             static_cast<double>(end.delay.count()) / 1000, end.level_db, end.removed_db,
             frames > 0 ? sum / static_cast<double>(frames) : 0.0, most);
  return 0;
}
