// Written English to words that flite pronounces well: numbers, times, dates, money, telephone numbers,
// abbreviations, e-mail addresses. What flite does right by itself is left alone.
#pragma once
#include <string>
#include <string_view>

namespace talky::language {

// "Dr. Ray, 3:30 p.m., call 555-0199" -> "Doctor Ray, three thirty P M, call five five five, oh one nine
// nine". Characters that cannot be spoken (markup, controls, emoji) become spaces. The result is ASCII.
std::string spoken(std::string_view text);

// 1234 -> "one thousand two hundred thirty four".
std::string cardinal(unsigned long long number);
// 21 -> "twenty first".
std::string ordinal(unsigned long long number);
// 1984 -> "nineteen eighty four", 2005 -> "two thousand five".
std::string year(unsigned number);
// "0199" -> "zero one nine nine"; what is no digit is left out.
std::string digits(std::string_view text);

} // namespace talky::language
