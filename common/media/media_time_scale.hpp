// Makes speech a little shorter or longer without a click: one pitch period is cut out or said twice, with a
// cross-fade (as WSOLA does). Where there is silence any stretch will do.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace talky::media {

// The distance in samples, 2.5 to 15 ms, after which `pcm` resembles itself best; 0 if it is too short (35 ms
// are enough for any) or resembles itself badly.
std::size_t pitch_period(std::span<const std::int16_t> pcm, std::uint32_t rate);

// Joins pcm[from, from + period) and the period behind it into one. Needs from + 2 * period <= pcm.size().
void cut_period(std::vector<std::int16_t>& pcm, std::size_t from, std::size_t period);
// Says pcm[from, from + period) twice. Needs from + 2 * period <= pcm.size().
void repeat_period(std::vector<std::int16_t>& pcm, std::size_t from, std::size_t period);

} // namespace talky::media
