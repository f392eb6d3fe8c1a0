#include "sipd/bridge/routes.hpp"

#include <fmt/format.h>

#include "core/ascii.hpp"

namespace talky::sipd {
namespace {

// One element of the pattern against one character; `size` becomes the element's length.
bool element_matches(std::string_view pattern, char c, std::size_t& size) {
  size = 1;
  if (pattern[0] == '?') return true;
  if (pattern[0] == '\\' && pattern.size() > 1) {
    size = 2;
    return pattern[1] == c;
  }
  const std::size_t close = pattern[0] == '[' ? pattern.find(']', 2) : std::string_view::npos;
  if (close == std::string_view::npos) return pattern[0] == c;
  size = close + 1;
  std::string_view set = pattern.substr(1, close - 1);
  const bool negated = set.front() == '!';
  if (negated) set.remove_prefix(1);
  bool found = false;
  for (std::size_t i = 0; i < set.size(); ++i) {
    if (i + 2 < set.size() && set[i + 1] == '-') {
      found = found || (set[i] <= c && c <= set[i + 2]);
      i += 2;
    } else {
      found = found || set[i] == c;
    }
  }
  return found != negated;
}

} // namespace

// Linear but for going back to the last '*': no pattern takes exponential time.
bool matches(std::string_view pattern, std::string_view text) {
  std::size_t p = 0;
  std::size_t t = 0;
  std::optional<std::size_t> star; // the pattern behind the last '*'
  std::size_t resume = 0;          // the text that it was tried on last
  while (t < text.size()) {
    std::size_t size = 0;
    if (p < pattern.size() && pattern[p] == '*') {
      star = ++p;
      resume = t;
    } else if (p < pattern.size() && element_matches(pattern.substr(p), text[t], size)) {
      p += size;
      ++t;
    } else if (star) {
      p = *star;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*')
    ++p;
  return p == pattern.size();
}

std::optional<std::string> Routes::add(std::string_view text) {
  const std::size_t equals = text.find('=');
  const std::string_view pattern = ascii::trim(text.substr(0, equals));
  if (equals == std::string_view::npos || pattern.empty()) return "PATTERN=TARGET, such as '2*=echo'";
  auto target = Target::parse(text.substr(equals + 1));
  if (!target) return std::string("PATTERN=TARGET with a target of ") + target_forms();
  routes_.push_back({std::string(text), std::string(pattern), std::move(*target)});
  return std::nullopt;
}

const Routes::Route* Routes::match(std::string_view number) const {
  for (const Route& route : routes_) {
    if (matches(route.pattern, number)) return &route;
  }
  return nullptr;
}

const Target& Routes::find(std::string_view number) const {
  const Route* route = match(number);
  return route ? route->target : standard_;
}

std::string Routes::explain(std::string_view number) const {
  const Route* route = match(number);
  if (!route) {
    return fmt::format("{} -> {}, by --bridge: none of {} routes fits", number, standard_.text,
                       routes_.size());
  }
  return fmt::format("{} -> {}, by route {} of {}: {}", number, route->target.text,
                     route - routes_.data() + 1, routes_.size(), route->text);
}

std::vector<const Target*> Routes::targets() const {
  std::vector<const Target*> out{&standard_};
  for (const Route& route : routes_)
    out.push_back(&route.target);
  return out;
}

} // namespace talky::sipd
