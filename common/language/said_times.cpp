// Times of day in what somebody says.
#include "core/ascii.hpp"
#include "language/calendar.hpp"
#include "language/said.hpp"

namespace talky::language {
namespace {

class TimeFinder {
 public:
  TimeFinder(const Words& words, const TimeContext& context, const std::vector<bool>& taken)
      : words_(words), asked_(context.asked), context_(context), hours_(context.hours), taken_(taken) {}

  std::optional<Mention<TimeOfDay>> at(std::size_t i) const {
    if (taken(i)) return std::nullopt;
    for (const auto form : {&TimeFinder::from_now, &TimeFinder::shifted, &TimeFinder::named,
                            &TimeFinder::relative, &TimeFinder::absolute}) {
      if (const auto found = (this->*form)(i)) {
        Mention<TimeOfDay> mention;
        static_cast<Found<TimeOfDay>&>(mention) = *found;
        mention.bare = found->end == i + 1;
        return mention;
      }
    }
    return std::nullopt;
  }

 private:
  std::string_view word(std::size_t i) const { return word_at(words_, i); }
  bool taken(std::size_t i) const { return i < taken_.size() && taken_[i]; }

  std::optional<Found<TimeOfDay>> named(std::size_t i) const {
    if (is_one_of(word(i), {"noon", "midday", "noonish", "noontime"}))
      return Found<TimeOfDay>{i, i + 1, {12, 0}};
    if (word(i) == "midnight") return Found<TimeOfDay>{i, i + 1, {0, 0}};
    if (is_one_of(word(i), {"twelve", "12"}) && is_one_of(word(i + 1), {"noon", "midday"}))
      return Found<TimeOfDay>{i, i + 2, {12, 0}};
    return std::nullopt;
  }

  // "an hour", "half an hour", "an hour and a half", "thirty minutes": in minutes
  std::optional<Found<std::int64_t>> duration(std::size_t i) const {
    std::size_t at = i;
    std::int64_t minutes = 0;
    if (follows(words_, at, {"half", "an", "hour"})) return Found<std::int64_t>{i, i + 3, 30};
    if (follows(words_, at, {"a", "half", "hour"}) || follows(words_, at, {"a", "half", "an"}))
      return Found<std::int64_t>{i, i + (word(at + 2) == "an" ? 4U : 3U), 30};
    if (follows(words_, at, {"quarter", "of", "an", "hour"})) return Found<std::int64_t>{i, i + 4, 15};
    if (follows(words_, at, {"a", "quarter", "of", "an", "hour"})) return Found<std::int64_t>{i, i + 5, 15};
    if (follows(words_, at, {"three", "quarters", "of", "an", "hour"}))
      return Found<std::int64_t>{i, i + 5, 45};
    std::int64_t count = 0;
    if (word(at) == "a" || word(at) == "an" || word(at) == "one") {
      count = 1;
      ++at;
      if (follows(words_, at, {"couple", "of"})) {
        count = 2;
        at += 2;
      }
    } else if (const auto number = cardinal_at(words_, at);
               number && number->value > 0 && number->value < 600) {
      count = number->value;
      at = number->end;
    } else {
      return std::nullopt;
    }
    bool half = false;
    if (follows(words_, at, {"and", "a", "half"})) {
      half = true;
      at += 3;
    }
    if (word(at) == "hour" || word(at) == "hours") minutes = 60 * count;
    if (word(at) == "minute" || word(at) == "minutes") minutes = count;
    if (minutes == 0) return std::nullopt;
    ++at;
    if (minutes >= 60 && follows(words_, at, {"and", "a", "half"})) {
      half = true;
      at += 3;
    }
    return Found<std::int64_t>{i, at, minutes + (half ? 30 : 0)};
  }

  static std::optional<TimeOfDay> moved(const TimeOfDay& from, std::int64_t minutes) {
    const std::int64_t total = from.hour * std::int64_t{60} + from.minute + minutes;
    if (total < 0 || total >= std::int64_t{24} * 60) return std::nullopt;
    return TimeOfDay{static_cast<int>(total / 60), static_cast<int>(total % 60)};
  }

  // "in an hour": from now on
  std::optional<Found<TimeOfDay>> from_now(std::size_t i) const {
    if (word(i) != "in" || !context_.now) return std::nullopt;
    const auto length = duration(i + 1);
    if (!length) return std::nullopt;
    const auto time = moved(*context_.now, length->value);
    if (!time) return std::nullopt;
    return Found<TimeOfDay>{i, length->end, *time};
  }

