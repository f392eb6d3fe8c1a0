#include "store/statements.hpp"

#include <fmt/format.h>

#include <array>
#include <cstdlib>
#include <optional>
#include <type_traits>

#include "core/ascii.hpp"

namespace talky::store {
namespace {

// What a page is sorted by: an expression that is never NULL, so that a page can go on behind any row.
struct Order {
  SortKey key;
  std::string_view name;
  std::string_view expression;
  enum class Type : std::uint8_t { integer, real, text } type;
};
constexpr std::array<Order, 8> kOrders{{
    {SortKey::invited, "invited", "invited_ms", Order::Type::integer},
    {SortKey::ended, "ended", "ended_ms", Order::Type::integer},
    {SortKey::duration, "duration", "coalesce(ended_ms - answered_ms, -1)", Order::Type::integer},
    {SortKey::from, "from", "lower(from_uri)", Order::Type::text},
    {SortKey::to, "to", "lower(dialled)", Order::Type::text},
    {SortKey::cause, "cause", "cause", Order::Type::text},
    {SortKey::mos, "mos", "coalesce(in_mos, -1.0)", Order::Type::real},
    {SortKey::response, "response", "coalesce(response_p50_ms, -1.0)", Order::Type::real},
}};

const Order& order_of(SortKey key) {
  for (const Order& order : kOrders) {
    if (order.key == key) return order;
  }
  return kOrders[0];
}

constexpr std::string_view kHexDigits = "0123456789abcdef";

std::string to_hex(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    out += kHexDigits[byte / 16];
    out += kHexDigits[byte % 16];
  }
  return out;
}

std::optional<std::string> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const std::size_t high = kHexDigits.find(text[i]);
    const std::size_t low = kHexDigits.find(text[i + 1]);
    if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
  }
  return out;
}

// "invited-" or "invited+": a token is of no use for another order.
std::string order_mark(const Query& query) {
  return fmt::format("{}{}", to_string(query.sort), query.descending ? '-' : '+');
}

std::optional<Value> to_value(std::string_view text, Order::Type type) {
  if (type == Order::Type::text) return std::string(text);
  if (type == Order::Type::integer) {
    const auto number = ascii::to_number<std::int64_t>(text);
    return number ? std::optional<Value>(*number) : std::nullopt;
  }
  const std::string copy(text);
  char* end = nullptr;
  const double number = std::strtod(copy.c_str(), &end);
  if (copy.empty() || *end != '\0') return std::nullopt;
  return number;
}

// A pattern for LIKE with '!' before what stands for itself.
std::string like_pattern(std::string_view wanted) {
  const bool is_pattern = wanted.find_first_of("*?") != std::string_view::npos;
  std::string out = is_pattern ? "" : "%";
  for (const char c : wanted) {
    if (c == '*') {
      out += '%';
    } else if (c == '?') {
      out += '_';
    } else {
      if (c == '%' || c == '_' || c == '!') out += '!';
      out += ascii::to_lower(c);
    }
  }
  return is_pattern ? out : out + '%';
}

std::string is_like(Statement& statement, std::string_view column, const std::string& wanted) {
  return fmt::format("lower({}) LIKE {} ESCAPE '!'", column, statement.parameter(like_pattern(wanted)));
}

// Conditions joined by AND; "" for none.
std::string conditions(Statement& out, const Filter& filter) {
  std::vector<std::string> all;
  if (filter.since_ms) all.push_back("invited_ms >= " + out.parameter(*filter.since_ms));
  if (filter.until_ms) all.push_back("invited_ms < " + out.parameter(*filter.until_ms));
  if (!filter.from.empty()) {
    const std::string uri = is_like(out, "from_uri", filter.from);
    all.push_back(fmt::format("({} OR {})", uri, is_like(out, "from_display", filter.from)));
  }
  if (!filter.to.empty()) {
    const std::string uri = is_like(out, "to_uri", filter.to);
    all.push_back(fmt::format("({} OR {})", uri, is_like(out, "dialled", filter.to)));
  }
  if (!filter.route.empty()) all.push_back(is_like(out, "route", filter.route));
  if (!filter.text.empty()) {
    all.push_back(
        fmt::format("EXISTS (SELECT 1 FROM talky_utterances u WHERE u.uuid = talky_calls.uuid AND {})",
                    is_like(out, "u.said", filter.text)));
  }
  if (!filter.causes.empty()) {
    std::string list;
    for (const std::string& cause : filter.causes)
      list += (list.empty() ? "" : ", ") + out.parameter(cause);
    all.push_back(fmt::format("cause IN ({})", list));
  }
  if (filter.answered) all.emplace_back(*filter.answered ? "answered_ms IS NOT NULL" : "answered_ms IS NULL");
  if (!filter.sip_call_id.empty()) all.push_back("sip_call_id = " + out.parameter(filter.sip_call_id));
  if (!filter.direction.empty()) all.push_back("direction = " + out.parameter(filter.direction));
  if (filter.min_duration_ms)
    all.push_back("ended_ms - answered_ms >= " + out.parameter(*filter.min_duration_ms));
  if (filter.max_duration_ms)
    all.push_back("ended_ms - answered_ms <= " + out.parameter(*filter.max_duration_ms));
  std::string text;
  for (const std::string& one : all)
    text += (text.empty() ? "" : " AND ") + one;
  return text;
}

