// English words as a recogniser writes them: cut, normalised, stemmed, compared. Pure functions, no state.
#pragma once
#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace talky::language {

// Lower-case words without punctuation. Apostrophes vanish ("don't" -> "dont"), hyphens separate (but
// "to-morrow", "to-day" and "Good-by" are "tomorrow", "today" and "goodbye"), "3:30" and "3.50" stay whole,
// "9am" becomes "9" "am", "a.m." becomes "am". Bytes above 0x7f belong to words.
std::vector<std::string> words(std::string_view text);
std::string joined(const std::vector<std::string>& words);
bool is_one_of(std::string_view word, std::initializer_list<std::string_view> list);

// A light English stemmer (plurals, -ing, -ed, -ly): enough for "booking"/"booked"/"book" to be one word.
std::string stem(std::string_view word);

// Letters that must change to turn one word into the other (Damerau-Levenshtein, neighbours swapped count
// one), at most `limit` + 1.
std::size_t edit_distance(std::string_view a, std::string_view b, std::size_t limit);
// Alike enough to be one word misheard: one edit from 4 letters on, two from 8 letters on.
bool sounds_like(std::string_view a, std::string_view b);

// "um", "uh", "er": a sign of thinking.
bool is_filler(std::string_view word);
// Any word that is not a filler?
bool has_words(std::string_view text);
// Ends so that more must follow: "and", "my name is", "um"?
bool trails_off(std::string_view text);

} // namespace talky::language
