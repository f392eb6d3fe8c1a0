// What talky-sipd is told about traces (OpenTelemetry) and capture (HEP): options, and what came out of them.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "cli/options.hpp"
#include "sipd/sinks/hep_sender.hpp"
#include "sipd/sinks/tracer.hpp"

namespace talky::sipd {

struct ObserveSettings {
  // As written. What is "" is taken from OTEL_EXPORTER_OTLP_TRACES_x, or OTEL_EXPORTER_OTLP_x.
  std::string otlp_text;         // URL of the collector (x: ENDPOINT), or no traces
  std::string otlp_headers_path; // and x: HEADERS
  std::string otlp_ca;           // PEM file (x: CERTIFICATE), or the system's authorities
  std::string otlp_compression;  // "gzip", "none" (x: COMPRESSION), or none
  std::string hep_text;          // HOST:PORT; "": none
  std::uint32_t hep_id = 2001;
  std::string hep_key_path;

  // What that means; filled by resolve_observe().
  std::optional<Tracer::Options> otlp;
  std::optional<HepOptions> hep;
};

void describe_observe(cli::Options& options, ObserveSettings& settings);
// Throws cli::Failure. Reads the files and the variables OTEL_*.
void resolve_observe(ObserveSettings& settings);

} // namespace talky::sipd
