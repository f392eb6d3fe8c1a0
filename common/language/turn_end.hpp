// Does what was said so far end as a sentence may end? By its last words: "turn on the" does not, "on
// Thursday, please" does. English; no grammar, but lists of what cannot stand last.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace talky::language {

enum class Ending : std::uint8_t {
  unfinished, // an article, a preposition, "and", "I would", a verb that wants an object: more must follow
  open,       // may be all, or not: "I would like a haircut"
  whole,      // little can follow: "... please", "thank you", "half past three"
};
Ending ending(std::string_view text);

// Is a number being said digit by digit, and how many digits has it so far? 0: none is.
std::size_t digits_under_way(std::string_view text);
// Has a telephone number all its digits? By the world's plans, roughly: 10 without a zero in front, 11 with
// one, up to 15 with a country's code. `unfinished`: fewer; `open`: enough for a short or foreign one.
Ending phone_number(std::string_view digits);

} // namespace talky::language
