#include "sipd/api/api_access.hpp"

#include <fmt/format.h>

#include <fstream>

#include "cli/exit_code.hpp"
#include "core/ascii.hpp"

namespace talky::sipd {
namespace {

constexpr std::size_t kMinToken = 16;
constexpr std::size_t kMaxToken = 256;

// How long it takes tells nothing about where they differ.
bool same(std::string_view a, std::string_view b) {
  unsigned difference = a.size() == b.size() ? 0u : 1u;
  for (std::size_t i = 0; i < b.size(); ++i)
    difference |= static_cast<unsigned>(static_cast<unsigned char>(a.empty() ? 0 : a[i % a.size()]) ^
                                        static_cast<unsigned char>(b[i]));
  return difference == 0;
}

// A name for this machine by which no other site can be meant: what a page was loaded from must be one of
// these.
bool is_ours(std::string_view host, const Endpoint& listening) {
  if (host == "localhost" || host.ends_with(".localhost")) return listening.ip.is_loopback();
  const auto ip = IpAddress::parse(host);
  if (!ip) return false;
  // A page from another address than ours cannot be at ours: only names can be bound anew.
  return listening.ip.is_loopback() ? ip->is_loopback() : true;
}

std::string_view token_of(const http::Request& request) {
  const std::string_view field = request.headers.get("Authorization");
  constexpr std::string_view kScheme = "Bearer ";
  if (field.size() < kScheme.size() || !ascii::iequals(field.substr(0, kScheme.size()), kScheme)) return {};
  return ascii::trim(field.substr(kScheme.size()));
}

// Browsers cannot add a field to an EventSource, a WebSocket, a download or what a player loads.
bool may_carry_token(const http::Request& request) {
  if (request.wants_websocket()) return true;
  const bool reads = request.method == http::Method::get || request.method == http::Method::head;
  return reads && (request.path.ends_with("/events") || request.path.ends_with("/sample") ||
                   request.path.starts_with("/api/v1/sip/recordings/"));
}

} // namespace

Tokens Tokens::load(const std::string& path) {
  std::ifstream file(path);
  if (!file)
    throw cli::Failure(cli::ExitCode::no_input, fmt::format("--http-tokens {}: cannot be read", path));
  Tokens out;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    const std::string_view text = ascii::trim(line);
    if (text.empty() || text.front() == '#') continue;
    const std::size_t colon = text.find(':');
    const std::string_view word = text.substr(0, colon);
    const Role role = word == "read" ? Role::read : word == "operate" ? Role::operate : Role::none;
    const std::string_view token = colon == std::string_view::npos ? "" : text.substr(colon + 1);
    if (role == Role::none || token.size() < kMinToken || token.size() > kMaxToken ||
        token.find_first_of(" \t") != std::string_view::npos) {
      throw cli::Failure(
          cli::ExitCode::config,
          fmt::format("{}:{}: expected read:TOKEN or operate:TOKEN, with {} to {} characters and no space",
                      path, number, kMinToken, kMaxToken));
    }
    Role& known = out.roles_[std::string(token)];
    known = std::max(known, role);
  }
  if (file.bad())
    throw cli::Failure(cli::ExitCode::io, fmt::format("--http-tokens {}: reading failed", path));
  if (out.roles_.empty())
    throw cli::Failure(cli::ExitCode::config, fmt::format("--http-tokens {}: holds no token", path));
  return out;
}

Role Tokens::role_of(std::string_view token) const {
  Role out = Role::none;
  for (const auto& [known, role] : roles_) {
    if (same(token, known)) out = std::max(out, role);
  }
  return out;
}

std::string_view to_string(Role role) {
  switch (role) {
    case Role::operate: return "operate";
    case Role::read: return "read";
    case Role::none: break;
  }
  return "none";
}

std::optional<http::Response> Access::refuse_origin(const http::Request& request) const {
  // With tokens a page that was led here by its name has none; names of a proxy or of a network are then
  // fine.
  const std::string_view host = request.headers.get("Host");
  const auto name = http::authority_host(host);
  if (!name || (!tokens_ && !is_ours(*name, listening_)))
    return http::problem(
        421, "this Host is not served here: use the address that talky-sipd listens on, or localhost");
  if (request.headers.has("Origin")) {
    const std::string_view origin = request.headers.get("Origin");
    const std::size_t scheme = origin.find("://");
    const bool same_site =
        scheme != std::string_view::npos && ascii::iequals(origin.substr(scheme + 3), host);
    if (!same_site) return http::problem(403, "requests of web pages from elsewhere (Origin) are not served");
  }
  return std::nullopt;
}

std::optional<http::Response> Access::refuse_token(const http::Request& request, Role needed) const {
  if (!tokens_ || needed == Role::none) return std::nullopt;
  std::string_view token = token_of(request);
  std::optional<std::string> in_query;
  if (token.empty() && may_carry_token(request)) {
    in_query = request.query_value("access_token");
    if (in_query) token = *in_query;
  }
  const Role role = tokens_->role_of(token);
  if (role == Role::none) {
    auto answer = http::problem(401, "a bearer token is needed");
    const std::string_view reason = token.empty() ? "" : ", error=\"invalid_token\"";
    answer.headers.add("WWW-Authenticate", fmt::format("Bearer realm=\"talky\"{}", reason));
    return answer;
  }
  if (role < needed) return http::problem(403, "this token may read, not operate");
  return std::nullopt;
}

} // namespace talky::sipd
