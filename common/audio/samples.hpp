// A stretch of one channel's sound without a place of its own: s16, where nothing else is said at 16 kHz.
#pragma once
#include <cstdint>
#include <vector>

namespace talky::audio {

using Samples = std::vector<std::int16_t>;

} // namespace talky::audio
