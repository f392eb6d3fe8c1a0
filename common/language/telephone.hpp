// Telephone numbers as people say them: in groups, with "double" and "triple", "oh" and "plus", with
// corrections on the way.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "language/numbers.hpp"

namespace talky::language {

// The number that results when the caller says `words`, where `known` are the digits so far ("" for none; a
// leading "+" counts as one). Behind "no", "sorry", "I mean", or where `corrects`, fewer digits than there
// are replace the last of them ("020 7946 0321, no, 0312"), more begin anew; "the last two digits are one
// three" replaces those. Else they are added to what is known.
std::string heard_number(const Words& words, std::string_view known, bool corrects);

enum class Fullness : std::uint8_t { short_of, likely, whole };
// Has it as many digits as a number? By its beginning: "+" and "00" numbers have 9 digits and more behind the
// country's code, national ones with a leading zero 9 and more (those of the United Kingdom 10 or 11), others
// 7 and more. `likely`: it may be one, and may go on.
Fullness fullness_of_number(std::string_view number);

} // namespace talky::language
