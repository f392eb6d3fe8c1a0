#include "http/message.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>

#include "core/ascii.hpp"
#include "json/json.hpp"

namespace talky::http {
namespace {

constexpr std::array<std::string_view, 7> kMethodNames = {"GET",   "HEAD",   "POST",   "PUT",
                                                          "PATCH", "DELETE", "OPTIONS"};
constexpr std::array<std::string_view, 7> kDayNames = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> kMonthNames = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
// The items of a comma-separated list, trimmed, until `visit` gives true.
template <class Visit>
bool any_item(std::string_view list, Visit visit) {
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    if (visit(ascii::trim(list.substr(0, comma)))) return true;
    if (comma == std::string_view::npos) break;
    list.remove_prefix(comma + 1);
  }
  return false;
}

std::optional<std::uint8_t> hex_digit(char c) {
  if (ascii::is_digit(c)) return static_cast<std::uint8_t>(c - '0');
  const char low = ascii::to_lower(c);
  if (low >= 'a' && low <= 'f') return static_cast<std::uint8_t>(low - 'a' + 10);
  return std::nullopt;
}

} // namespace

std::string_view to_string(Method method) {
  const auto index = static_cast<std::size_t>(method);
  return index < kMethodNames.size() ? kMethodNames[index] : std::string_view();
}

// ---- Fields

bool is_clean(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

void Headers::add(std::string_view name, std::string_view value) {
  fields_.emplace_back(name, value);
}

std::string_view Headers::get(std::string_view name) const {
  for (const auto& [key, value] : fields_) {
    if (ascii::iequals(key, name)) return value;
  }
  return {};
}

bool Headers::has(std::string_view name) const {
  return count(name) > 0;
}

std::size_t Headers::count(std::string_view name) const {
  return static_cast<std::size_t>(std::count_if(
      fields_.begin(), fields_.end(), [&](const Field& field) { return ascii::iequals(field.first, name); }));
}

std::string_view Request::parameter(std::string_view name) const {
  for (const auto& [key, value] : parameters) {
    if (key == name) return value;
  }
  return {};
}

std::optional<std::string> Request::query_value(std::string_view name) const {
  std::string_view rest = query;
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
    const std::size_t equals = pair.find('=');
    if (percent_decoded(pair.substr(0, equals), true) != name) continue;
    if (equals == std::string_view::npos) return std::string();
    return percent_decoded(pair.substr(equals + 1), true);
  }
  return std::nullopt;
}

bool Request::wants_websocket() const {
  const auto is = [](std::string_view word) {
    return [word](std::string_view item) { return ascii::iequals(item, word); };
  };
  return method == Method::get && any_item(headers.get("Connection"), is("upgrade")) &&
         any_item(headers.get("Upgrade"), is("websocket")) && headers.get("Sec-WebSocket-Version") == "13" &&
         headers.has("Sec-WebSocket-Key");
}

// ---- Answers

Response Response::text(int status, std::string_view content_type, std::string body) {
  Response out;
  out.status = status;
  out.headers.add("Content-Type", std::string(content_type));
  out.body = std::move(body);
  return out;
}

struct Reply::State {
  explicit State(std::function<void(Response)> callback) : send(std::move(callback)) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { use(problem(500, "the request was not answered")); }

  void use(Response response) {
    if (const auto call = std::exchange(send, nullptr)) call(std::move(response));
  }

  std::function<void(Response)> send;
};

Reply::Reply(std::function<void(Response)> send) : state_(std::make_shared<State>(std::move(send))) {}

void Reply::operator()(Response response) const {
  if (state_) state_->use(std::move(response));
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 100: return "Continue";
    case 101: return "Switching Protocols";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 417: return "Expectation Failed";
    case 421: return "Misdirected Request";
    case 422: return "Unprocessable Content";
    case 426: return "Upgrade Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    default: return "";
  }
}

Response problem(int status, std::string_view detail) {
  return Response::text(
      status, "application/problem+json",
      fmt::format("{{\"type\":\"about:blank\",\"title\":\"{}\",\"status\":{},\"detail\":{}}}\n",
                  reason_phrase(status), status, json::quoted(detail)));
}

// ---- Texts

std::optional<std::string> percent_decoded(std::string_view text, bool plus) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(plus && text[i] == '+' ? ' ' : text[i]);
      continue;
    }
    if (text.size() - i < 3) return std::nullopt;
    const auto high = hex_digit(text[i + 1]);
    const auto low = hex_digit(text[i + 2]);
    if (!high || !low) return std::nullopt;
    out.push_back(static_cast<char>(*high << 4 | *low));
    i += 2;
  }
  return out;
}