// Reads a row column by column into variables of the types of each_field.
class Columns {
 public:
  explicit Columns(const std::vector<Value>& row) : row_(row) {}
  void operator()(const char* /*name*/, std::string& value) {
    if (const auto* text = std::get_if<std::string>(next())) value = *text;
  }
  void operator()(const char* /*name*/, std::int64_t& value) {
    if (const auto* number = std::get_if<std::int64_t>(next())) value = *number;
  }
  void operator()(const char* /*name*/, std::optional<std::int64_t>& value) {
    if (const auto* number = std::get_if<std::int64_t>(next())) value = *number;
  }
  void operator()(const char* /*name*/, std::optional<double>& value) {
    const Value* column = next();
    if (const auto* real = std::get_if<double>(column)) value = *real;
    if (const auto* number = std::get_if<std::int64_t>(column)) value = static_cast<double>(*number);
  }

 private:
  const Value* next() { return at_ < row_.size() ? &row_[at_++] : nullptr; }

  const std::vector<Value>& row_;
  std::size_t at_ = 0;
};

template <class T>
Value to_value(const std::optional<T>& value) {
  return value ? Value(*value) : Value(nullptr);
}
template <class T>
Value to_value(const T& value) {
  return value;
}

} // namespace

std::optional<SortKey> to_sort_key(std::string_view name) {
  for (const Order& order : kOrders) {
    if (order.name == name) return order.key;
  }
  return std::nullopt;
}

std::string_view to_string(SortKey key) {
  return order_of(key).name;
}

std::string Statement::parameter(Value value) {
  parameters.push_back(std::move(value));
  return fmt::format("${}", parameters.size());
}

const std::string& call_columns() {
  static const std::string kColumns = [] {
    std::string out;
    const CallRecord none;
    each_field(none,
               [&](const char* name, const auto&) { out.append(out.empty() ? "" : ", ").append(name); });
    return out;
  }();
  return kColumns;
}

CallRecord call_of(const std::vector<Value>& row) {
  CallRecord record;
  each_field(record, Columns(row));
  return record;
}

Statement put_call(const CallRecord& record) {
  Statement out;
  std::string values;
  std::string updates;
  each_field(record, [&](const char* name, const auto& value) {
    values += (values.empty() ? "" : ", ") + out.parameter(to_value(value));
    if (std::string_view(name) != "uuid")
      updates += fmt::format("{}{} = excluded.{}", updates.empty() ? "" : ", ", name, name);
  });
  out.sql = fmt::format("INSERT INTO talky_calls ({}) VALUES ({}) ON CONFLICT (uuid) DO UPDATE SET {}",
                        call_columns(), values, updates);
  return out;
}

Outcome<Statement> list_calls(const Query& query) {
  if (query.limit < 1 || query.limit > Query::kMaxLimit)
    return fail(Fault::invalid, fmt::format("a limit from 1 to {}", Query::kMaxLimit));
  const Order& order = order_of(query.sort);
  Statement out;
  std::string where = conditions(out, query.filter);
  if (!query.after.empty()) {
    // order|uuid|value
    const auto token = from_hex(query.after);
    const std::string mark = order_mark(query) + '|';
    const std::size_t uuid = mark.size();
    const bool fits = token && token->starts_with(mark) && token->size() > uuid + 36 &&
                      (*token)[uuid + 36] == '|' && is_uuid(token->substr(uuid, 36));
    const auto value = fits ? to_value(std::string_view(*token).substr(uuid + 37), order.type) : std::nullopt;
    if (!value) return fail(Fault::invalid, "a page token of this order");
    const std::string sorted = out.parameter(*value);
    where += fmt::format("{}({}, uuid) {} ({}, {})", where.empty() ? "" : " AND ", order.expression,
                         query.descending ? '<' : '>', sorted, out.parameter(token->substr(uuid, 36)));
  }
  const char* direction = query.descending ? "DESC" : "ASC";
  out.sql = fmt::format("SELECT {}, {} FROM talky_calls{}{} ORDER BY {} {}, uuid {} LIMIT {}", call_columns(),
                        order.expression, where.empty() ? "" : " WHERE ", where, order.expression, direction,
                        direction, out.parameter(static_cast<std::int64_t>(query.limit) + 1));
  return out;
}

Statement count_calls(const Filter& filter) {
  Statement out;
  const std::string where = conditions(out, filter);
  out.sql = fmt::format("SELECT count(*) FROM talky_calls{}{}", where.empty() ? "" : " WHERE ", where);
  return out;
}

std::string page_token(const Query& query, const std::vector<Value>& row) {
  const std::string value = std::visit(
      [](const auto& v) {
        if constexpr (std::is_same_v<std::decay_t<decltype(v)>, std::nullptr_t>) {
          return std::string();
        } else {
          return fmt::format("{}", v);
        }
      },
      row.back());
  return to_hex(fmt::format("{}|{}|{}", order_mark(query), std::get<std::string>(row[0]), value));
}

} // namespace talky::store
