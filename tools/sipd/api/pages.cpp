#include "sipd/api/pages.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <utility>

#include "core/ascii.hpp"

namespace talky::sipd {
namespace {

namespace fs = std::filesystem;
using http::Reply;
using http::Request;
using http::Response;

constexpr std::array<std::pair<std::string_view, std::string_view>, 18> kTypes{{
    {"html", "text/html; charset=utf-8"},
    {"js", "text/javascript; charset=utf-8"},
    {"mjs", "text/javascript; charset=utf-8"},
    {"css", "text/css; charset=utf-8"},
    {"svg", "image/svg+xml"},
    {"json", "application/json"},
    {"map", "application/json"},
    {"webmanifest", "application/manifest+json"},
    {"txt", "text/plain; charset=utf-8"},
    {"wasm", "application/wasm"},
    {"woff2", "font/woff2"},
    {"woff", "font/woff"},
    {"png", "image/png"},
    {"jpg", "image/jpeg"},
    {"webp", "image/webp"},
    {"avif", "image/avif"},
    {"ico", "image/x-icon"},
    {"wav", "audio/wav"},
}};

// Nothing from elsewhere, nothing inline, and in nobody's frame.
constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; media-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'";

constexpr std::string_view kMissingPage = R"(<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>talky-sipd</title>
<h1>talky-sipd runs</h1>
<p>Its web page is not installed here. <code>scripts/run</code> builds it; <code>--web DIR</code> names its folder.</p>
<p>A softphone reaches the agent without it. The API: <a href="/api/v1">/api/v1</a>,
<a href="/api/v1/sip/status">status</a>, <a href="/api/v1/sip/calls">calls</a>,
<a href="/api/v1/openapi.json">its description</a>, <a href="/metrics">figures</a>.</p>
</html>
)";

void add_page_fields(Response& response) {
  response.headers.add("Content-Security-Policy", kPolicy);
  response.headers.add("Referrer-Policy", "no-referrer");
  response.headers.add("Permissions-Policy", "microphone=(self), camera=(), geolocation=()");
  response.headers.add("Cross-Origin-Opener-Policy", "same-origin");
  response.headers.add("Cross-Origin-Resource-Policy", "same-origin");
}

// Whether the client takes that coding: named in Accept-Encoding, and not with q=0.
bool accepts_coding(std::string_view field, std::string_view coding) {
  while (!field.empty()) {
    const std::size_t comma = field.find(',');
    const std::string_view item = ascii::trim(field.substr(0, comma));
    const std::size_t semicolon = item.find(';');
    if (ascii::iequals(ascii::trim(item.substr(0, semicolon)), coding)) {
      if (semicolon == std::string_view::npos) return true;
      std::string weight;
      for (const char c : item.substr(semicolon + 1)) {
        if (c != ' ' && c != '\t') weight += ascii::to_lower(c);
      }
      return !weight.starts_with("q=0") || weight.find_first_of("123456789", 3) != std::string::npos;
    }
    if (comma == std::string_view::npos) break;
    field.remove_prefix(comma + 1);
  }
  return false;
}

// The file of that name below the folder; "" if there is none that may be served.
std::string find_file(const std::string& folder, std::string_view name) {
  const bool hidden = name.starts_with('.') || name.find("/.") != std::string_view::npos;
  if (folder.empty() || hidden || name.find('\0') != std::string_view::npos) return {};
  std::error_code error;
  const fs::path root = fs::canonical(folder, error);
  if (error) return {};
  const fs::path file = fs::canonical(root / fs::path(name), error);
  if (error || !fs::is_regular_file(file, error)) return {};
  const auto [end, at] = std::mismatch(root.begin(), root.end(), file.begin(), file.end());
  return end == root.end() ? file.string() : std::string();
}

} // namespace

std::string_view content_type_of(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  const std::string ending = ascii::lower(dot == std::string_view::npos ? "" : name.substr(dot + 1));
  const auto* const found =
      std::find_if(kTypes.begin(), kTypes.end(), [&](const auto& type) { return type.first == ending; });
  return found == kTypes.end() ? "application/octet-stream" : found->second;
}

bool is_hashed_name(std::string_view name) {
  constexpr std::size_t kLength = 8; // of Vite's hashes
  const std::size_t dot = name.find('.');
  if (dot == std::string_view::npos || dot < kLength + 2 || name[dot - kLength - 1] != '-') return false;
  const std::string_view hash = name.substr(dot - kLength, kLength);
  const bool letters = std::all_of(hash.begin(), hash.end(),
                                   [](char c) { return ascii::is_alnum(c) || c == '_' || c == '-'; });
  // "my-pictures.svg" is a word.
  return letters && std::any_of(hash.begin(), hash.end(), [](char c) { return c < 'a' || c > 'z'; });
}

void Pages::add_routes(RouteTable& routes) {
  routes.get("/", Role::none,
             [this](const Request& request, const Reply& reply) { page("index.html", request, reply); });
  routes.get("/calls", Role::none,
             [this](const Request& request, const Reply& reply) { page("calls.html", request, reply); });
  routes.get("/assets/{path...}", Role::none, [this](const Request& request, const Reply& reply) {
    serve("assets/" + std::string(request.parameter("path")), request, reply);
  });
}

void Pages::page(std::string_view name, const Request& request, const Reply& reply) const {
  if (!find_file(folder_, name).empty()) return serve(name, request, reply);
  const bool browser = request.headers.get("Accept").find("text/html") != std::string_view::npos;
  if (!browser)
    return reply(http::problem(404, "the web page is not installed (--web); the API is at /api/v1"));
  Response response = Response::text(404, content_type_of("index.html"), std::string(kMissingPage));
  add_page_fields(response);
  reply(std::move(response));
}

void Pages::serve(std::string_view name, const Request& request, const Reply& reply) const {
  std::string file = find_file(folder_, name);
  if (file.empty()) return reply(http::problem(404, "there is no such file"));
  Response response;
  response.headers.add("Content-Type", content_type_of(name));
  response.headers.add("Vary", "Accept-Encoding");
  // Both are asked for again by their ETag; a name with a hash never needs that.
  const bool for_ever = is_hashed_name(name.substr(name.rfind('/') + 1));
  response.headers.add("Cache-Control", for_ever ? "public, max-age=31536000, immutable" : "no-cache");
  add_page_fields(response);
  for (const auto& [coding, ending] :
       {std::pair<std::string_view, std::string_view>{"br", ".br"}, {"gzip", ".gz"}}) {
    if (!accepts_coding(request.headers.get("Accept-Encoding"), coding)) continue;
    std::string packed = find_file(folder_, std::string(name) + std::string(ending));
    if (packed.empty()) continue;
    response.headers.add("Content-Encoding", coding);
    file = std::move(packed);
    break;
  }
  response.file = http::BodyFile{std::move(file)};
  reply(std::move(response));
}

} // namespace talky::sipd
