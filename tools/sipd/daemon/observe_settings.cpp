#include "sipd/daemon/observe_settings.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <utility>

#include "cli/exit_code.hpp"
#include "core/ascii.hpp"
#include "net/stream.hpp"

namespace talky::sipd {
namespace {

using cli::ExitCode;
using cli::Failure;

constexpr std::string_view kTracesPath = "/v1/traces";
constexpr std::size_t kMaxKey = 255;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

struct Variable {
  std::string name, value;
};

// What OpenTelemetry's variables say of the exporter: those for traces alone go before those for everything.
Variable exporter(std::string_view what) {
  std::string all = fmt::format("OTEL_EXPORTER_OTLP_{}", what);
  std::string ours = fmt::format("OTEL_EXPORTER_OTLP_TRACES_{}", what);
  if (std::string value = variable(ours.c_str()); !value.empty()) return {std::move(ours), std::move(value)};
  std::string value = variable(all.c_str());
  return {std::move(all), std::move(value)};
}

// What an option says goes before both.
Variable option_or(const char* option, const std::string& given, std::string_view what) {
  return given.empty() ? exporter(what) : Variable{option, given};
}

bool is_field_name(std::string_view name) {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~"; // RFC 9110 5.6.2
  return !name.empty() && std::all_of(name.begin(), name.end(), [&](char c) {
    return ascii::is_alnum(c) || kOthers.find(c) != std::string_view::npos;
  });
}

bool is_field_value(std::string_view value) {
  return std::none_of(value.begin(), value.end(), [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
  });
}

// Those of HTTP that the sender itself sets.
bool is_ours(std::string_view name) {
  constexpr std::array<std::string_view, 5> kOurs{"host", "content-length", "content-encoding", "connection",
                                                  "transfer-encoding"};
  return std::any_of(kOurs.begin(), kOurs.end(), [&](auto one) { return ascii::iequals(one, name); });
}

// "Name: value" lines; '#' begins a comment line.
void load_headers(const std::string& path, http::Headers& headers) {
  std::ifstream file(path);
  if (!file) throw Failure(ExitCode::no_input, fmt::format("--otlp-headers {}: cannot be read", path));
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    const std::string_view text = ascii::trim(line);
    if (text.empty() || text.front() == '#') continue;
    const std::size_t colon = text.find(':');
    const std::string_view name = ascii::trim(text.substr(0, std::min(colon, text.size())));
    const std::string_view value =
        colon == std::string_view::npos ? std::string_view() : ascii::trim(text.substr(colon + 1));
    if (colon == std::string_view::npos || !is_field_name(name) || is_ours(name) || !is_field_value(value)) {
      throw Failure(
          ExitCode::config,
          fmt::format("{}:{}: expected Name: value of a field of HTTP that is not ours", path, number));
    }
    headers.add(name, value);
  }
}

std::string load_key(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Failure(ExitCode::no_input, fmt::format("--hep-key {}: cannot be read", path));
  const std::string all(std::istreambuf_iterator<char>(file), {});
  const std::string_view key = ascii::trim(all);
  if (key.empty() || key.size() > kMaxKey || key.find('\n') != std::string_view::npos)
    throw Failure(ExitCode::config, fmt::format("{}: expected one line of 1 to 255 bytes", path));
  return std::string(key);
}

telemetry::Attributes resource() {
  telemetry::Attributes out{{"service.name", std::string("talky-sipd")},
                            {"service.version", std::string(TALKY_VERSION)}};
  const auto set = [&out](const std::string& name, std::string value) {
    const auto there =
        std::find_if(out.begin(), out.end(), [&](const auto& one) { return one.first == name; });
    if (there == out.end()) {
      out.emplace_back(name, std::move(value));
    } else {
      there->second = std::move(value);
    }
  };
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) == 0) set("host.name", host.data());
  out.emplace_back("process.pid", std::int64_t{::getpid()});
  out.emplace_back("telemetry.sdk.name", std::string("talky"));
  out.emplace_back("telemetry.sdk.language", std::string("cpp"));
  out.emplace_back("telemetry.sdk.version", std::string(TALKY_VERSION));
  for (auto& [name, value] : telemetry::parse_otel_list(variable("OTEL_RESOURCE_ATTRIBUTES")))
    set(name, std::move(value));
  if (std::string name = variable("OTEL_SERVICE_NAME"); !name.empty()) set("service.name", std::move(name));
  return out;
}

