#include "http/request_line.hpp"

#include <cstddef>
#include <optional>
#include <string>

#include "core/ascii.hpp"

namespace talky::http {
namespace {

Method method_of(std::string_view name) {
  for (const Method method : {Method::get, Method::head, Method::post, Method::put, Method::patch,
                              Method::delete_, Method::options}) {
    if (name == to_string(method)) return method;
  }
  return Method::other;
}

std::optional<std::string_view> origin_form(std::string_view target, Method method) {
  if (target.starts_with('/')) return target;
  if (target == "*" && method == Method::options) return "/";
  constexpr std::string_view kScheme = "http://";
  if (target.size() <= kScheme.size() || !ascii::iequals(target.substr(0, kScheme.size()), kScheme))
    return std::nullopt;
  const std::size_t slash = target.find('/', kScheme.size());
  return slash == std::string_view::npos ? std::string_view("/") : target.substr(slash);
}

} // namespace

bool take_request_line(Request& request, std::string_view method, std::string_view target) {
  request.method = method_of(method);
  const auto path = origin_form(target, request.method);
  if (!path) return false;
  const std::size_t mark = path->find('?');
  request.path = std::string(path->substr(0, mark));
  if (mark != std::string_view::npos) request.query = std::string(path->substr(mark + 1));
  return true;
}

} // namespace talky::http