  // "an hour later", "half an hour before three", "one hour later than ten", "back by an hour"
  std::optional<Found<TimeOfDay>> shifted(std::size_t i) const {
    std::size_t at = i;
    int sign = 0;
    if (is_one_of(word(at), {"back", "forward", "forwards", "up"})) {
      sign = word(at) == "back" ? 1 : -1;
      ++at;
      if (word(at) == "by") ++at;
    }
    const auto length = duration(at);
    if (!length) return std::nullopt;
    std::size_t end = length->end;
    if (is_one_of(word(end), {"later", "after", "past", "on"})) {
      sign = 1;
      ++end;
    } else if (is_one_of(word(end), {"earlier", "sooner", "before", "to"})) {
      sign = -1;
      ++end;
    } else if (sign == 0) {
      return std::nullopt;
    }
    const bool bare_preposition = is_one_of(word(end - 1), {"past", "to", "on"});
    std::size_t base = end;
    if (word(base) == "than") ++base;
    if (word(base) == "at") ++base;
    const TimeFinder others = with_asked();
    auto from = others.named(base);
    if (!from) from = others.relative(base);
    if (!from) from = others.absolute(base);
    std::optional<TimeOfDay> time;
    if (from) {
      time = moved(from->value, sign * length->value);
      end = from->end;
    } else if (context_.known && !bare_preposition) {
      time = moved(*context_.known, sign * length->value);
      while (is_one_of(word(end), {"than", "that", "then"}))
        ++end;
    }
    if (!time) return std::nullopt;
    return Found<TimeOfDay>{i, end, *time};
  }
  TimeFinder with_asked() const {
    TimeFinder out = *this;
    out.asked_ = true;
    return out;
  }

  // "half past three", "quarter to five", "ten past nine", "half three"
  std::optional<Found<TimeOfDay>> relative(std::size_t i) const {
    std::size_t at = i;
    std::int64_t minutes = 0;
    const bool range = i > 0 && is_one_of(words_[i - 1], {"from", "between"}); // "from two to four"
    bool named_minutes = false;
    if (word(at) == "a" && word(at + 1) == "quarter") ++at;
    if (word(at) == "half" || word(at) == "quarter") {
      minutes = word(at) == "half" ? 30 : 15;
      ++at;
    } else if (const auto number = cardinal_at(words_, at);
               number && number->value >= 1 && number->value <= 29) {
      minutes = number->value;
      at = number->end;
      named_minutes = word(at) == "minutes";
      if (named_minutes) ++at;
    } else {
      return std::nullopt;
    }
    const bool past = word(at) == "past" || word(at) == "after";
    const bool to = word(at) == "to" || word(at) == "till" || word(at) == "before";
    // "Two to four" is a range.
    if (to && !named_minutes && (range || minutes % 5 != 0)) return std::nullopt;
    if (past || to) {
      ++at;
    } else if (minutes != 30 || word(i) != "half") {
      return std::nullopt;
    }
    if (!hour_at(at) && context_.known && (past || to || word(i) == "half")) {
      // "Make it half past": of the hour that is known.
      const int hour = context_.known->hour +
                       (to && minutes > context_.known->minute && context_.known->minute > 0 ? 1 : 0);
      const auto time = moved({hour, 0}, to ? -minutes : minutes);
      if (!time || !(past || to)) return std::nullopt;
      return Found<TimeOfDay>{i, at, *time};
    }
    const auto hour = hour_at(at);
    if (!hour) return std::nullopt;
    std::int64_t total = hour->value * std::int64_t{60} + (to ? -minutes : minutes);
    if (total < 0) total += std::int64_t{12} * 60;
    return finish(i, hour->end, total / 60, total % 60, hour->value > 12);
  }

