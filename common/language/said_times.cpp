// Times of day in what somebody says.
#include "core/ascii.hpp"
#include "language/calendar.hpp"
#include "language/said.hpp"

namespace talky::language {
namespace {

class TimeFinder {
 public:
  TimeFinder(const Words& words, bool asked, const Hours& hours, const std::vector<bool>& taken)
      : words_(words), asked_(asked), hours_(hours), taken_(taken) {}

  std::optional<Found<TimeOfDay>> at(std::size_t i) const {
    if (taken(i)) return std::nullopt;
    if (word(i) == "noon" || word(i) == "midday") return Found<TimeOfDay>{i, i + 1, {12, 0}};
    if (word(i) == "midnight") return Found<TimeOfDay>{i, i + 1, {0, 0}};
    if (auto found = relative(i)) return found;
    return absolute(i);
  }

 private:
  std::string_view word(std::size_t i) const { return word_at(words_, i); }
  bool taken(std::size_t i) const { return i < taken_.size() && taken_[i]; }

  // "half past three", "quarter to five", "ten past nine", "half three"
  std::optional<Found<TimeOfDay>> relative(std::size_t i) const {
    std::size_t at = i;
    std::int64_t minutes = 0;
    if (word(at) == "a" && word(at + 1) == "quarter") ++at;
    if (word(at) == "half" || word(at) == "quarter") {
      minutes = word(at) == "half" ? 30 : 15;
      ++at;
    } else if (const auto number = cardinal_at(words_, at);
               number && number->value >= 1 && number->value <= 29) {
      minutes = number->value;
      at = number->end;
      if (word(at) == "minutes") ++at;
    } else {
      return std::nullopt;
    }
    const bool past = word(at) == "past" || word(at) == "after";
    const bool to = word(at) == "to" || word(at) == "till" || word(at) == "before";
    if (past || to) {
      ++at;
    } else if (minutes != 30 || word(i) != "half") {
      return std::nullopt;
    }
    const auto hour = hour_at(at);
    if (!hour) return std::nullopt;
    std::int64_t total = hour->value * std::int64_t{60} + (to ? -minutes : minutes);
    if (total < 0) total += std::int64_t{12} * 60;
    return finish(i, hour->end, total / 60, total % 60, hour->value > 12);
  }

  std::optional<Found<std::int64_t>> hour_at(std::size_t at) const {
    auto hour = cardinal_at(words_, at);
    if (!hour || taken(at) || hour->end != at + 1 || hour->value > 24) return std::nullopt;
    return hour;
  }

  // "3:30", "three thirty", "nine oh five", "ten", "four o'clock"
  std::optional<Found<TimeOfDay>> absolute(std::size_t i) const {
    const std::size_t colon = word(i).find_first_of(":.");
    if (colon != std::string_view::npos) {
      const auto hour = ascii::to_number<unsigned>(word(i).substr(0, colon));
      const auto minute = ascii::to_number<unsigned>(word(i).substr(colon + 1));
      if (!hour || !minute || *hour > 24 || *minute > 59 || word(i).size() - colon != 3) return std::nullopt;
      return finish(i, i + 1, *hour, *minute, *hour > 12 || word(i)[0] == '0');
    }
    const auto hour = hour_at(i);
    if (!hour) return std::nullopt;
    std::size_t end = hour->end;
    bool sure = asked_ || introduced(i);
    std::int64_t minute = 0;
    if ((word(end) == "oh" || word(end) == "o") && word(end + 1).size() > 2) {
      const auto unit = cardinal_at(words_, end + 1);
      if (unit && unit->end == end + 2 && unit->value <= 9) {
        minute = unit->value;
        end = unit->end;
        sure = true;
      }
    } else if (const auto minutes = cardinal_at(words_, end); minutes && !taken(end) &&
                                                              minutes->value >= 10 && minutes->value <= 59 &&
                                                              word(minutes->end) != "days") {
      minute = minutes->value;
      end = minutes->end;
    }
    if (word(end) == "oclock") {
      ++end;
      sure = true;
    } else if (word(end) == "o" && word(end + 1) == "clock") {
      end += 2;
      sure = true;
    }
    if (word(end) == "tonight") sure = true; // it is a date as well, and stays one
    const auto found = finish(i, end, hour->value, minute, hour->value > 12);
    if (!found || (!sure && found->end == end)) return std::nullopt;
    return found;
  }

  // "at ten", "around ten"
  bool introduced(std::size_t i) const {
    if (i == 0) return false;
    const std::string& before = words_[i - 1];
    return before == "at" || before == "around" || before == "about" || before == "by" || before == "say";
  }

  // What follows says which half of the day is meant; else the hours do.
  std::optional<Found<TimeOfDay>> finish(std::size_t begin, std::size_t end, std::int64_t hour,
                                         std::int64_t minute, bool whole_day) const {
    bool morning = false;
    bool later = false;
    if (word(end) == "am" || word(end) == "pm") {
      morning = word(end) == "am";
      later = !morning;
      ++end;
    } else if ((word(end) == "a" || word(end) == "p") && word(end + 1) == "m") {
      morning = word(end) == "a";
      later = !morning;
      end += 2;
    } else if (word(end) == "in" && word(end + 1) == "the") {
      morning = word(end + 2) == "morning";
      later = word(end + 2) == "afternoon" || word(end + 2) == "evening";
      if (morning || later) end += 3;
    } else if (word(end) == "tonight" || (word(end) == "at" && word(end + 1) == "night")) {
      later = true;
      if (word(end) == "at") end += 2;
    }
    if (hour == 24) hour = 0;
    if (morning && hour == 12) hour = 0;
    if (later && hour < 12) hour += 12;
    TimeOfDay time{static_cast<int>(hour), static_cast<int>(minute)};
    if (!morning && !later && !whole_day && hour <= 12) time = within_hours(time);
    if (time.hour > 23) return std::nullopt;
    return Found<TimeOfDay>{begin, end, time};
  }

  TimeOfDay within_hours(TimeOfDay time) const {
    const TimeOfDay other{(time.hour + 12) % 24, time.minute};
    const auto open = [this](const TimeOfDay& t) { return t >= hours_.from && t <= hours_.to; };
    if (open(time)) return time;
    if (open(other)) return other;
    return time.hour >= 1 && time.hour < 7 ? other : time;
  }

  const Words& words_;
  bool asked_;
  const Hours& hours_;
  const std::vector<bool>& taken_;
};

} // namespace

std::vector<Found<TimeOfDay>> find_times(const Words& words, bool asked, const Hours& hours,
                                         const std::vector<bool>& taken) {
  return find_all<TimeOfDay>(TimeFinder(words, asked, hours, taken), words);
}

} // namespace talky::language