// How a batch gets there: compressed or not, and whom we trust.
void resolve_transport(const ObserveSettings& s, Tracer::Options& options) {
  const auto [from, coding] = option_or("--otlp-compression", s.otlp_compression, "COMPRESSION");
  if (!coding.empty() && coding != "none" && coding != "gzip")
    throw Failure(ExitCode::usage, fmt::format("{}: \"{}\" is neither gzip nor none", from, coding));
  options.gzip = coding == "gzip";
  if (options.gzip) options.headers.add("Content-Encoding", "gzip");
  auto [name, path] = option_or("--otlp-ca", s.otlp_ca, "CERTIFICATE");
  if (!path.empty() && !std::ifstream(path))
    throw Failure(ExitCode::no_input, fmt::format("{} {}: cannot be read", name, path));
  options.ca_file = std::move(path);
}

// A place for traces alone is taken as it is; below any other they have a path of their own.
http::Url collector(const Variable& place) {
  auto url = http::Url::parse(place.value);
  if (!url || url->target.find('?') != std::string::npos) {
    throw Failure(ExitCode::usage,
                  fmt::format("{}: \"{}\" is not http[s]://HOST[:PORT][/PATH]", place.name, place.value));
  }
  if (place.name == "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT" || url->target.ends_with(kTracesPath)) return *url;
  while (url->target.ends_with('/'))
    url->target.pop_back();
  url->target += kTracesPath;
  return *url;
}

void resolve_otlp(ObserveSettings& s) {
  const Variable place = option_or("--otlp", s.otlp_text, "ENDPOINT");
  if (place.value.empty()) return;
  Tracer::Options options;
  options.url = collector(place);
  options.headers.add("Content-Type", "application/json");
  options.headers.add("User-Agent", fmt::format("talky-sipd/{}", TALKY_VERSION));
  const Variable headers = exporter("HEADERS");
  for (const auto& [name, value] : telemetry::parse_otel_list(headers.value)) {
    if (!is_field_name(name) || is_ours(name) || !is_field_value(value))
      throw Failure(ExitCode::config, fmt::format("{}: expected name=value[,name=value]...", headers.name));
    options.headers.add(name, value);
  }
  if (!s.otlp_headers_path.empty()) load_headers(s.otlp_headers_path, options.headers);
  resolve_transport(s, options);
  options.resource = resource();
  s.otlp = std::move(options);
}

void resolve_hep(ObserveSettings& s) {
  if (s.hep_text.empty()) return;
  const auto collector = net::resolve(s.hep_text, telemetry::kHepPort);
  if (!collector || collector->port == 0)
    throw Failure(ExitCode::usage, fmt::format("--hep: \"{}\" is not HOST:PORT", s.hep_text));
  s.hep = HepOptions{*collector, s.hep_id, s.hep_key_path.empty() ? std::string() : load_key(s.hep_key_path)};
}

} // namespace

void describe_observe(cli::Options& options, ObserveSettings& s) {
  options.group("Traces and capture");
  options.add("otlp", s.otlp_text, "URL",
              "OpenTelemetry collector, as http://127.0.0.1:4318: a trace of each call");
  options
      .add("otlp-headers", s.otlp_headers_path, "FILE",
           "Name: value lines to send with them; keys, as a rule")
      .files();
  options
      .add("otlp-ca", s.otlp_ca, "FILE", "PEM: whom to trust with https, instead of the system's authorities")
      .files();
  options.add("otlp-compression", s.otlp_compression, "CODING", "of what is sent to it: gzip or none [none]")
      .choices({"gzip", "none"});
  options.add("hep", s.hep_text, "HOST:PORT",
              "Homer, or another HEP3 server: is shown all SIP, and RTCP reports");
  options.add("hep-id", s.hep_id, "N", "who we are to it");
  options.add("hep-key", s.hep_key_path, "FILE", "holds its authentication key").files();
}

void resolve_observe(ObserveSettings& settings) {
  resolve_otlp(settings);
  resolve_hep(settings);
}

} // namespace talky::sipd