  std::optional<Found<std::int64_t>> hour_at(std::size_t at) const {
    if (taken(at)) return std::nullopt;
    const std::string_view said = word(at);
    // "threeish", "ten-ish"
    if (said.size() > 5 && said.ends_with("ish")) {
      const Words stem{std::string(said.substr(0, said.size() - 3))};
      const auto hour = cardinal_at(stem, 0);
      if (hour && hour->value <= 24) return Found<std::int64_t>{at, at + 1, hour->value};
    }
    const auto hour = cardinal_at(words_, at);
    if (!hour || hour->end != at + 1 || hour->value > 24) return std::nullopt;
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
    // "Ten past" without its hour, "two people", "one more" are no times.
    const bool range = word(end) == "to" && hour_at(end + 1) &&
                       (hour->value % 5 != 0 || (i > 0 && is_one_of(words_[i - 1], {"from", "between"})));
    if (!range &&
        is_one_of(word(end), {"past", "to", "minutes", "minute", "hours", "hour", "people", "persons", "days",
                              "weeks", "of", "more", "euros", "times", "haircuts", "appointments"}))
      return std::nullopt;
    // "The second one" is none.
    const bool which =
        word(i) == "one" && i > 0 &&
        !is_one_of(word(i + 1), {"oclock", "thirty", "fifteen", "pm", "p", "o"}) &&
        is_one_of(words_[i - 1], {"the", "second", "first", "other", "that", "this", "last", "which", "third",
                                  "no", "new", "good", "nice", "great", "a"});
    if (which) return std::nullopt;
    bool sure = asked_ || introduced(i) || (range && i > 0 && words_[i - 1] == "from");
    std::int64_t minute = 0;
    if ((word(end) == "oh" || word(end) == "o") && word(end + 1).size() > 2) {
      const auto unit = cardinal_at(words_, end + 1);
      if (unit && unit->end == end + 2 && unit->value <= 9) {
        minute = unit->value;
        end = unit->end;
        sure = true;
      }
    } else if (const auto minutes = cardinal_at(words_, end);
               minutes && !taken(end) &&
               !(minutes->value <= 12 && i > 0 && words_[i - 1] == "not") && // "not nine, ten"
               minutes->value >= 10 && minutes->value <= 59 && word(minutes->end) != "days") {
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
    if (word(i).ends_with("ish") || word(end) == "ish") sure = true;
    if (word(end) == "ish") ++end;
    if (context_.minute && minute == 0 && end == hour->end) minute = *context_.minute;
    const auto found = finish(i, end, hour->value, minute, hour->value > 12);
    if (!found || (!sure && found->end == end)) return std::nullopt;
    return found;
  }

  // "at ten", "around ten"
  bool introduced(std::size_t i) const {
    if (i == 0) return false;
    const std::string& before = words_[i - 1];
    if (is_one_of(before, {"no", "wait", "sorry", "rather", "actually", "mean", "meant", "or"}) &&
        names_hour_before(i))
      return true;
    if (before == "than" && i > 1 && is_one_of(words_[i - 2], {"earlier", "later", "sooner"})) return true;
    if (before == "it" && i > 1 && is_one_of(words_[i - 2], {"make", "do", "at"}) && context_.known)
      return true;
    // "Tomorrow morning, ten fifteen", "on Friday, three"
    const bool behind_day =
        is_one_of(before, {"morning", "afternoon", "evening", "tomorrow", "today"}) || weekday_of(before);
    if (behind_day) {
      const auto hour = cardinal_at(words_, i);
      if (hour) {
        const auto minute = cardinal_at(words_, hour->end);
        const std::size_t end = minute ? minute->end : hour->end;
        if ((minute && minute->value >= 10) || end == words_.size() ||
            is_one_of(word(end), {"please", "then", "if"}))
          return true;
      }
    }
    return is_one_of(before, {"at", "around", "about", "by", "say", "between"}) ||
           (before == "to" && i > 1 &&
            (is_one_of(words_[i - 2], {"changed", "change", "moved", "move"}) ||
             (i > 2 && words_[i - 3] == "from")));
  }

  // "At two, no wait, three": an hour was named before.
  bool names_hour_before(std::size_t i) const {
    for (std::size_t k = 0; k + 1 < i; ++k)
      if (hour_at(k) && (introduced(k) || is_one_of(word(k + 1), {"am", "pm", "oclock", "in"}))) return true;
    return false;
  }

  // What follows says which half of the day is meant; else the hours do.
  std::optional<Found<TimeOfDay>> finish(std::size_t begin, std::size_t end, std::int64_t hour,
                                         std::int64_t minute, bool whole_day) const {
    bool morning = false;
    bool later = false;
    if (word(end) == "in" && word(end + 1) == "the" && word(end + 2) == "early") {
      // "in the early afternoon": the words of a part of the day, found elsewhere
    } else if (word(end) == "am" || word(end) == "pm") {
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
    } else if (!whole_day && hour <= 12 && context_.later_half) {
      // Said before, or elsewhere in the sentence: "tomorrow afternoon at two".
      const std::int64_t afternoon = hour == 12 ? 12 : hour + 12;
      const std::int64_t said = *context_.later_half ? afternoon : hour;
      if (said < 24) return Found<TimeOfDay>{begin, end, {static_cast<int>(said), static_cast<int>(minute)}};
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
  const TimeContext& context_;
  Hours hours_;
  const std::vector<bool>& taken_;
};

} // namespace

std::vector<Mention<TimeOfDay>> time_mentions(const Words& words, const TimeContext& context,
                                              const std::vector<bool>& taken) {
  return all_mentions<TimeOfDay>(TimeFinder(words, context, taken), words);
}

std::vector<Found<TimeOfDay>> find_times(const Words& words, bool asked, const Hours& hours,
                                         const std::vector<bool>& taken) {
  return meant(time_mentions(words, {.asked = asked, .hours = hours}, taken));
}

} // namespace talky::language
