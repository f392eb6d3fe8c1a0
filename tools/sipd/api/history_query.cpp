// The query of GET /api/v1/sip/history.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <system_error>

#include "core/ascii.hpp"
#include "http/message.hpp"
#include "sipd/api/history.hpp"
#include "store/when.hpp"

namespace talky::sipd {
namespace {

constexpr std::size_t kMaxValue = 256;    // bytes of one value
constexpr std::size_t kMaxCursor = 2'048; // bytes
constexpr std::ptrdiff_t kMaxStars = 4;   // each may cost the database a pass over every text
constexpr std::size_t kMaxCauses = 16;
constexpr double kMaxSeconds = 1e9;
constexpr std::size_t kMaxQuoted = 40; // bytes of a name, in what the client is told

using Fault = std::optional<std::string>; // a sentence

Fault time(std::optional<std::int64_t>& out, std::string_view name, const std::string& text,
           std::int64_t now_ms) {
  out = store::parse_when(text, now_ms);
  if (out) return std::nullopt;
  return fmt::format(
      "{} is a date (2026-11-22, 2026-11-22T17:05Z), a time of today (17:05) or an age (90m, 12h, 7d)", name);
}

Fault seconds(std::optional<std::int64_t>& out_ms, std::string_view name, const std::string& text) {
  double value = -1;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  const bool number = error == std::errc() && end == text.data() + text.size();
  if (!number || !(value >= 0 && value <= kMaxSeconds)) return fmt::format("{} is a number of seconds", name);
  out_ms = static_cast<std::int64_t>(std::llround(value * 1000));
  return std::nullopt;
}

Fault pattern(std::string& out, std::string_view name, std::string text) {
  if (std::count(text.begin(), text.end(), '*') > kMaxStars)
    return fmt::format("{} may hold {} of *", name, kMaxStars);
  out = std::move(text);
  return std::nullopt;
}

Fault truth(std::optional<bool>& out, std::string_view name, std::string_view text) {
  if (text == "true" || text == "1" || text.empty()) {
    out = true;
  } else if (text == "false" || text == "0") {
    out = false;
  } else {
    return fmt::format("{} is true or false", name);
  }
  return std::nullopt;
}

Fault causes(std::vector<std::string>& out, std::string_view text) {
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    const std::string_view cause = text.substr(0, comma);
    const bool word = !cause.empty() && std::all_of(cause.begin(), cause.end(),
                                                    [](char c) { return ascii::is_alnum(c) || c == '_'; });
    if (!word || out.size() >= kMaxCauses)
      return fmt::format("cause is a list of at most {} such as hangup,lost", kMaxCauses);
    out.emplace_back(cause);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return std::nullopt;
}

Fault take(HistoryQuery& out, std::string_view name, std::string text, std::int64_t now_ms) {
  store::Query& query = out.query;
  store::Filter& filter = query.filter;
  const bool printable = std::none_of(
      text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  if (!printable || text.size() > (name == "after" ? kMaxCursor : kMaxValue))
    return fmt::format("{} is too long or holds control characters", name.substr(0, kMaxQuoted));
  if (name == "since") return time(filter.since_ms, name, text, now_ms);
  if (name == "until") return time(filter.until_ms, name, text, now_ms);
  if (name == "from") return pattern(filter.from, name, std::move(text));
  if (name == "to") return pattern(filter.to, name, std::move(text));
  if (name == "route") return pattern(filter.route, name, std::move(text));
  if (name == "text") return pattern(filter.text, name, std::move(text));
  if (name == "cause") return causes(filter.causes, text);
  if (name == "answered") return truth(filter.answered, name, text);
  if (name == "min_duration") return seconds(filter.min_duration_ms, name, text);
  if (name == "max_duration") return seconds(filter.max_duration_ms, name, text);
  if (name == "direction") {
    if (text != "in" && text != "out") return "direction is in or out";
    filter.direction = std::move(text);
  } else if (name == "sip_call_id") {
    filter.sip_call_id = std::move(text);
  } else if (name == "sort") {
    const auto key = store::to_sort_key(text);
    if (!key) return "sort is invited, ended, duration, from, to, cause, mos or response";
    query.sort = *key;
  } else if (name == "order") {
    if (text != "asc" && text != "desc") return "order is asc or desc";
    query.descending = text == "desc";
  } else if (name == "limit") {
    const auto limit = ascii::to_number<std::size_t>(text);
    if (!limit || *limit < 1 || *limit > store::Query::kMaxLimit)
      return fmt::format("limit is a number from 1 to {}", store::Query::kMaxLimit);
    query.limit = *limit;
  } else if (name == "after") {
    query.after = std::move(text);
  } else if (name == "count") {
    std::optional<bool> wanted;
    if (auto fault = truth(wanted, name, text)) return fault;
    query.count = *wanted;
  } else if (name == "format") {
    if (text != "csv" && text != "json") return "format is json or csv";
    out.csv = text == "csv";
  } else {
    return fmt::format("\"{}\" is not known here", name.substr(0, kMaxQuoted));
  }
  return std::nullopt;
}

} // namespace

tl::expected<HistoryQuery, std::string> parse_history_query(std::string_view query, std::int64_t now_ms) {
  HistoryQuery out;
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    if (pair.empty()) continue;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const auto name = http::percent_decoded(pair.substr(0, equals), true);
    auto value = http::percent_decoded(pair.substr(std::min(equals + 1, pair.size())), true);
    if (!name || !value)
      return tl::unexpected(std::string("a '%' in the query is not followed by two hexadecimal digits"));
    if (auto fault = take(out, *name, std::move(*value), now_ms)) return tl::unexpected(std::move(*fault));
  }
  return out;
}

} // namespace talky::sipd
