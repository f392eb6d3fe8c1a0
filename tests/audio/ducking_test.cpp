#include "audio/ducking.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

using namespace talky;

TEST_CASE("ducking: 12 dB, without a step, there and back") {
  audio::Ducking ducking;
  std::vector<std::int16_t> pcm(960, 8000);
  const std::span<std::int16_t> all(pcm);
  ducking.apply(all.first(320));
  CHECK(std::all_of(pcm.begin(), pcm.begin() + 320, [](auto x) { return x == 8000; }));
  ducking.set(true);
  ducking.apply(all.subspan(320, 320));
  ducking.set(false);
  ducking.apply(all.subspan(640));
  CHECK(pcm[320 + 160] == 2000); // after 10 ms
  CHECK(pcm[639] == 2000);
  CHECK(pcm[640 + 160] == 8000);
  CHECK(pcm.back() == 8000);
  for (std::size_t i = 1; i < pcm.size(); ++i)
    CHECK(std::abs(pcm[i] - pcm[i - 1]) <= 40);
}
