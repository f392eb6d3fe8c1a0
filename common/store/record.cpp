#include "store/record.hpp"

#include <fmt/format.h>

#include <cmath>
#include <type_traits>
#include <utility>

#include "core/utf8.hpp"
#include "json/fields.hpp"

namespace talky::store {
namespace {

constexpr std::size_t kMaxDepth = 32;
constexpr std::string_view kReplacement = "\xEF\xBF\xBD"; // U+FFFD

void tidy(std::string& text) {
  std::string out;
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t size = rest[0] == '\0' ? 0 : utf8::sequence(rest);
    const std::string_view piece = size > 0 ? rest.substr(0, size) : kReplacement;
    if (out.size() + piece.size() > kMaxText) break;
    out += piece;
    rest.remove_prefix(size > 0 ? size : 1);
  }
  text = std::move(out);
}

// ---- JSON, member by member

void put(json::object& out, const char* name, const std::string& value, bool all) {
  if (!value.empty() || all) out[name] = value;
}
void put(json::object& out, const char* name, std::int64_t value, bool /*all*/) {
  out[name] = value;
}
template <class T>
void put(json::object& out, const char* name, const std::optional<T>& value, bool all) {
  if (value) {
    out[name] = *value;
  } else if (all) {
    out[name] = nullptr;
  }
}

// The two parts of a record that are lists, field by field as each_field().
template <class File, class Visit>
void each_field_of_file(File& file, Visit&& visit) {
  visit("kind", file.kind);
  visit("path", file.path);
  visit("bytes", file.bytes);
  visit("sha256", file.sha256);
  visit("repaired", file.repaired);
}
template <class One, class Visit>
void each_field_of_utterance(One& one, Visit&& visit) {
  visit("who", one.who);
  visit("begin_ms", one.begin_ms);
  visit("text", one.text);
  visit("cut", one.cut);
}

// A list below `name`, where there is one. False: it is none, or a member of an item is of another type.
template <class Item, class Each>
bool read_list(const json::object& from, const char* name, std::vector<Item>& items, Each each) {
  const json::value* list = json::find_value(from, name);
  if (list == nullptr) return true;
  if (!list->is_array()) return false;
  for (const json::value& one : list->get_array()) {
    if (!one.is_object()) return false;
    json::Fields fields(one.get_object());
    each(items.emplace_back(),
         [&fields](const char* key, auto& variable) { fields.optional(key, variable); });
    if (!fields.ok()) return false;
  }
  return true;
}

// ---- CSV

std::string cell(const std::string& text) {
  const bool formula = !text.empty() && std::string_view("=+-@\t\r").find(text[0]) != std::string_view::npos;
  if (!formula && text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string out = formula ? "\"'" : "\"";
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}
std::string cell(std::int64_t value) {
  return fmt::format("{}", value);
}
template <class T>
std::string cell(const std::optional<T>& value) {
  return value ? fmt::format("{}", *value) : std::string();
}

// ---- Dates: days since 1970 of the Gregorian calendar, by the count of days from 1 March of the year 0.

constexpr std::int64_t kDaysOfEra = 146'097; // 400 years
constexpr std::int64_t kDaysTo1970 = 719'468;
constexpr std::int64_t kMsOfDay = 86'400'000;

std::int64_t days_from(std::int64_t year, std::int64_t month, std::int64_t day) {
  const std::int64_t y = month <= 2 ? year - 1 : year;
  const std::int64_t era = (y >= 0 ? y : y - 399) / 400;
  const std::int64_t of_era = y - era * 400;
  const std::int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * kDaysOfEra + of_era * 365 + of_era / 4 - of_era / 100 + of_year - kDaysTo1970;
}

struct Date {
  std::int64_t year, month, day;
};
Date date_of(std::int64_t days) {
  const std::int64_t z = days + kDaysTo1970;
  const std::int64_t era = (z >= 0 ? z : z - (kDaysOfEra - 1)) / kDaysOfEra;
  const std::int64_t of_era = z - era * kDaysOfEra;
  const std::int64_t year = (of_era - of_era / 1460 + of_era / 36'524 - of_era / 146'096) / 365;
  const std::int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
  const std::int64_t shifted = (5 * of_year + 2) / 153;
  const std::int64_t month = shifted < 10 ? shifted + 3 : shifted - 9;
  return {year + era * 400 + (month <= 2 ? 1 : 0), month, of_year - (153 * shifted + 2) / 5 + 1};
}

// A number of exactly `digits` digits at the front, which is then passed.
std::optional<std::int64_t> number(std::string_view& text, std::size_t digits) {
  if (text.size() < digits) return std::nullopt;
  std::int64_t value = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  return value;
}
bool pass(std::string_view& text, char c) {
  if (text.empty() || text[0] != c) return false;
  text.remove_prefix(1);
  return true;
}

// "17:05", "17:05:09", "17:05:09.123456" as milliseconds.
std::optional<std::int64_t> time_of_day(std::string_view& text) {
  const auto hour = number(text, 2);
  if (!hour || *hour > 23 || !pass(text, ':')) return std::nullopt;
  const auto minute = number(text, 2);
  if (!minute || *minute > 59) return std::nullopt;
  std::int64_t ms = (*hour * 60 + *minute) * 60'000;
  if (!pass(text, ':')) return ms;
  const auto second = number(text, 2);
  if (!second || *second > 59) return std::nullopt;
  ms += *second * 1000;
  if (!pass(text, '.')) return ms;
  std::int64_t weight = 100;
  if (text.empty() || text[0] < '0' || text[0] > '9') return std::nullopt;
  while (!text.empty() && text[0] >= '0' && text[0] <= '9') {
    ms += weight * (text[0] - '0');
    weight /= 10;
    text.remove_prefix(1);
  }
  return ms;
}

// "", "Z", "+01:00": milliseconds east of UTC.
std::optional<std::int64_t> zone(std::string_view& text) {
  if (text.empty() || pass(text, 'Z')) return 0;
  const bool west = text[0] == '-';
  if (!pass(text, '-') && !pass(text, '+')) return std::nullopt;
  const auto hours = number(text, 2);
  if (!hours || *hours > 14 || !pass(text, ':')) return std::nullopt;
  const auto minutes = number(text, 2);
  if (!minutes || *minutes > 59) return std::nullopt;
  const std::int64_t ms = (*hours * 60 + *minutes) * 60'000;
  return west ? -ms : ms;
}

} // namespace

std::optional<std::int64_t> CallRecord::duration_ms() const {
  if (!answered_ms) return std::nullopt;
  return ended_ms - *answered_ms;
}

void tidy(CallRecord& record) {
  each_field(record, [](const char* /*name*/, auto& value) {
    using T = std::remove_reference_t<decltype(value)>;
    if constexpr (std::is_same_v<T, std::string>) {
      tidy(value);
    } else if constexpr (std::is_same_v<T, std::optional<double>>) {
      if (value && !std::isfinite(*value)) value.reset();
    }
  });
  for (RecordedFile& file : record.files) {
    tidy(file.kind);
    tidy(file.path);
    tidy(file.sha256);
  }
  if (record.said.size() > kMaxUtterances) record.said.resize(kMaxUtterances);
  for (Utterance& said : record.said) {
    tidy(said.who);
    tidy(said.text);
  }
}

json::object to_json(const CallRecord& record, bool all) {
  json::object out;
  each_field(record, [&](const char* name, const auto& value) { put(out, name, value, all); });
  if (!record.files.empty() || all) {
    json::array files;
    for (const RecordedFile& file : record.files) {
      json::object item;
      each_field_of_file(file, [&](const char* name, const auto& value) { put(item, name, value, true); });
      files.push_back(std::move(item));
    }
    out["files"] = std::move(files);
  }
  if (!record.said.empty()) {
    json::array said;
    for (const Utterance& one : record.said) {
      json::object item;
      each_field_of_utterance(one,
                              [&](const char* name, const auto& value) { put(item, name, value, true); });
      said.push_back(std::move(item));
    }
    out["said"] = std::move(said);
  }
  return out;
}

Result<CallRecord> from_json(std::string_view text) {
  const auto object =
      json::parse_object(text, {.bytes = kMaxJson, .depth = kMaxDepth, .too_long = "a call record"});
  if (!object) return tl::unexpected(object.error());
  CallRecord record;
  json::Fields members(*object);
  each_field(record, [&members](const char* name, auto& variable) { members.optional(name, variable); });
  if (!members.ok()) return talky::fail(Errc::malformed, 0, "members of a call record");
  if (!is_uuid(record.uuid)) return talky::fail(Errc::malformed, 0, "the uuid of a call record");
  if (!read_list(*object, "files", record.files,
                 [](auto& file, auto visit) { each_field_of_file(file, visit); }))
    return talky::fail(Errc::malformed, 0, "files of a call record");
  if (!read_list(*object, "said", record.said,
                 [](auto& one, auto visit) { each_field_of_utterance(one, visit); }))
    return talky::fail(Errc::malformed, 0, "what was said in a call");
  return record;
}

std::string csv_header() {
  std::string out;
  const CallRecord none;
  each_field(none, [&](const char* name, const auto&) { out.append(out.empty() ? "" : ",").append(name); });
  return out;
}

std::string to_csv(const CallRecord& record) {
  std::string out;
  bool first = true;
  each_field(record, [&](const char* /*name*/, const auto& value) {
    out.append(first ? "" : ",").append(cell(value));
    first = false;
  });
  return out;
}

bool is_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    if (dash ? c != '-' : !hex) return false;
  }
  return true;
}

