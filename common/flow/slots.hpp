// Values in what a caller says: choices, dates, times, numbers, digits, names, yes or no, free text.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
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
  std::optional<language::TimeOfDay> first = {}; // time: what "as early as you can" means
  std::optional<language::TimeOfDay> last = {};  // time: "the last appointment"
  bool telephone = false;                        // digits: as many as a telephone number has
};

std::optional<Slot::Type> slot_type(std::string_view name); // "choice", "yes-no" ...

// What narrows a slot down without filling it: "next week", "in the morning", "not Tuesday", the first digits
// of a number.
struct Hint {
  std::string text = {};                      // as one says it
  std::optional<language::DaySpan> days = {}; // date
  std::optional<language::Hours> hours = {};  // time
  std::optional<int> minute = {};             // time: "ten past" without its hour, negative: "ten to"
  std::string digits = {};                    // digits so far
  bool operator==(const Hint&) const = default;
};

// What is known of a slot when somebody speaks.
struct SlotState {
  std::string value;
  Hint hint;
};

struct Listening {
  // The slot that the caller was asked for, if any: it is taken more freely.
  std::optional<std::size_t> asked = {};
  // Those that may be corrected, such as what has just been read back: "no, it's Marie", "make it eleven".
  std::vector<std::size_t> corrected = {};
  language::Date today;
  std::optional<language::TimeOfDay> now = {};
  std::vector<SlotState> known = {}; // one for each slot, or none
  std::optional<bool> yes = {};      // the caller agrees: "yes, on Friday" is the Friday that is known
};

// A value of a slot that was found. Canonical: dates and times in ISO form, numbers and digits in figures,
// "yes"/"no".
struct Filled {
  std::size_t slot = 0; // index
  std::string value;
};

struct Hearing {
  std::vector<Filled> filled;
  std::vector<std::pair<std::size_t, Hint>> hints; // of slots that were not filled
  bool several = false; // more than can be taken: "a haircut and a beard trim", "Tuesday and Thursday"
};

// The values found in one utterance for several slots: no word counts twice, and the last value said for a
// slot wins ("Thursday, no, Friday"); of dates or times that are alternatives ("Thursday or Friday"), the
// first. What was denied ("not Friday") is no value.
Hearing hear_values(const std::vector<Slot>& slots, const Listening& listening, std::string_view text);
// Its values alone, where nothing is known yet.
std::vector<Filled> find_values(const std::vector<Slot>& slots, std::optional<std::size_t> asked,
                                std::string_view text, const language::Date& today,
                                const std::vector<std::size_t>& corrected = {});

// A canonical value as one says it.
std::string spoken_value(const Slot& slot, std::string_view value, const language::Date& today);

} // namespace talky::flow
