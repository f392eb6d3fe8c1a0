#include "http/router.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace talky::http {
namespace {

constexpr std::size_t kMaxPath = 2'048;
constexpr std::size_t kMaxSegments = 32;

bool is_name(std::string_view segment) {
  return segment.starts_with('{');
}
bool takes_rest(std::string_view segment) {
  return segment.ends_with("...}");
}

std::string name_of(std::string_view segment) {
  const std::size_t tail = takes_rest(segment) ? 4 : 1;
  return std::string(segment.substr(1, segment.size() - 1 - tail));
}

bool acceptable(std::string_view segment) {
  if (segment.empty() || segment == "." || segment == "..") return false;
  return std::none_of(segment.begin(), segment.end(), [](char c) {
    return c == '/' || c == '\\' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
}

using Parameters = std::vector<std::pair<std::string, std::string>>;

// How many segments matched literally: what says which of two patterns is the better one.
std::optional<std::size_t> match(const std::vector<std::string>& pattern,
                                 const std::vector<std::string>& path, Parameters& out) {
  const bool open_end = !pattern.empty() && takes_rest(pattern.back());
  if (open_end ? path.size() < pattern.size() : path.size() != pattern.size()) return std::nullopt;
  std::size_t literal = 0;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (!is_name(pattern[i])) {
      if (pattern[i] != path[i]) return std::nullopt;
      ++literal;
      continue;
    }
    std::string value = path[i];
    for (std::size_t k = i + 1; takes_rest(pattern[i]) && k < path.size(); ++k)
      value.append("/").append(path[k]);
    out.emplace_back(name_of(pattern[i]), std::move(value));
  }
  return literal;
}

Response with_allow(Response response, const std::string& allow) {
  response.headers.add("Allow", allow);
  return response;
}

} // namespace

std::optional<std::vector<std::string>> split_path(std::string_view path) {
  if (path.size() > kMaxPath || !path.starts_with('/')) return std::nullopt;
  path.remove_prefix(1);
  if (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  std::vector<std::string> out;
  if (path.empty()) return out;
  for (;;) {
    const std::size_t slash = path.find('/');
    auto segment = percent_decoded(path.substr(0, slash));
    if (!segment || !acceptable(*segment) || out.size() == kMaxSegments) return std::nullopt;
    out.push_back(std::move(*segment));
    if (slash == std::string_view::npos) return out;
    path.remove_prefix(slash + 1);
  }
}

void Router::add(Method method, std::string_view pattern, Handler handler) {
  auto segments = split_path(pattern);
  assert(segments && "a pattern of our own");
  entries_.push_back({{method, std::string(pattern)}, std::move(*segments), std::move(handler)});
}

void Router::operator()(Request request, const Reply& reply) const {
  const auto path = split_path(request.path);
  if (!path) return reply(problem(400, "the path is malformed"));
  const Method wanted = request.method == Method::head ? Method::get : request.method;
  const Entry* best = nullptr;
  std::size_t best_literal = 0;
  Parameters best_parameters;
  std::string allow;
  for (const Entry& entry : entries_) {
    Parameters parameters;
    const auto literal = match(entry.segments, *path, parameters);
    if (!literal) continue;
    allow.append(to_string(entry.route.method)).append(", ");
    if (entry.route.method == Method::get) allow.append("HEAD, ");
    if (entry.route.method != wanted || (best && *literal <= best_literal)) continue;
    best = &entry;
    best_literal = *literal;
    best_parameters = std::move(parameters);
  }
  if (best) {
    request.parameters = std::move(best_parameters);
    return best->handler(std::move(request), reply);
  }
  if (allow.empty()) return reply(problem(404, "there is nothing at this path"));
  allow.append("OPTIONS");
  if (request.method == Method::options) {
    Response response;
    response.status = 204;
    return reply(with_allow(std::move(response), allow));
  }
  reply(with_allow(problem(405, "this path does not know that method"), allow));
}

std::vector<Router::Route> Router::routes() const {
  std::vector<Route> out;
  out.reserve(entries_.size());
  for (const Entry& entry : entries_)
    out.push_back(entry.route);
  return out;
}

} // namespace talky::http
