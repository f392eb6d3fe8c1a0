#include "telemetry/otlp.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "core/ascii.hpp"
#include "core/utf8.hpp"

namespace talky::telemetry {
namespace {

namespace json = boost::json;

json::string text(std::string_view value) {
  const std::string clean = utf8::repaired(value);
  return json::string(clean.data(), clean.size());
}

json::object value_json(const AttributeValue& value) {
  if (const auto* s = std::get_if<std::string>(&value)) return {{"stringValue", text(*s)}};
  if (const auto* i = std::get_if<std::int64_t>(&value)) return {{"intValue", std::to_string(*i)}};
  if (const auto* d = std::get_if<double>(&value)) return {{"doubleValue", *d}};
  return {{"boolValue", std::get<bool>(value)}};
}

json::array attributes_json(const Attributes& attributes) {
  json::array out;
  out.reserve(attributes.size());
  for (const auto& [name, value] : attributes)
    out.push_back(json::object{{"key", text(name)}, {"value", value_json(value)}});
  return out;
}

std::string nanoseconds(std::int64_t us) {
  return std::to_string(us * 1000);
}

json::object span_json(const Span& span) {
  json::object out{{"traceId", to_hex(span.trace)},
                   {"spanId", to_hex(span.id)},
                   {"name", text(span.name)},
                   {"kind", static_cast<int>(span.kind)},
                   {"startTimeUnixNano", nanoseconds(span.start_us)},
                   {"endTimeUnixNano", nanoseconds(span.end_us)}};
  if (span.parent) out["parentSpanId"] = to_hex(*span.parent);
  out["attributes"] = attributes_json(span.attributes);
  if (!span.events.empty()) {
    json::array events;
    events.reserve(span.events.size());
    for (const Span::Event& event : span.events)
      events.push_back(json::object{{"timeUnixNano", nanoseconds(event.at_us)},
                                    {"name", text(event.name)},
                                    {"attributes", attributes_json(event.attributes)}});
    out["events"] = std::move(events);
  }
  json::object status;
  if (span.status != Span::Status::unset) status["code"] = static_cast<int>(span.status);
  if (!span.status_message.empty()) status["message"] = text(span.status_message);
  out["status"] = std::move(status);
  return out;
}

std::optional<std::uint8_t> digit_of(char c) {
  if (ascii::is_digit(c)) return static_cast<std::uint8_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<std::uint8_t>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<std::uint8_t>(c - 'A' + 10);
  return std::nullopt;
}

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto high = text[i] == '%' && i + 2 < text.size() ? digit_of(text[i + 1]) : std::nullopt;
    const auto low = high ? digit_of(text[i + 2]) : std::nullopt;
    if (low) {
      out += static_cast<char>(*high << 4 | *low);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

} // namespace

std::optional<TraceId> trace_id_of(std::string_view uuid) {
  TraceId id{};
  std::size_t digits = 0;
  for (const char c : uuid) {
    if (c == '-') continue;
    const auto digit = digit_of(c);
    if (!digit || digits == 2 * id.size()) return std::nullopt;
    id[digits / 2] = static_cast<std::uint8_t>(id[digits / 2] << 4 | *digit);
    ++digits;
  }
  const bool zero = std::all_of(id.begin(), id.end(), [](std::uint8_t byte) { return byte == 0; });
  if (digits != 2 * id.size() || zero) return std::nullopt;
  return id;
}

std::string to_hex(std::span<const std::uint8_t> id) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  out.reserve(2 * id.size());
  for (const std::uint8_t byte : id) {
    out += kDigits[byte >> 4];
    out += kDigits[byte & 0xf];
  }
  return out;
}

std::string to_otlp_json(const Attributes& resource, std::string_view scope, std::string_view scope_version,
                         std::span<const Span> spans) {
  json::array list;
  list.reserve(spans.size());
  for (const Span& span : spans)
    list.push_back(span_json(span));
  json::object scope_spans{{"scope", json::object{{"name", text(scope)}, {"version", text(scope_version)}}},
                           {"spans", std::move(list)}};
  json::array scopes;
  scopes.push_back(std::move(scope_spans));
  json::object resource_spans{{"resource", json::object{{"attributes", attributes_json(resource)}}},
                              {"scopeSpans", std::move(scopes)}};
  json::array resources;
  resources.push_back(std::move(resource_spans));
  return json::serialize(json::object{{"resourceSpans", std::move(resources)}});
}

std::vector<std::pair<std::string, std::string>> parse_otel_list(std::string_view list) {
  std::vector<std::pair<std::string, std::string>> out;
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(','), list.size());
    const std::string_view item = list.substr(0, end);
    list.remove_prefix(std::min(end + 1, list.size()));
    const std::size_t equals = item.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string_view name = ascii::trim(item.substr(0, equals));
    if (name.empty()) continue;
    out.emplace_back(percent_decoded(name), percent_decoded(ascii::trim(item.substr(equals + 1))));
  }
  return out;
}

} // namespace talky::telemetry
