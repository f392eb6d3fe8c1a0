// OpenTelemetry traces as OTLP carries them over HTTP in JSON (opentelemetry-proto 1.x,
// ExportTraceServiceRequest): identifiers are lower-case hexadecimal, 64-bit integers are texts, enumerators
// are numbers. What is sent where and when is not decided here.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace talky::telemetry {

// W3C Trace Context: 16 and 8 bytes, not all of them 0.
using TraceId = std::array<std::uint8_t, 16>;
using SpanId = std::array<std::uint8_t, 8>;

// The 16 bytes of a UUID, with or without its dashes; nullopt for another text, or nothing but zeros.
std::optional<TraceId> trace_id_of(std::string_view uuid);
std::string to_hex(std::span<const std::uint8_t> id);

using AttributeValue = std::variant<std::string, std::int64_t, double, bool>;
// Names by OpenTelemetry's semantic conventions where they have one, else with the prefix "talky.".
using Attributes = std::vector<std::pair<std::string, AttributeValue>>;

struct Span {
  enum class Kind : std::uint8_t { internal = 1, server = 2, client = 3 };
  enum class Status : std::uint8_t { unset = 0, ok = 1, error = 2 };

  TraceId trace{};
  SpanId id{};
  std::optional<SpanId> parent; // none: the root
  std::string name;
  Kind kind = Kind::internal;
  std::int64_t start_us = 0, end_us = 0; // since 1970; the end is not before the start
  Attributes attributes;
  Status status = Status::unset;
  std::string status_message; // of an error

  struct Event {
    std::int64_t at_us = 0;
    std::string name;
    Attributes attributes;
  };
  std::vector<Event> events;
};

// One request for all spans. Texts that are not UTF-8 have U+FFFD in its place.
std::string to_otlp_json(const Attributes& resource, std::string_view scope, std::string_view scope_version,
                         std::span<const Span> spans);

// "a=1,b=x%20y": the form of OTEL_EXPORTER_OTLP_HEADERS and OTEL_RESOURCE_ATTRIBUTES (W3C Baggage without
// properties). What has no name or no '=' is passed over.
std::vector<std::pair<std::string, std::string>> parse_otel_list(std::string_view list);

} // namespace talky::telemetry