std::string percent_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (ascii::is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~') {
      out.push_back(c);
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    }
  }
  return out;
}

RangeChoice choose_range(std::string_view header, std::uint64_t size) {
  header = ascii::trim(header);
  constexpr std::string_view kUnit = "bytes=";
  if (header.size() < kUnit.size() || !ascii::iequals(header.substr(0, kUnit.size()), kUnit)) return {};
  header = ascii::trim(header.substr(kUnit.size()));
  const std::size_t dash = header.find('-');
  if (dash == std::string_view::npos) return {};
  const std::string_view first_text = header.substr(0, dash);
  const std::string_view last_text = header.substr(dash + 1);
  const auto last = ascii::to_number<std::uint64_t>(last_text);
  if (!last_text.empty() && !last) return {};
  if (first_text.empty()) { // the last so many bytes
    if (!last) return {};
    if (*last == 0 || size == 0) return {std::nullopt, true};
    return {ByteRange{size - std::min(*last, size), size - 1}, false};
  }
  const auto first = ascii::to_number<std::uint64_t>(first_text);
  if (!first || (last && *last < *first)) return {};
  if (*first >= size) return {std::nullopt, true};
  return {ByteRange{*first, std::min(last.value_or(size - 1), size - 1)}, false};
}

bool etag_matches(std::string_view if_none_match, std::string_view etag) {
  const auto strong = [](std::string_view tag) { return tag.starts_with("W/") ? tag.substr(2) : tag; };
  return any_item(if_none_match,
                  [&](std::string_view item) { return item == "*" || strong(item) == strong(etag); });
}

std::string http_date(std::int64_t unix_seconds) {
  const auto seconds = static_cast<std::time_t>(unix_seconds);
  std::tm tm{};
  if (::gmtime_r(&seconds, &tm) == nullptr) return "Thu, 01 Jan 1970 00:00:00 GMT";
  return fmt::format(
      "{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDayNames[static_cast<std::size_t>(tm.tm_wday)], tm.tm_mday,
      kMonthNames[static_cast<std::size_t>(tm.tm_mon)], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

std::optional<std::int64_t> parse_http_date(std::string_view text) {
  // "Sun, 06 Nov 1994 08:49:37 GMT"; the two obsolete forms are not understood.
  constexpr std::size_t kLength = 29;
  if (text.size() != kLength || text.substr(3, 2) != ", " || !text.ends_with(" GMT")) return std::nullopt;
  const auto number = [&](std::size_t at, std::size_t count) {
    return ascii::to_number<int>(text.substr(at, count)).value_or(-1);
  };
  const auto* const month = std::find(kMonthNames.begin(), kMonthNames.end(), text.substr(8, 3));
  if (month == kMonthNames.end()) return std::nullopt;
  std::tm tm{};
  tm.tm_mday = number(5, 2);
  tm.tm_mon = static_cast<int>(month - kMonthNames.begin());
  tm.tm_year = number(12, 4) - 1900;
  tm.tm_hour = number(17, 2);
  tm.tm_min = number(20, 2);
  tm.tm_sec = number(23, 2);
  if (tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_year < 0 || tm.tm_hour < 0 || tm.tm_hour > 23 ||
      tm.tm_min < 0 || tm.tm_min > 59 || tm.tm_sec < 0 || tm.tm_sec > 60) {
    return std::nullopt;
  }
  const std::int64_t out = ::timegm(&tm);
  if (http_date(out) != text) return std::nullopt; // a 31st of February, or the wrong day of the week
  return out;
}

std::optional<std::string> authority_host(std::string_view authority) {
  std::string_view host = authority;
  std::string_view port;
  if (authority.starts_with('[')) {
    const std::size_t end = authority.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    host = authority.substr(1, end - 1);
    port = authority.substr(end + 1);
    if (host.find(':') == std::string_view::npos || !IpAddress::parse(host)) return std::nullopt;
  } else {
    const std::size_t colon = authority.find(':');
    host = authority.substr(0, colon);
    if (colon != std::string_view::npos) port = authority.substr(colon);
    const bool fine = std::all_of(host.begin(), host.end(), [](char c) {
      return ascii::is_alnum(c) || c == '-' || c == '.' || c == '_';
    });
    if (!fine || host.empty()) return std::nullopt;
  }
  if (!port.empty() && (port.front() != ':' || !ascii::to_number<std::uint16_t>(port.substr(1)))) {
    return std::nullopt;
  }
  return ascii::lower(host);
}

} // namespace talky::http
