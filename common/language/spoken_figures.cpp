// How words with figures in them are spoken: times, dates, money, telephone numbers, quantities.
#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "core/ascii.hpp"
#include "language/spoken.hpp"
#include "language/spoken_words.hpp"

namespace talky::language::detail {
namespace {

constexpr std::array<Pair, 12> kMonths = {{{"jan", "January"},
                                           {"feb", "February"},
                                           {"mar", "March"},
                                           {"apr", "April"},
                                           {"may", "May"},
                                           {"jun", "June"},
                                           {"jul", "July"},
                                           {"aug", "August"},
                                           {"sep", "September"},
                                           {"oct", "October"},
                                           {"nov", "November"},
                                           {"dec", "December"}}};

} // namespace

std::string spelled(string_view letters) {
  std::string out;
  for (const char c : letters) {
    if (!out.empty()) out += ' ';
    out += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return out;
}

std::optional<unsigned> small_number(string_view text) {
  if (!all_digits(text) || text.size() > 4) return std::nullopt;
  return ascii::to_number<unsigned>(text);
}

const string_view* month(string_view word) {
  const std::string key = ascii::lower(word);
  if (key.size() < 3) return nullptr;
  const string_view* found = look_up(kMonths, string_view(key).substr(0, 3));
  if (found == nullptr) return nullptr;
  return key.size() == 3 || key == "sept" || ascii::iequals(key, *found) ? found : nullptr;
}

bool is_half_day(string_view word) {
  return ascii::iequals(word, "am") || ascii::iequals(word, "pm") || ascii::iequals(word, "a.m") ||
         ascii::iequals(word, "p.m");
}

namespace {

std::string clock_words(unsigned hour, unsigned minute, bool bare) {
  if (minute == 0) return cardinal(hour) + (bare && hour >= 1 && hour <= 12 ? " o'clock" : "");
  return cardinal(hour) + (minute < 10 ? " oh " : " ") + cardinal(minute);
}

// "3:30", "3:30pm", "10am"
std::optional<std::string> clock_time(string_view core, string_view next) {
  std::string half;
  if (core.size() > 2 && ascii::is_digit(core.front()) && is_half_day(core.substr(core.size() - 2))) {
    half = ascii::to_lower(core[core.size() - 2]) == 'a' ? " A M" : " P M";
    core.remove_suffix(2);
  }
  const std::size_t colon = core.find(':');
  const auto hour = small_number(core.substr(0, colon));
  if (!hour || *hour > 24) return std::nullopt;
  if (colon == string_view::npos) {
    return half.empty() ? std::nullopt : std::optional(cardinal(*hour) + half);
  }
  const auto minute = small_number(core.substr(colon + 1));
  if (!minute || *minute > 59 || core.size() - colon != 3) return std::nullopt;
  return clock_words(*hour, *minute, half.empty() && !is_half_day(next)) + half;
}

// "2026-11-22", "11/22/2026"; where only the other order is a date, that one: "22/11/2026", "22.11.2026"
std::optional<std::string> date(string_view core) {
  const bool iso = core.size() == 10 && core[4] == '-' && core[7] == '-';
  const char mark = core.find('/') != string_view::npos ? '/' : '.';
  const std::size_t first = core.find(mark);
  const std::size_t second = first == string_view::npos ? first : core.find(mark, first + 1);
  const auto part = [](string_view text) { return small_number(text).value_or(0); };
  unsigned y = 0;
  unsigned m = 0;
  unsigned d = 0;
  if (iso) {
    y = part(core.substr(0, 4));
    m = part(core.substr(5, 2));
    d = part(core.substr(8, 2));
  } else if (second != string_view::npos) {
    m = part(core.substr(0, first));
    d = part(core.substr(first + 1, second - first - 1));
    y = part(core.substr(second + 1));
    // Points stand between day and month.
    if (mark == '.' || m > 12) std::swap(m, d);
  }
  if (m < 1 || m > 12 || d < 1 || d > 31 || y < 1000) return std::nullopt;
  return std::string(kMonths[m - 1].to) + " " + ordinal(d) + ", " + year(y);
}

struct Currency {
  string_view sign, one, many, cent, cents;
};
constexpr std::array<Currency, 5> kCurrencies = {{{"$", "dollar", "dollars", "cent", "cents"},
                                                  {"EUR", "euro", "euros", "cent", "cents"},
                                                  {"GBP", "pound", "pounds", "penny", "pence"},
                                                  {"USD", "dollar", "dollars", "cent", "cents"},
                                                  {"CHF", "franc", "francs", "centime", "centimes"}}};

// "$12.50", "EUR7", "5%"
std::optional<std::string> number(string_view core);
std::optional<std::string> money(string_view core) {
  for (const Currency& currency : kCurrencies) {
    if (core.starts_with(currency.sign)) {
      core.remove_prefix(currency.sign.size());
    } else if (core.ends_with(currency.sign)) {
      core.remove_suffix(currency.sign.size());
    } else {
      continue;
    }
    core = ascii::trim(core);
    // "12,50" as well as "12.50"
    const bool comma = core.size() > 3 && core[core.size() - 3] == ',';
    const std::size_t dot = comma ? core.size() - 3 : core.find('.');
    const auto whole = number(core.substr(0, dot));
    if (!whole) return std::nullopt;
    std::string out = *whole + " " + std::string(core.substr(0, dot) == "1" ? currency.one : currency.many);
    if (dot == string_view::npos) return out;
    const auto cents = small_number(core.substr(dot + 1));
    if (!cents || core.size() - dot != 3) return std::nullopt;
    if (*cents == 0) return out;
    return out + " and " + cardinal(*cents) + " " + std::string(*cents == 1 ? currency.cent : currency.cents);
  }
  return std::nullopt;
}

// Grouped by the writer with - . ( ) and long enough to be a telephone number, or with a leading +.
std::optional<std::string> telephone(string_view core) {
  std::string out;
  std::size_t count = 0, groups = 0;
  const bool plus = core.starts_with('+');
  if (plus) core.remove_prefix(1);
  while (!core.empty()) {
    const std::size_t end = std::min(core.find_first_of("-.()/ "), core.size());
    const string_view group = core.substr(0, end);
    core.remove_prefix(std::min(end + 1, core.size()));
    if (group.empty()) continue;
    if (!all_digits(group)) return std::nullopt;
    if (!out.empty()) out += ", ";
    out += digits(group);
    count += group.size();
    ++groups;
  }
  if (plus && count > 0) return "plus " + out;
  if (groups < 2 || count < 7) return std::nullopt;
  return out;
}

// Whole numbers with or without commas, decimals, version numbers.
std::optional<std::string> number(string_view core) {
  if (core.starts_with('-')) {
    const auto rest = number(core.substr(1));
    return rest ? std::optional("minus " + *rest) : std::nullopt;
  }
  const std::size_t dot = core.find('.');
  if (dot != string_view::npos) {
    const auto whole = number(core.substr(0, dot));
    const string_view rest = core.substr(dot + 1);
    if (!whole || rest.empty()) return std::nullopt;
    std::string out = *whole;
    std::size_t begin = 0;
    while (begin <= rest.size()) {
      const std::size_t end = std::min(rest.find('.', begin), rest.size());
      const string_view group = rest.substr(begin, end - begin);
      if (!all_digits(group)) return std::nullopt;
      out += " point " + digits(group);
      begin = end + 1;
    }
    return out;
  }
  std::string plain;
  bool commas = false;
  for (std::size_t i = 0; i < core.size(); ++i) {
    if (core[i] == ',' && i > 0 && (core.size() - i) % 4 == 0) {
      commas = true;
    } else if (ascii::is_digit(core[i])) {
      plain += core[i];
    } else {
      return std::nullopt;
    }
  }
  if (plain.empty()) return std::nullopt;
  const bool round = plain.ends_with("000");
  // Codes and numbers of things are said digit by digit.
  if ((plain.size() > 1 && plain[0] == '0') || plain.size() > 15 || (plain.size() > 4 && !commas && !round)) {
    return digits(plain);
  }
  return cardinal(*ascii::to_number<unsigned long long>(plain));
}

} // namespace

bool is_currency(string_view word) {
  return std::any_of(kCurrencies.begin(), kCurrencies.end(),
                     [&](const Currency& c) { return c.sign == word; });
}

std::optional<std::string> numeric(string_view core, string_view before, string_view next) {
  if (core.empty()) return std::nullopt;
  if (core.size() > 1 && ascii::is_digit(core.front())) {
    const string_view figures = core.substr(0, core.size() - 1);
    const char last = core.back();
    // 5k, 2.5k
    if (last == 'k' || last == 'K') {
      if (const auto value = number(figures)) return *value + " thousand";
    }
    // The house 12a
    if (all_digits(figures) && figures.size() <= 4 && figures.front() != '0' &&
        string_view("abcdefABCDEF").find(last) != string_view::npos)
      return cardinal(*small_number(figures)) + " " + spelled(core.substr(figures.size()));
  }
  if (auto out = clock_time(core, next)) return out;
  if (auto out = date(core)) return out;
  if (auto out = money(core)) return out;
  if (core == "24/7") return "twenty four seven";
  static constexpr std::array<Pair, 5> kFractions = {{{"1/2", "a half"},
                                                      {"1/4", "a quarter"},
                                                      {"3/4", "three quarters"},
                                                      {"1/3", "a third"},
                                                      {"2/3", "two thirds"}}};
  if (const string_view* fraction = look_up(kFractions, core)) return std::string(*fraction);
  if (core.ends_with('%')) {
    const auto value = number(core.substr(0, core.size() - 1));
    return value ? std::optional(*value + " percent") : std::nullopt;
  }
  if (core.starts_with('#')) {
    const auto value = number(core.substr(1));
    return value ? std::optional("number " + *value) : std::nullopt;
  }
  // 21st
  if (core.size() > 2 && all_digits(core.substr(0, core.size() - 2))) {
    const std::string end = ascii::lower(core.substr(core.size() - 2));
    const auto value = small_number(core.substr(0, core.size() - 2));
    if (value && (end == "st" || end == "nd" || end == "rd" || end == "th")) return ordinal(*value);
  }
  if (auto out = telephone(core)) return out;
  if (before.starts_with('+') && all_digits(core)) return digits(core); // +1 (555) ...
  // 9-17, 9:00-17:00
  if (const std::size_t dash = core.find('-'); dash != string_view::npos && dash > 0) {
    const auto from = numeric(core.substr(0, dash), before, "a.m"); // no "o'clock" before "to"
    const auto to = numeric(core.substr(dash + 1), {}, next);
    return from && to ? std::optional(*from + " to " + *to) : std::nullopt;
  }
  if (const auto value = small_number(core); value && core.front() != '0') {
    // March 5; 5 March
    if ((month(before) != nullptr || month(next) != nullptr) && *value >= 1 && *value <= 31)
      return ordinal(*value);
    static constexpr std::array<string_view, 6> kBeforeYear = {"in", "since", "of", "year", "until", "from"};
    bool after_date = month(before) != nullptr;
    for (const string_view word : kBeforeYear)
      after_date = after_date || ascii::iequals(before, word);
    // March 5th, 2026
    if (!before.empty() && ascii::is_digit(before.front()) && *value >= 1900 && *value <= 2099)
      after_date = true;
    if (after_date && core.size() == 4 && *value >= 1100 && *value <= 2099) return year(*value);
    static constexpr std::array<string_view, 6> kBeforeCode = {"room", "flight", "extension",
                                                               "ext",  "suite",  "code"};
    for (const string_view word : kBeforeCode) {
      if (core.size() >= 3 && ascii::iequals(before, word)) return digits(core);
    }
  }
  return number(core);
}

} // namespace talky::language::detail
