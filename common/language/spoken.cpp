// Text is cut into words at white space; each word is freed of the punctuation around it, and the first rule
// that knows it says how it is spoken. Figures:
// spoken_figures.cpp; numbers in words: spoken_numbers.cpp.
#include "language/spoken.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <vector>

#include "core/ascii.hpp"
#include "language/spoken_words.hpp"

namespace talky::language {
namespace {

using namespace detail;

// What a word of the text is, without the punctuation around it.
struct Word {
  string_view core;
  char mark = 0;       // , . ; : ? ! that follows: it makes the pause
  bool dotted = false; // a full stop follows directly, which may belong to an abbreviation
};

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
    static constexpr std::array<Pair, 12> kMarks = {{{"+", " plus"},
                                                     {"?", " question mark"},
                                                     {"&", " and"},
                                                     {"=", " equals"},
                                                     {"#", " hash"},
                                                     {"~", " tilde"},
                                                     {"@", " at"},
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

bool is_capital(char c) {
  return c >= 'A' && c <= 'Z';
}
bool is_outward_code(string_view core) {
  if (core.size() < 2 || core.size() > 4 || !is_capital(core[0])) return false;
  const std::size_t letters = is_capital(core[1]) ? 2 : 1;
  if (letters >= core.size() || !ascii::is_digit(core[letters])) return false;
  return letters + 1 == core.size() ||
         (letters + 2 == core.size() && (ascii::is_digit(core.back()) || is_capital(core.back())));
}
bool is_inward_code(string_view core) {
  return core.size() == 3 && ascii::is_digit(core[0]) && is_capital(core[1]) && is_capital(core[2]);
}
// Letters and figures one by one.
std::string code(string_view core) {
  std::string out;
  for (const char c : core)
    out += (out.empty() ? "" : " ") + (ascii::is_digit(c) ? digits(string_view(&c, 1)) : std::string(1, c));
  return out;
}

// One word, or nothing if it is to stay as it is. `taken` tells that its full stop was part of it.
std::optional<std::string> replacement(const Word& word, string_view before, const Word* after, bool& taken) {
  const string_view next = after != nullptr ? after->core : string_view();
  const string_view core = word.core;
  const std::string low = ascii::lower(core);
  if (auto out = numeric(core, before, next)) return out;
  // A post code of the United Kingdom: "SW1A 1AA"
  if (is_outward_code(core) && is_inward_code(next) && word.mark == 0) return code(core);
  if (is_inward_code(core) && is_outward_code(before)) return code(core);
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

// Is it a number of figures, with marks inside: "35", "1,200.50"?
bool is_amount(string_view core) {
  return !core.empty() && ascii::is_digit(core.front()) &&
         core.find_first_not_of("0123456789.,") == string_view::npos;
}

// Words that are spoken as one: "35 EUR", "EUR 35", "+44 20 7946 0123", "020 7946 0123". They are one span of
// the text, whose words follow one another with nothing but a space between.
std::vector<Word> joined_words(const std::vector<Word>& words) {
  std::vector<Word> out;
  const auto adjoins = [&](std::size_t i) { // word i - 1 and word i
    return words[i - 1].mark == 0 &&
           words[i - 1].core.data() + words[i - 1].core.size() + 1 == words[i].core.data();
  };
  for (std::size_t i = 0; i < words.size();) {
    std::size_t end = i + 1;
    const string_view core = words[i].core;
    if (end < words.size() && adjoins(end) &&
        ((is_amount(core) && is_currency(words[end].core)) ||
         (is_currency(core) && is_amount(words[end].core)))) {
      ++end;
    } else if (core.size() > 1 && (core.front() == '+' || core.front() == '0') &&
               all_digits(core.substr(1))) {
      std::size_t count = core.size();
      while (end < words.size() && adjoins(end) && all_digits(words[end].core) && count < 16)
        count += words[end++].core.size();
      if (count < 8) end = i + 1;
    }
    Word word = words[end - 1];
    const char* const last = word.core.data() + word.core.size();
    word.core = string_view(core.data(), static_cast<std::size_t>(last - core.data()));
    out.push_back(word);
    i = end;
  }
  return out;
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
  const std::vector<Word> words = joined_words(words_of(ascii_text));
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

} // namespace talky::language
