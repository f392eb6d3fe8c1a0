// Values in what a caller says: choices, dates, times, numbers, digits, names, yes or no, free text.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "language/calendar.hpp"

namespace talky::flow {

struct Slot {
  enum class Type : std::uint8_t { choice, date, time, number, digits, name, text, yes_no };
  struct Choice {
    std::string value;                // as conditions know it and prompts say it
    std::vector<std::string> phrases; // how callers say it, besides the value itself
  };

  std::string name;
  Type type = Type::text;
  std::vector<Choice> choices;
  language::Hours hours;          // time
  std::int64_t min = 0;           // number
  std::int64_t max = 999'999'999; // number
  std::size_t length = 0;         // digits: how many; 0: any
  bool anywhere = false;          // taken from any utterance, not only when it is asked for
  std::size_t line = 0;
};

std::optional<Slot::Type> slot_type(std::string_view name); // "choice", "yes-no" ...

// The values found in one utterance for several slots: no word counts twice, and the last value said for a
// slot wins ("Thursday, no, Friday"); of dates or times that are alternatives ("Thursday or Friday"), the
// first. Canonical values: dates and times in ISO form, numbers and digits in figures, "yes"/"no".
struct Filled {
  std::size_t slot = 0; // index
  std::string value;
};
// `asked` is the index of the slot that the caller was asked for, if any: it is taken more freely.
// `corrected` are those that he may correct, such as what has just been read back to him: "no, it's Marie",
// "make it eleven".
std::vector<Filled> find_values(const std::vector<Slot>& slots, std::optional<std::size_t> asked,
                                std::string_view text, const language::Date& today,
                                const std::vector<std::size_t>& corrected = {});

// A canonical value as one says it.
std::string spoken_value(const Slot& slot, std::string_view value, const language::Date& today);

} // namespace talky::flow
