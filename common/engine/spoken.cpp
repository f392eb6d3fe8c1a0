// Text is cut into words at white space; each word is freed of the punctuation around it, and the first rule
// that knows it says how it is spoken. Numbers in words: spoken_numbers.cpp.
#include "engine/spoken.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <vector>

#include "core/ascii.hpp"

namespace talky::engine {
namespace {

using std::string_view;

struct Pair {
  string_view from, to;
};

// What a word of the text is, without the punctuation around it.
struct Word {
  string_view core;
  char mark = 0;       // , . ; : ? ! that follows: it makes the pause
  bool dotted = false; // a full stop follows directly, which may belong to an abbreviation
};

const string_view* look_up(std::span<const Pair> table, string_view key) {
  for (const Pair& pair : table) {
    if (pair.from == key) return &pair.to;
  }
  return nullptr;
}

bool all_digits(string_view text) {
  for (const char c : text) {
    if (!ascii::is_digit(c)) return false;
  }
  return !text.empty();
}
bool all_upper(string_view text) {
  for (const char c : text) {
    if (c < 'A' || c > 'Z') return false;
  }
  return !text.empty();
}
bool has_letter(string_view text) {
  for (const char c : text) {
    if (ascii::is_alpha(c)) return true;
  }
  return false;
}

// The rest of UTF-8 that people write in prompts, as ASCII; everything else becomes a space.
std::string to_ascii(string_view text) {
  static constexpr std::array<Pair, 43> kTable = {{
      {"\u2018", "'"},         {"\u2019", "'"},     {"\u201C", "\""},      {"\u201D", "\""},
      {"\u2013", "-"},         {"\u2014", ", "},    {"\u2026", "."},       {"\u00A0", " "},
      {"\u00B0", " degrees "}, {"\u20AC", "EUR"},   {"\u00A3", "GBP"},     {"\u00BD", " 1/2 "},
      {"\u00BC", " 1/4 "},     {"\u00BE", " 3/4 "}, {"\u00D7", " times "}, {"\u00E0", "a"},
      {"\u00E1", "a"},         {"\u00E2", "a"},     {"\u00E3", "a"},       {"\u00E4", "a"},
      {"\u00E5", "a"},         {"\u00E7", "c"},     {"\u00E8", "e"},       {"\u00E9", "e"},
      {"\u00EA", "e"},         {"\u00EB", "e"},     {"\u00EC", "i"},       {"\u00ED", "i"},
      {"\u00EE", "i"},         {"\u00EF", "i"},     {"\u00F1", "n"},       {"\u00F2", "o"},
      {"\u00F3", "o"},         {"\u00F4", "o"},     {"\u00F6", "o"},       {"\u00F8", "o"},
      {"\u00F9", "u"},         {"\u00FA", "u"},     {"\u00FB", "u"},       {"\u00FC", "u"},
      {"\u00DF", "ss"},        {"\u00E6", "ae"},    {"\u00C9", "E"},
  }};
  std::string out;
  while (!text.empty()) {
    const auto lead = static_cast<unsigned char>(text.front());
    if (lead < 0x80) {
      out += lead < 0x20 || lead == 0x7F ? ' ' : text.front();
      text.remove_prefix(1);
      continue;
    }
    std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
    length = std::min(length, text.size());
    const string_view* found = look_up(kTable, text.substr(0, length));
    out += found != nullptr ? *found : string_view(" ");
    text.remove_prefix(length);
  }
  return out;
}

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
constexpr std::array<Pair, 10> kDays = {{{"mon", "Monday"},
                                         {"tue", "Tuesday"},
                                         {"tues", "Tuesday"},
                                         {"wed", "Wednesday"},
                                         {"thu", "Thursday"},
                                         {"thur", "Thursday"},
                                         {"thurs", "Thursday"},
                                         {"fri", "Friday"},
                                         {"sat", "Saturday"},
                                         {"sun", "Sunday"}}};
// Abbreviations that are no words of their own, with or without their full stop.
constexpr std::array<Pair, 28> kAbbreviations = {
    {{"dr", "Doctor"},      {"mr", "Mister"},       {"mrs", "Missus"},       {"ms", "Miz"},
     {"prof", "Professor"}, {"ave", "Avenue"},      {"blvd", "Boulevard"},   {"rd", "Road"},
     {"apt", "Apartment"},  {"dept", "Department"}, {"ext", "extension"},    {"approx", "approximately"},
     {"vs", "versus"},      {"etc", "et cetera"},   {"e.g", "for example"},  {"i.e", "that is"},
     {"jr", "Junior"},      {"sr", "Senior"},       {"inc", "Incorporated"}, {"ltd", "Limited"},
     {"tel", "telephone"},  {"hrs", "hours"},       {"mins", "minutes"},     {"km", "kilometers"},
     {"kg", "kilograms"},   {"cm", "centimeters"},  {"ft", "feet"},          {"tbd", "to be determined"}}};
// Capitals that are spelled although they could be read as a word. flite spells the unpronounceable by
// itself.
constexpr std::array<string_view, 22> kSpelled = {"API", "ID",  "AI",  "US",  "USA", "EU", "UK",  "IT",
                                                  "URL", "FAQ", "ETA", "OS",  "AM",  "PM", "CEO", "SMS",
                                                  "ATM", "UPS", "IP",  "UTC", "IVR", "SSN"};

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

// Months and days: "Jan", "Jan.", "January". May and March are words too, so the caller looks at what
// follows.
const string_view* month(string_view word) {
  const std::string key = ascii::lower(word);
  if (key.size() < 3) return nullptr;
  const string_view* found = look_up(kMonths, string_view(key).substr(0, 3));
  if (found == nullptr) return nullptr;
  return key.size() == 3 || key == "sept" || ascii::iequals(key, *found) ? found : nullptr;
}

std::string clock_words(unsigned hour, unsigned minute, bool bare) {
  if (minute == 0) return cardinal(hour) + (bare && hour >= 1 && hour <= 12 ? " o'clock" : "");
  return cardinal(hour) + (minute < 10 ? " oh " : " ") + cardinal(minute);
}

bool is_half_day(string_view word) {
  return ascii::iequals(word, "am") || ascii::iequals(word, "pm") || ascii::iequals(word, "a.m") ||
         ascii::iequals(word, "p.m");
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

// "2026-11-22", "11/22/2026"
std::optional<std::string> date(string_view core) {
  const bool iso = core.size() == 10 && core[4] == '-' && core[7] == '-';
  const std::size_t first = core.find('/');
  const std::size_t second = first == string_view::npos ? first : core.find('/', first + 1);
  std::optional<unsigned> y, m, d;
  if (iso) {
    y = small_number(core.substr(0, 4));
    m = small_number(core.substr(5, 2));
    d = small_number(core.substr(8, 2));
  } else if (second != string_view::npos) {
    m = small_number(core.substr(0, first));
    d = small_number(core.substr(first + 1, second - first - 1));
    y = small_number(core.substr(second + 1));
  }
  if (!y || !m || !d || *m < 1 || *m > 12 || *d < 1 || *d > 31 || *y < 1000) return std::nullopt;
  return std::string(kMonths[*m - 1].to) + " " + ordinal(*d) + ", " + year(*y);
}

// "$12.50", "EUR7", "5%"
std::optional<std::string> number(string_view core);
std::optional<std::string> money(string_view core) {
  struct Currency {
    string_view sign, one, many, cent, cents;
  };
  static constexpr std::array<Currency, 3> kCurrencies = {{{"$", "dollar", "dollars", "cent", "cents"},
                                                           {"EUR", "euro", "euros", "cent", "cents"},
                                                           {"GBP", "pound", "pounds", "penny", "pence"}}};
  for (const Currency& currency : kCurrencies) {
    if (core.starts_with(currency.sign)) {
      core.remove_prefix(currency.sign.size());
    } else if (core.ends_with(currency.sign)) {
      core.remove_suffix(currency.sign.size());
    } else {
      continue;
    }
    const std::size_t dot = core.find('.');
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
    const std::size_t end = std::min(core.find_first_of("-.()/"), core.size());
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

std::optional<std::string> numeric(string_view core, string_view before, string_view next) {
  if (core.empty()) return std::nullopt;
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

// jo.doe@example.com, example.com/help, https://example.com
std::optional<std::string> address(string_view core) {
  for (const string_view scheme : {"https://", "http://", "mailto:", "sips:", "sip:"}) {
    if (core.starts_with(scheme) && core.size() > scheme.size()) core.remove_prefix(scheme.size());
  }
  const bool mail = core.find('@') != string_view::npos;
  const std::size_t dot = core.find('.');
  const bool host = dot != string_view::npos && dot > 1 && dot + 2 < core.size() &&
                    ascii::is_alpha(core[dot - 1]) && ascii::is_alpha(core[dot + 1]);
  if (!mail && !host) return std::nullopt;
  std::string out, run;
  const auto flush = [&] {
    if (!run.empty()) out += ' ' + (all_digits(run) ? digits(run) : run);
    run.clear();
  };
  for (const char c : core) {
    if (ascii::is_alnum(c)) {
      if (!run.empty() && ascii::is_digit(run.back()) != ascii::is_digit(c)) flush();
      run += c;
      continue;
    }
    flush();
    static constexpr std::array<Pair, 6> kMarks = {{{"@", " at"},
                                                    {".", " dot"},
                                                    {"-", " dash"},
                                                    {"_", " underscore"},
                                                    {"/", " slash"},
                                                    {":", " colon"}}};
    if (const string_view* name = look_up(kMarks, string_view(&c, 1))) out += *name;
  }
  flush();
  return out.substr(1);
}

// One word, or nothing if it is to stay as it is. `taken` tells that its full stop was part of it.
std::optional<std::string> replacement(const Word& word, string_view before, const Word* after, bool& taken) {
  const string_view next = after != nullptr ? after->core : string_view();
  const string_view core = word.core;
  const std::string low = ascii::lower(core);
  if (auto out = numeric(core, before, next)) return out;
  if (is_half_day(core) && !before.empty() && ascii::is_digit(before.back())) {
    taken = word.dotted && core.find('.') != string_view::npos;
    return low.front() == 'a' ? "A M" : "P M";
  }
  if (const string_view* full = look_up(kAbbreviations, low);
      full != nullptr && (word.dotted || !all_upper(core) || core.size() == 2)) {
    taken = word.dotted;
    return std::string(*full);
  }
  if (low == "no" && word.dotted && !next.empty() && ascii::is_digit(next.front())) {
    taken = true;
    return "number";
  }
  if (low == "st" && word.dotted) {
    taken = true;
    const bool name_follows = word.mark == '.' && !next.empty() && next.front() >= 'A' &&
                              next.front() <= 'Z' &&
                              (before.empty() || !ascii::is_alpha(before.front()) || before.front() > 'Z');
    return name_follows ? "Saint" : "Street";
  }
  const bool capital = !core.empty() && core.front() >= 'A' && core.front() <= 'Z';
  if (capital && (word.dotted || (!next.empty() && ascii::is_digit(next.front())))) {
    if (const string_view* name = month(core);
        name != nullptr && (word.dotted || core.size() > 3 || low != "may")) {
      taken = word.dotted && core.size() <= 4 && !next.empty();
      return std::string(*name);
    }
  }
  if (capital) {
    if (const string_view* day = look_up(kDays, low);
        day != nullptr && (word.dotted || (low != "sat" && low != "sun"))) {
      taken = word.dotted && !next.empty();
      return std::string(*day);
    }
    for (const string_view letters : kSpelled) {
      if (core == letters) return spelled(core);
    }
  }
  if (low == "we're") return "we are";
  if (core == "&") return "and";
  if (core == "+") return "plus";
  if (core == "=") return "equals";
  if (core == "@") return "at";
  if (auto out = address(core)) return out;
  // and/or, Mon-Fri
  if (const std::size_t at = core.find_first_of("/-");
      at != string_view::npos && at > 0 && at + 1 < core.size()) {
    const string_view left = core.substr(0, at), right = core.substr(at + 1);
    const string_view* from = look_up(kDays, ascii::lower(left));
    const string_view* to = look_up(kDays, ascii::lower(right));
    if (core[at] == '-' && from != nullptr && to != nullptr)
      return std::string(*from) + " to " + std::string(*to);
    if (core[at] == '/' && has_letter(left)) return std::string(left) + " " + std::string(right);
  }
  return std::nullopt;
}

std::vector<Word> words_of(string_view text) {
  static constexpr string_view kOpening = "([{<\"'*_`~|";
  static constexpr string_view kClosing = ")]}>\"'*_`~|.,;:!?";
  std::vector<Word> words;
  std::size_t at = 0;
  while ((at = text.find_first_not_of(' ', at)) != string_view::npos) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    string_view token = text.substr(at, end - at);
    at = end;
    Word word;
    while (!token.empty() && kOpening.find(token.front()) != string_view::npos)
      token.remove_prefix(1);
    while (!token.empty() && kClosing.find(token.back()) != string_view::npos) {
      const char c = token.back();
      if (string_view(".,;:!?").find(c) != string_view::npos && (word.mark == 0 || word.mark == '.'))
        word.mark = c;
      word.dotted = c == '.';
      token.remove_suffix(1);
    }
    word.core = token;
    if (!token.empty()) {
      words.push_back(word);
    } else if (word.mark != 0 && !words.empty() && words.back().mark == 0) {
      words.back().mark = word.mark;
    }
  }
  return words;
}

} // namespace

std::string spoken(string_view text) {
  const std::string ascii_text = to_ascii(text);
  const std::vector<Word> words = words_of(ascii_text);
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const Word& word = words[i];
    const string_view before = i > 0 ? words[i - 1].core : string_view();
    bool taken = false;
    auto said = replacement(word, before, i + 1 < words.size() ? &words[i + 1] : nullptr, taken);
    if (!said) {
      said.emplace();
      for (const char c : word.core) {
        const bool keep =
            ascii::is_alnum(c) || c == '\'' || c == '-' || c == '.' || c == ',' || c == '%' || c == '$';
        *said += keep ? c : ' ';
      }
      *said = ascii::trim(*said);
      if (!has_letter(*said)) continue;
    }
    if (!out.empty()) out += ' ';
    out += *said;
    if (word.mark != 0 && (!taken || word.mark != '.' || i + 1 == words.size())) out += word.mark;
  }
  return out;
}

} // namespace talky::engine
