// What the files of spoken() share. Not public.
#pragma once
#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/ascii.hpp"

namespace talky::language::detail {

using std::string_view;

struct Pair {
  string_view from, to;
};

inline const string_view* look_up(std::span<const Pair> table, string_view key) {
  for (const Pair& pair : table) {
    if (pair.from == key) return &pair.to;
  }
  return nullptr;
}

inline bool all_digits(string_view text) {
  for (const char c : text) {
    if (!ascii::is_digit(c)) return false;
  }
  return !text.empty();
}
inline bool all_upper(string_view text) {
  for (const char c : text) {
    if (c < 'A' || c > 'Z') return false;
  }
  return !text.empty();
}
inline bool has_letter(string_view text) {
  for (const char c : text) {
    if (ascii::is_alpha(c)) return true;
  }
  return false;
}

std::string spelled(string_view letters);               // "ABC" -> "A B C"
std::optional<unsigned> small_number(string_view text); // up to four digits
bool is_half_day(string_view word);                     // am, pm

// Months: "Jan", "Jan.", "January". May and March are words too, so the caller looks at what follows.
const string_view* month(string_view word);

// A sign or code of money alone: "$", "EUR", "GBP".
bool is_currency(string_view word);

// A word with figures in it: a time, a date, money, a telephone number, a quantity. Nothing if it is none of
// these. `before` and `next` are the words around it.
std::optional<std::string> numeric(string_view core, string_view before, string_view next);

} // namespace talky::language::detail