std::string to_iso8601(std::int64_t ms) {
  const std::int64_t days = (ms >= 0 ? ms : ms - (kMsOfDay - 1)) / kMsOfDay;
  const std::int64_t of_day = ms - days * kMsOfDay;
  const Date date = date_of(days);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", date.year, date.month, date.day,
                     of_day / 3'600'000, of_day / 60'000 % 60, of_day / 1000 % 60, of_day % 1000);
}

std::optional<std::int64_t> from_iso8601(std::string_view text) {
  const auto year = number(text, 4);
  if (!year || !pass(text, '-')) return std::nullopt;
  const auto month = number(text, 2);
  if (!month || *month < 1 || *month > 12 || !pass(text, '-')) return std::nullopt;
  const auto day = number(text, 2);
  if (!day || *day < 1) return std::nullopt;
  const std::int64_t days = days_from(*year, *month, *day);
  if (date_of(days).day != *day) return std::nullopt; // 31 April
  std::int64_t ms = days * kMsOfDay;
  if (text.empty()) return ms;
  if (!pass(text, 'T') && !pass(text, ' ')) return std::nullopt;
  const auto time = time_of_day(text);
  if (!time) return std::nullopt;
  const auto east = zone(text);
  if (!east || !text.empty()) return std::nullopt;
  return ms + *time - *east;
}

} // namespace talky::store
